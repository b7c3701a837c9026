#!/usr/bin/env python3
"""Writes, for every record of the metadata log and of the coordinators' topics, how it is shown as JSON.

    describe.py --schemas FOLDER --generator FOLDER --out FOLDER
"""

import argparse
import os
import sys

HEAD = "// Generated from schemas/: change those, not this.\n"


def specialisation(folder, type_name, fields, reserved):
    lines = [f"template <>\nstruct describer<wire::{folder}::{type_name}> {{",
             f"  static void put(std::string& out, const wire::{folder}::{type_name}& from) {{",
             "    object to(out);"]
    for field in fields:
        member = field.name + "_" if field.name in reserved else field.name
        lines.append(f'    to.put("{field.name}", from.{member});')
    if not fields:
        lines.append("    static_cast<void>(from);")
    lines += ["  }", "};", ""]
    return "\n".join(lines)


def describers(folder, messages, reserved):
    out = []
    for message in messages:
        for struct in message.structs:
            out.append(specialisation(folder, f"{message.name}_types::{struct.name}", struct.fields, reserved))
        out.append(specialisation(folder, message.name, message.root.fields, reserved))
    return "\n".join(out)


def source(folder, messages, reserved, tail):
    includes = "".join(f'#include "wire/{folder}/{message.name}.hpp"\n' for message in messages)
    return (HEAD + '#include "offline/describe.hpp"\n#include "offline/describe_values.hpp"\n' + includes +
            "\nnamespace moldau::offline {\n\n" + describers(folder, messages, reserved) + "\n" + tail +
            "\n}  // namespace moldau::offline\n")


def cases(folder, messages):
    return "".join(f"    case {message.id}:\n      return describe_as<wire::{folder}::{message.name}>(in, version);\n"
                   for message in messages)


def metadata(messages):
    return ("result<described> describe_metadata(std::uint32_t type, std::int16_t version, wire::reader& in) {\n"
            "  switch (type) {\n" + cases("metadata", messages) +
            "    default:\n      return unknown_type(type);\n  }\n}\n")


def store_of(message):
    if message.name.startswith("transaction_log"):
        return "transactions"
    if message.name.startswith(("share_snapshot", "share_update")):
        return "shares"
    return "groups"


def coordinator(messages):
    out = ""
    for kind in ("key", "value"):
        out += (f"result<described> describe_coordinator_{kind}(coordinator_topic topic, std::uint32_t type, "
                "std::int16_t version, wire::reader& in) {\n")
        for store in ("groups", "transactions", "shares"):
            part = [m for m in messages if m.kind == kind and store_of(m) == store]
            out += (f"  if (topic == coordinator_topic::{store}) {{\n  switch (type) {{\n" + cases("coordinator", part) +
                    "    default:\n      return unknown_type(type);\n  }\n  }\n")
        out += "  return unknown_type(type);\n}\n\n"
    return out


def write(path, text):
    if os.path.exists(path):
        with open(path) as before:
            if before.read() == text:
                os.utime(path)
                return
    with open(path, "w") as to:
        to.write(text)


def main():
    parser = argparse.ArgumentParser(description="Writes how records are shown.")
    parser.add_argument("--schemas", required=True)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    sys.path.insert(0, options.generator)
    import cpp
    import schema

    _, messages = schema.load(options.schemas)
    os.makedirs(options.out, exist_ok=True)
    for folder, tail in (("metadata", metadata), ("coordinator", coordinator)):
        mine = [m for m in messages if m.folder == folder and m.id is not None]
        write(os.path.join(options.out, f"describe_{folder}.cpp"), source(folder, mine, cpp.RESERVED, tail(mine)))


if __name__ == "__main__":
    main()
