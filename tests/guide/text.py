#!/usr/bin/env python3
"""Checks that the guide shows its examples as they are, every one of them, and that its links lead somewhere.

A block of C++ stands behind a comment that names its file, `<!-- examples/name.cpp -->`, and holds what lies between
`// [guide` and `// guide]` there, as far to the left as it goes. With --write the blocks are brought up to date.
"""

import re
import sys
import textwrap
from pathlib import Path

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"
BLOCK = re.compile(r"(<!-- (examples/\w+\.cpp) -->\n```cpp\n)(.*?)(^```$)", re.DOTALL | re.MULTILINE)
BARE = re.compile(r"(?<!-->\n)^```cpp$", re.MULTILINE)
CODE = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")


def shown(path):
    """What the guide shows of an example."""
    text = path.read_text()
    start, end = text.index("// [guide"), text.index("// guide]")
    inside = text[text.index("\n", start) + 1:text.rindex("\n", 0, end) + 1]
    return textwrap.dedent(inside)


def main():
    write = "--write" in sys.argv
    problems = []
    used = set()
    for page in sorted((GUIDE / "client").glob("*.md")):
        text = page.read_text()

        def replaced(match, page=page):
            used.add(match[2])
            now = shown(GUIDE / match[2])
            if match[3] != now and not write:
                problems.append(f"{page.name}: the block of {match[2]} isn't what the file holds; run text.py --write")
            return match[1] + now + match[4]

        fresh = BLOCK.sub(replaced, text)
        if write and fresh != text:
            page.write_text(fresh)
        if BARE.search(text):
            problems.append(f"{page.name}: C++ that no example holds")
        for link in LINK.findall(CODE.sub("", text)):
            if not (page.parent / link).exists():
                problems.append(f"{page.name}: {link} leads nowhere")
    for path in sorted((GUIDE / "examples").glob("*.cpp")):
        if f"examples/{path.name}" not in used:
            problems.append(f"{path.name}: no page shows it")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
