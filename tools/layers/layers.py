#!/usr/bin/env python3
"""Checks every #include of the project against tools/layers.table.

    layers.py [--root FOLDER] [--table FILE]

Fails on a folder without a row, an include that the rows don't allow, a header included by a path that doesn't name its
folder, headers that include each other in a circle, and a third-party header where none may be.
"""

import argparse
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (".hpp", ".cpp", ".h", ".cc")
SCANNED = ("include", "src", "testing", "apps", "tests", "bench")
INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
# Headers with a slash that belong to the system and not to a library.
SYSTEM = ("sys/", "netinet/", "arpa/", "linux/", "net/")


@dataclass
class Row:
    folder: str
    uses: list[str]
    third_party: list[str] = field(default_factory=list)
    reachable: set[str] = field(default_factory=set)


def read_table(text):
    """The rows by folder, each with all that it may reach. Raises ValueError with a sentence."""
    rows = {}
    for number, line in enumerate(text.splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        left, _, third_party = line.partition("|")
        folder, colon, uses = left.partition(":")
        folder = folder.strip()
        if not colon or folder in rows:
            raise ValueError(f"line {number}: a row is written `folder: folders | headers`, once a folder")
        row = Row(folder, uses.split(), third_party.split())
        row.reachable = {folder}
        for used in row.uses:
            if used not in rows and not used.startswith("tests/"):
                raise ValueError(f"line {number}: {folder} names {used}, which has no row above it")
            row.reachable |= rows[used].reachable if used in rows else {used}
        rows[folder] = row
    return rows


def folder_of(path, rows):
    """The row that `path` (relative to the root) belongs to: the longest that is one of its parents."""
    best = ""
    for folder in rows:
        if path.startswith(folder + "/") and len(folder) > len(best):
            best = folder
    return best


def resolve(name, path, root):
    """Where an #include "name" of `path` leads, relative to the root; None if to nothing that is there."""
    for base in ("src", "include", ""):
        if (root / base / name).is_file():
            return str(Path(base) / name)
    beside = Path(path).parent / name
    if (root / beside).is_file():
        return str(beside)
    return None


def is_generated(name):
    """Messages are made at build time; those of the schemas live with src/wire."""
    return re.match(r"wire/[a-z_]+/|wire_roundtrip/", name) is not None


def check_file(path, root, rows, includes):
    problems = []
    own = folder_of(path, rows)
    if not own:
        return [f"{path}: its folder has no row in the table"]
    row = rows[own]
    in_tests = "tests" in Path(path).relative_to(own).parts
    allowed = set(row.reachable)
    if in_tests:
        allowed |= {folder for folder in rows if folder.startswith("testing/")}
    includes[path] = []
    text = (root / path).read_text(errors="replace")
    for match in INCLUDE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        quoted, angled = match.groups()
        if angled:
            problems += check_third_party(path, line, angled, row)
            continue
        target = resolve(quoted, path, root)
        if target is None:
            if not is_generated(quoted):
                problems.append(f'{path}:{line}: "{quoted}" leads nowhere')
                continue
            target = "src/wire/" + quoted
        else:
            includes[path].append(target)
        theirs = folder_of(target, rows)
        if not theirs:
            problems.append(f'{path}:{line}: "{quoted}" is in a folder without a row')
        elif theirs not in allowed:
            problems.append(f'{path}:{line}: {own} may not use {theirs} ("{quoted}")')
        elif "/" not in quoted and not in_tests and theirs.startswith(("src/", "include/")):
            problems.append(f'{path}:{line}: write the folder before "{quoted}"')
    return problems


def check_third_party(path, line, name, row):
    if "/" not in name or name.startswith(SYSTEM):
        return []
    if name.startswith("boost/asio") and "boost/asio" not in row.third_party:
        return [f"{path}:{line}: {row.folder} may not use <{name}>: Asio stays behind src/rt_asio"]
    if "*" not in row.third_party:
        return [f"{path}:{line}: {row.folder} may use the standard library only, not <{name}>"]
    return []


def find_circles(includes):
    """Each circle of headers once, as a sentence."""
    found, done = [], set()

    def visit(path, trail):
        if path in trail:
            circle = trail[trail.index(path):] + [path]
            found.append("headers include each other: " + " -> ".join(circle))
            return
        if path in done:
            return
        for target in includes.get(path, []):
            visit(target, trail + [path])
        done.add(path)

    for path in sorted(includes):
        visit(path, [])
    return found


def check(root, table):
    try:
        rows = read_table(table)
    except ValueError as problem:
        return [f"layers.table: {problem}"], 0
    problems, includes = [], {}
    files = [
        str(path.relative_to(root))
        for top in SCANNED
        for path in sorted((root / top).rglob("*"))
        if path.suffix in SOURCES and path.is_file()
    ]
    for path in files:
        problems += check_file(path, root, rows, includes)
    return problems + find_circles(includes), len(files)


def main():
    parser = argparse.ArgumentParser(description="Checks every #include against the layer table.")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    table = options.table or options.root / "tools" / "layers.table"
    problems, files = check(options.root.resolve(), table.read_text())
    for problem in problems:
        print(problem)
    print(f"{files} files, {len(problems)} problems")
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
