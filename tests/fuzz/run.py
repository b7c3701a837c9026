#!/usr/bin/env python3
"""Runs one fuzz target for a while: run.py BINARY CORPUS WORK

CORPUS is the tracked folder of first inputs; inputs found on the way and what crashed go to WORK. MOLDAU_FUZZ_SECONDS
says how long (30 without it). Exits with libFuzzer's status: not 0 when an input crashed, leaked or took too long.
"""

import os
import subprocess
import sys
from pathlib import Path


def command(binary, corpus, work, seconds):
    found, crashed = Path(work) / "found", Path(work) / "crashed"
    for folder in (found, crashed):
        folder.mkdir(parents=True, exist_ok=True)
    tracked = [str(corpus)] if Path(corpus).is_dir() else []
    # Memory is bounded by what the parsers promise, far below: an allocation from an unchecked length stands out.
    return [str(binary), f"-max_total_time={seconds}", "-timeout=60", "-rss_limit_mb=1024", "-malloc_limit_mb=256",
            "-print_final_stats=1", f"-artifact_prefix={crashed}/", str(found), *tracked]


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    seconds = int(os.environ.get("MOLDAU_FUZZ_SECONDS") or 30)
    return subprocess.run(command(*sys.argv[1:], seconds)).returncode


if __name__ == "__main__":
    sys.exit(main())
