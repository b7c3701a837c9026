#!/usr/bin/env python3
"""fields_test.py SOURCE FIELDS: compares the definitions in SOURCE/schemas with the fields of Kafka's own classes.

FIELDS is what make.py wrote: a line for each message and version.
"""

import os
import re
import sys

source, fields_path = sys.argv[1:]
sys.path.insert(0, os.path.join(source, "tools", "generate"))

import schema  # noqa: E402

KAFKAS = {"i8": "int8", "i16": "int16", "i32": "int32", "i64": "int64", "u16": "uint16", "u32": "uint32",
          "f64": "float64", "bool": "boolean"}


def our_name(name):
    name = re.sub("(Request|Response|Header)Data$", r"\1", name).replace("KRaft", "Kraft")
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def field_type(field, version):
    if field.struct is not None:
        out = "{" + struct_fields(field.struct, version) + "}"
    else:
        wire = schema.IDS.get(field.type, field.type)
        out = KAFKAS.get(wire, wire)
    if field.array:
        out = f"[{out}]"
    nullable = field.type != "records" and version in field.nullable
    return out + "?" if nullable else out


def struct_fields(struct, version):
    plain = []
    tagged = {}
    for field in struct.fields:
        if version not in field.versions:
            continue
        text = f"{field.name.replace('_', '')}:{field_type(field, version)}"
        if field.tag is not None and version in field.tagged:
            tagged[field.tag] = f"{text}@{field.tag}"
        else:
            plain.append(text)
    return ",".join(plain + [tagged[tag] for tag in sorted(tagged)])


def main():
    messages = {message.name: message for message in schema.load(os.path.join(source, "schemas"))[1]}
    compared = set()
    failures = 0
    with open(fields_path, encoding="utf-8") as file:
        for line in file:
            name, version, *kafkas = line.rstrip("\n").split(" ", 2)
            message = messages.get(our_name(name))
            if message is None:
                print(f"{name} has no definition")
                failures += 1
                continue
            compared.add((message.name, int(version)))
            ours = struct_fields(message.root, int(version))
            # Kafka's and our words are split alike except at "KRaft"; what counts is their letters.
            kafkas = re.sub(r"_", "", "".join(kafkas))
            if ours != kafkas:
                print(f"{message.name} version {version}\n  kafka {kafkas}\n  ours  {ours}")
                failures += 1
    for message in messages.values():
        for version in message.versions:
            if (message.name, version) not in compared:
                print(f"{message.name} version {version} isn't Kafka's")
                failures += 1
    if failures:
        sys.exit(f"{failures} differences")
    print(f"{len(compared)} versions of {len(messages)} messages have Kafka's fields")


if __name__ == "__main__":
    main()
