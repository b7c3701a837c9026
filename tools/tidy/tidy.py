#!/usr/bin/env python3
"""Checks what a compiler doesn't: that time, disk, network, threads and chance come in through `rt::world` only, that
no file is dead or unfinished, and that none grows without end.

    tidy.py [--root FOLDER] [--compile-commands FILE] [--without FOLDER]...

With --compile-commands a .cpp that no target compiles is dead; --without names folders that this build leaves out.
Exceptions stand in tools/tidy.allow.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import properties

ROOT = Path(__file__).resolve().parents[2]
CODE = (".hpp", ".cpp", ".h", ".cc")
SCRIPTS = (".py", ".sh", ".java", ".js", ".go")
LEFT_OUT = {"build", ".git", "node_modules", ".cache", "__pycache__", "moldau-data"}
REPORTED_LINES, MOST_LINES = 800, 1200

# What only the world may do. `std::chrono` durations are fine, its clocks are not. A system call needs its header, so
# the header is what is looked for, and the calls whose header everybody has.
WORLD = {
    "clock": r"\b\w*_clock::now\b|\bgettimeofday\s*\(|\bclock_gettime\s*\(|\bstd::time\s*\(|<sys/time\.h>",
    "file": r"<(?:fcntl|unistd|dirent|sys/stat|sys/mman|sys/file|sys/uio)\.h>|<(?:fstream|filesystem)>|\bfopen\s*\("
            r"|\bstd::(?:rename|remove)\s*\(\s*[\w.\"]+\s*\)|(?<![\w>])::(?:open|unlink|rename|mkdir|fsync|fdatasync)\s*\(",
    "socket": r"<(?:sys/socket|netdb|netinet/in|sys/epoll|poll)\.h>|(?<![\w>])::(?:socket|connect|bind|accept4?)\s*\(",
    "thread": r"<thread>|\bstd::j?thread\b|\bstd::async\b|\bpthread_create\b|\bstd::this_thread::",
    "random": r"\bstd::random_device\b|(?<![\w.>:])(?:std::)?s?rand\s*\(|\bgetrandom\s*\(|\bgetentropy\s*\(|<sys/random\.h>",
}
WORLD_FOLDERS = ("src/", "testing/")
WORLD_ITSELF = ("src/rt_asio/", "src/cli/io")
EVERYWHERE = {
    "sleep": r"\bstd::this_thread::sleep|(?<![\w.>:])(?:::)?(?:u|nano)sleep\s*\(|(?<![\w.>])::sleep\s*\(",
    "unfinished": r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|GTEST_" + r"SKIP|DIS" + r"ABLED_\w+)\b",
}


def without_comments(text):
    """Code with comments and the insides of strings blanked out, lines kept."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)


def project_files(root):
    out = []
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.is_file() and not LEFT_OUT.intersection(relative.parts):
            out.append(str(relative))
    return out


def read_allow(text):
    allowed = []
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if words:
            allowed.append((words[0], words[1]))
    return allowed


def check_rules(path, text, is_allowed):
    rules = dict(EVERYWHERE)
    if path.startswith(WORLD_FOLDERS) and not path.startswith(WORLD_ITSELF):
        rules |= WORLD
        if "/tests/" in path:
            del rules["file"]  # Tests read their own test data.
    problems = []
    code = without_comments(text)
    lines, code_lines = text.splitlines(), code.splitlines()
    for rule, pattern in rules.items():
        searched = lines if rule == "unfinished" else code_lines
        for number, line in enumerate(searched, 1):
            if not re.search(pattern, line) or is_allowed(rule, path):
                continue
            problems.append(f"{path}:{number}: {rule}: {line.strip()}")
    return problems


def check_sizes(path, text, is_allowed, notes):
    count = text.count("\n")
    if count > MOST_LINES and not is_allowed("size", path):
        return [f"{path}: size: {count} lines, more than {MOST_LINES}: this is two ideas at least"]
    if count > REPORTED_LINES:
        notes.append(f"{path}: {count} lines, more than {REPORTED_LINES}")
    return []


