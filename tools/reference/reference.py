#!/usr/bin/env python3
"""Makes docs/reference from the `///` comments of the public headers, a page a header.

    reference.py --write      writes the pages
    reference.py              fails if a page isn't what the headers say

What stands at namespace scope becomes a section: its comment, its declaration, and of a class the public members. Names
under `detail`, and headers whose file comment says that they aren't for use by themselves, are left out.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
OUT = ROOT / "docs" / "reference"
NOT_FOR_USE = "not for use by itself"


class Lines:
    """A header's lines, read forwards."""

    def __init__(self, text):
        self.lines, self.at = text.splitlines(), 0

    def __bool__(self):
        return self.at < len(self.lines)

    @property
    def now(self):
        return self.lines[self.at]

    def take(self):
        self.at += 1
        return self.lines[self.at - 1]


def take_comment(lines):
    """The `///` lines from here on, without their marks."""
    out = []
    while lines and lines.now.strip().startswith("///"):
        out.append(lines.take().strip()[3:].removeprefix(" "))
    return out


def take_declaration(lines):
    """The lines of one declaration: to its `;`, or to the `{` that begins a body."""
    out = []
    depth = 0
    while lines:
        line = lines.take()
        code = line.split("//")[0].rstrip()
        out.append(line)
        depth += code.count("(") - code.count(")")
        if depth == 0 and re.search(r"[;{}]$", code):
            break
    return out


def skip_body(lines, declaration):
    """Passes over a body in braces that the declaration began."""
    depth = sum(line.split("//")[0].count("{") - line.split("//")[0].count("}") for line in declaration)
    while depth > 0 and lines:
        code = lines.take().split("//")[0]
        depth += code.count("{") - code.count("}")


def take_body(lines, declaration):
    """The lines of such a body, its last brace left out."""
    depth = sum(line.split("//")[0].count("{") - line.split("//")[0].count("}") for line in declaration)
    start = lines.at
    skip_body(lines, declaration)
    return lines.lines[start:lines.at - 1] if depth > 0 else []


def headline(declaration):
    """A declaration in one line, without what a body or a constructor's list adds."""
    text = " ".join(line.split("///<")[0].split("// ")[0].strip() for line in declaration)
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"\)(?: const)?(?: noexcept)? : .*$", lambda m: m.group().split(" : ")[0], text)
    if ")" in text:
        text = re.sub(r" \{.*\}$", "", text)
    return text.removesuffix("{").strip().removesuffix(";").strip()


def as_markdown(comment):
    """A comment's text; what is indented by four is code already."""
    return "\n".join(comment)


def members(body):
    """The public members of a class or struct: its comment and its declaration, each."""
    lines = Lines("\n".join(line[2:] if line.startswith("  ") else line for line in body))
    public, out = True, []
    while lines:
        text = lines.now.strip()
        if text in ("public:", "private:", "protected:"):
            public = text == "public:"
            lines.take()
            continue
        if not text or text.startswith("#") or (text.startswith("//") and not text.startswith("///")):
            lines.take()
            continue
        comment = take_comment(lines)
        if not lines:
            break
        declaration = take_declaration(lines)
        inner = take_body(lines, declaration) if not declaration[-1].rstrip().endswith(("};", "}")) else []
        line = headline(declaration)
        boring = not comment and re.search(r"= (default|delete)$|^friend |^~|operator=|^using |^explicit \w+\((std::shared_ptr<impl>|std::unique_ptr<body>)",
                                           line)
        if public and line and not boring and not re.fullmatch(r"(class|struct) (impl|body|cursor)", line):
            out.append((comment, line, inner if re.match(r"(enum|struct|class) ", line) else []))
    return out


def enumerators(body):
    return [line.strip() for line in body if line.strip()]


def section(comment, declaration, body):
    line = headline(declaration)
    name = re.match(r"(?:template <.*?> )?(?:requires .*? )?(?:class|struct|enum class|concept)\s+([\w:<>, ]+?)(?: final| :|$| =)", line)
    other = re.search(r"([\w:~]+)\s*\(", line) or re.search(r"(\w+)(?: ?[={].*)?$", line)
    alias = re.search(r"\busing (\w+) =", line)
    if alias:
        name = alias
    title = name[1] if name else other[1] if other else line
    out = [f"## {title}", ""]
    if comment:
        out += [as_markdown(comment), ""]
    out += ["```cpp", line, "```", ""]
    if line.startswith("enum"):
        out += ["```cpp", *enumerators(body), "```", ""]
        return out
    if not re.search(r"(^|> )(class|struct) ", line):
        return out
    for said, what, inner in members(body):
        text = " ".join(said) if "" not in said and not any(each.startswith("    ") for each in said) else None
        if text is not None:
            out.append(f"- `{what}`" + (f"  \n  {text}" if text else ""))
        else:
            out += [f"- `{what}`", "", *("  " + each if each else "" for each in said), ""]
        if inner and what.startswith("enum"):
            out.append("  " + " ".join(f"`{each.split(',')[0]}`" for each in enumerators(inner) if not each.startswith("//")))
    return out + [""]


def page(path):
    text = path.read_text()
    if NOT_FOR_USE in text:
        return None
    lines, out, namespace = Lines(text), [], []
    while lines:
        line = lines.now
        if match := re.match(r"namespace ([\w:]*) ?\{$", line):
            namespace.append(match[1])
            lines.take()
            continue
        if re.match(r"\}  // namespace", line):
            namespace.pop()
            lines.take()
            continue
        if line.startswith("#define"):
            while lines.take().endswith("\\"):
                pass
            continue
        if not line.strip() or line.startswith("#") or (line.startswith("//") and not line.startswith("///")):
            lines.take()
            continue
        comment = take_comment(lines)
        if not lines or lines.now.startswith(("#", "namespace")):
            if not any("detail" in each for each in namespace) and comment:
                out += [as_markdown(comment), ""]
            continue
        declaration = take_declaration(lines)
        body = take_body(lines, declaration)
        forward = re.fullmatch(r"(template <.*> )?(class|struct) \w+", headline(declaration)) and not body and \
            declaration[-1].rstrip().endswith(";")
        if not any("detail" in each for each in namespace) and not forward:
            out += section(comment, declaration, body)
    name = path.relative_to(INCLUDE)
    return f"# {name}\n\n`#include <{name}>`\n\n" + "\n".join(out).rstrip() + "\n"


def pages():
    index = ["# Reference", "", "Made from the public headers by `tools/reference/reference.py --write`.", ""]
    out = {}
    for path in sorted(INCLUDE.rglob("*.hpp")):
        text = page(path)
        if text is None:
            continue
        name = str(path.relative_to(INCLUDE).with_suffix("")).replace("/", "-") + ".md"
        out[name] = text
        index.append(f"- [{path.relative_to(INCLUDE)}]({name})")
    out["index.md"] = "\n".join(index) + "\n"
    return out


def main():
    fresh = pages()
    there = {path.name: path.read_text() for path in OUT.glob("*.md")} if OUT.exists() else {}
    if "--write" in sys.argv:
        OUT.mkdir(exist_ok=True)
        for name in there.keys() - fresh.keys():
            (OUT / name).unlink()
        for name, text in fresh.items():
            (OUT / name).write_text(text)
        return 0
    old = sorted(name for name in fresh.keys() | there.keys() if fresh.get(name) != there.get(name))
    for name in old:
        print(f"docs/reference/{name} isn't what the headers say: run tools/reference/reference.py --write")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
