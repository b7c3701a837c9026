#!/usr/bin/env python3
"""Writes the version script of an installed shared library: it exports what the public headers declare, and no more.

    exports.py --headers include/moldau/client --namespace moldau::client --out client.map ARCHIVE...

A symbol is exported if it is a member of a class, or is a function, that a header declares at namespace scope;
what lies inside a class under the name `impl` or `body` is the library's own.
"""

import argparse
import re
import subprocess
from pathlib import Path

CLASS = re.compile(r"^(?:class|struct) (\w+)", re.MULTILINE)
# A declaration's first line, or the line that its name begins.
FUNCTION = re.compile(r"^(?!template|using|namespace|inline|#|/)[\w\[\]:<>,&* ]*?\b(\w+)\([^{]*\);$", re.MULTILINE)
# What a class with virtual functions has for those who derive from it.
OF_A_CLASS = re.compile(r"^(vtable|typeinfo|typeinfo name|VTT) for ")
PRIVATE = re.compile(r"::(impl|body)\b")


def declared(folder):
    """The names that the headers of a folder declare in their namespace."""
    names = set()
    for header in sorted(Path(folder).rglob("*.hpp")):
        text = header.read_text()
        names.update(CLASS.findall(text))
        names.update(FUNCTION.findall(text))
    return names


def symbols(archives, nm):
    """What the archives define for others, as the linker names it and as people do."""
    def lines(*options):
        out = subprocess.run([nm, "--defined-only", "--extern-only", "--format=posix", *options, *archives],
                             check=True, text=True, capture_output=True).stdout
        return [line for line in out.splitlines() if line and not line.endswith(":")]
    for raw, plain in zip(lines(), lines("--demangle"), strict=True):
        symbol, kind = raw.split()[:2]
        # Weak ones come from what headers define: whoever includes them has their own.
        if kind not in "WVwv":
            yield symbol, plain


def chosen(found, namespace, names, also):
    prefix = namespace + "::"
    for raw, plain in found:
        plain = OF_A_CLASS.sub("", plain)
        if any(plain.startswith(each) for each in also):
            yield raw
        elif plain.startswith(prefix) and not PRIVATE.search(plain.split("(")[0]):
            name = re.match(r"\w+", plain[len(prefix):])
            if name and name.group() in names:
                yield raw


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--headers", required=True)
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--also", action="append", default=[], help="further names, from their beginning")
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--version", required=True, help="the version that the symbols bear")
    parser.add_argument("--out", required=True)
    parser.add_argument("archives", nargs="+")
    told = parser.parse_args()
    names = sorted(set(chosen(symbols(told.archives, told.nm), told.namespace, declared(told.headers), told.also)))
    if not names:
        parser.error("the archives define nothing that the headers declare")
    lines = [f"{told.version} {{", "  global:", *(f"    {name};" for name in names), "  local: *;", "};", ""]
    Path(told.out).write_text("\n".join(lines))


if __name__ == "__main__":
    main()
