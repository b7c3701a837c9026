#!/usr/bin/env python3
"""Generates C++ from the definition files.

    generate.py --schemas schemas --out build/generated          writes what changed
    generate.py --schemas schemas --out build/generated --list   prints the sources that it would write, for CMake

A mistake in a definition is reported as file:line: message.
"""

import argparse
import os
import sys

import registry
from cpp import MessageWriter
from schema import SchemaError, load

ROUNDTRIP_PART = 48


def outputs(root):
    """Path under the output folder -> content."""
    apis, messages = load(root)
    out = {}
    for message in messages:
        writer = MessageWriter(message)
        stem = f"wire/{message.folder}/{message.name}"
        out[stem + ".hpp"] = writer.header()
        out[stem + ".cpp"] = writer.source()
    out["wire/protocol/api_keys.hpp"] = registry.api_keys(apis)
    for folder in sorted({m.folder for m in messages if m.kind == "record"}):
        records = sorted((m for m in messages if m.folder == folder and m.kind == "record"), key=lambda m: m.id)
        out[f"wire/{folder}/record_types.hpp"] = registry.record_types(folder, records)
    parts = [messages[i:i + ROUNDTRIP_PART] for i in range(0, len(messages), ROUNDTRIP_PART)]
    out["wire_roundtrip/roundtrip.hpp"] = registry.ROUNDTRIP
    out["wire_roundtrip/impl.hpp"] = registry.ROUNDTRIP_IMPL
    out["wire_roundtrip/table.cpp"] = registry.roundtrip_table(parts)
    for i, part in enumerate(parts):
        out[f"wire_roundtrip/part_{i}.cpp"] = registry.roundtrip_part(i, part)
    return out


def write_changed(path, content):
    try:
        with open(path, encoding="utf-8") as file:
            if file.read() == content:
                return
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)


def remove_stale(root, known):
    """What earlier definitions left behind must not be found by an include."""
    for top in ("wire", "wire_roundtrip"):
        for folder, _, files in os.walk(os.path.join(root, top)):
            for file in files:
                path = os.path.join(folder, file)
                if os.path.relpath(path, root) not in known:
                    os.remove(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--schemas", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--list", action="store_true", help="print the paths of all outputs and write nothing")
    arguments = parser.parse_args()
    try:
        files = outputs(os.path.abspath(arguments.schemas))
    except SchemaError as error:
        sys.exit(str(error))
    if arguments.list:
        print("\n".join(os.path.join(arguments.out, path) for path in sorted(files)))
        return
    remove_stale(arguments.out, files)
    for path, content in files.items():
        write_changed(os.path.join(arguments.out, path), content)


if __name__ == "__main__":
    main()