def dead_code(files, texts, compiled, left_out, is_allowed):
    """Sources that no target compiles, and headers that nothing compiled or installed includes."""
    problems, alive = [], []
    sources = [path for path in files if path.endswith((".cpp", ".cc"))]
    for path in sources:
        if compiled is None or path in compiled or path.startswith(left_out):
            alive.append(path)
        elif not is_allowed("dead", path):
            problems.append(f"{path}: dead: no target compiles it")
    headers = {path for path in files if path.endswith((".hpp", ".h"))}
    alive += [path for path in headers if path.startswith("include/")]
    reached = set(alive)
    while alive:
        path = alive.pop()
        for name in re.findall(r'#\s*include\s+"([^"]+)"', texts[path]):
            beside = str(Path(path).parent / name)
            for target in (f"src/{name}", f"include/{name}", name, beside):
                if target in headers and target not in reached:
                    reached.add(target)
                    alive.append(target)
    for path in sorted(headers - reached):
        if not is_allowed("dead", path):
            problems.append(f"{path}: dead: nothing includes it")
    return problems


def dead_scripts(files, texts, is_allowed):
    """Scripts whose name stands nowhere else. Those that tools find by themselves are asked for by their folder."""
    problems = []
    for path in files:
        if not path.endswith(SCRIPTS) or is_allowed("dead", path):
            continue
        stem = Path(path).stem
        if stem in ("__init__", "main"):
            continue
        word = re.compile(rf"(?<![\w]){re.escape(stem)}(?![\w])")
        if not any(word.search(text) for other, text in texts.items() if other != path):
            # Some are found by a pattern: glob("*.java") of their folder, "test_*.py", f"{name}_client.py".
            folder, suffix = Path(path).parent.name, Path(path).suffix
            patterns = (f"{folder}/*{suffix}", f'"{folder}").glob("*{suffix}")', f"{stem.partition('_')[0]}_*{suffix}",
                        "}_" + stem.rpartition("_")[2] + suffix)
            if not any(pattern in text for pattern in patterns for text in texts.values()):
                problems.append(f"{path}: dead: its name stands nowhere else")
    return problems


def unused_exceptions(allowed, used):
    return [f"tidy.allow: `{rule} {path}` excuses nothing any more" for rule, path in allowed if (rule, path) not in used]


def check(root, compiled=None, left_out=()):
    """Problems and notes of the project in `root`."""
    allow_file = root / "tools" / "tidy.allow"
    allowed = read_allow(allow_file.read_text()) if allow_file.exists() else []
    used = set()

    def is_allowed(rule, path):
        for entry in allowed:
            if entry[0] == rule and (path == entry[1] or (entry[1].endswith("/") and path.startswith(entry[1]))):
                used.add(entry)
                return True
        return False

    problems, notes = [], []
    files = project_files(root)
    texts = {}
    for path in files:
        try:
            texts[path] = (root / path).read_text()
        except UnicodeDecodeError:
            continue
    for path, text in texts.items():
        if path.endswith(CODE):
            problems += check_rules(path, text, is_allowed)
        if path.endswith(CODE + SCRIPTS) or path == "dev":
            problems += check_sizes(path, text, is_allowed, notes)
    code = [path for path in files if path in texts]
    problems += dead_code(code, texts, compiled, tuple(left_out), is_allowed)
    problems += dead_scripts(code, texts, is_allowed)
    problems += properties.check(texts)
    problems += unused_exceptions(allowed, used)
    return problems, notes, len(texts)


def read_compiled(path, root):
    """What the build compiles, relative to the root; members of a unity file are named by their own entries."""
    out = set()
    for entry in json.loads(path.read_text()):
        file = Path(entry["directory"], entry["file"]).resolve()
        if file.name.startswith("unity_"):
            for name in re.findall(r'#include "([^"]+)"', file.read_text()):
                out.add(Path(name).resolve())
        out.add(file)
    return {str(file.relative_to(root)) for file in out if file.is_relative_to(root)}


def main():
    parser = argparse.ArgumentParser(description="Checks what a compiler doesn't.")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--compile-commands", type=Path)
    parser.add_argument("--without", action="append", default=[], metavar="FOLDER")
    options = parser.parse_args()
    root = options.root.resolve()
    compiled = read_compiled(options.compile_commands, root) if options.compile_commands else None
    problems, notes, count = check(root, compiled, options.without)
    for note in notes:
        print(f"note: {note}")
    for problem in problems:
        print(problem)
    print(f"{count} files, {len(problems)} problems")
    return 1 if problems or not count else 0


if __name__ == "__main__":
    sys.exit(main())
