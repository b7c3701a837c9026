#!/usr/bin/env python3
"""The long form of the checks: soak.py [--again] [PART...]

A part goes on where its last run stopped, up to its goal; tally.json beside this file, which is tracked, says how far
each has come and on which commits. --again starts the named parts (all without names) from nothing. Ends with status 1
at the first failure, which stays in the tally until a run with --again.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TALLY = HERE / "tally.json"
sys.path.insert(0, str(ROOT / "tests" / "fuzz"))
import run as fuzz  # noqa: E402

FUZZ_CPU_SECONDS = 600
FUZZ_SLICE_SECONDS = 60
# Of all scenarios together.
SEEDS, SEEDS_SLICE = 5000, 25
KILLS, KILLS_SLICE = 100, 10


class Failed(Exception):
    """A check failed; the text says how to see it again."""


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def build(preset, *targets):
    subprocess.run([str(ROOT / "dev"), "build", preset, *targets], check=True)
    return ROOT / "build" / preset


def fuzz_targets():
    """Each target's name and how to run a slice of it: CPU seconds."""
    binaries = build("asan") / "bin"

    def slice_of(binary, name):
        def run_slice(left):
            work = ROOT / "build" / "soak" / "fuzz" / name
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            seconds = min(FUZZ_SLICE_SECONDS, max(int(left), 1))
            done = subprocess.run(fuzz.command(binary, ROOT / "tests" / "fuzz" / "corpus" / name, work, seconds),
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
            if done.returncode != 0:
                raise Failed(f"{done.stdout[-3000:]}\nthe input is in {work}/crashed: {binary} INPUT")
            return max(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before, 1)

        return run_slice

    return [(f"fuzz.{path.name.removesuffix('_fuzz')}", FUZZ_CPU_SECONDS, "CPU seconds",
             slice_of(path, path.name.removesuffix("_fuzz"))) for path in sorted(binaries.glob("*_fuzz"))]


def thread_sanitizer():
    """One run of all unit tests under the thread sanitizer."""

    def run_all(_):
        folder = build("tsan")
        done = subprocess.run(["ctest", "--test-dir", str(folder), "-L", "^unit$", "-j", str(os.cpu_count()),
                               "--output-on-failure", "--no-tests=error", "--timeout", "900"])
        if done.returncode != 0:
            raise Failed("see above: ctest --test-dir build/tsan -L unit")
        return 1

    return [("tsan", 1, "runs", run_all)]


def run_or_fail(command, again, folder=ROOT, **environment):
    """Runs a check; `again` says how to see a failure again, beside what the check has printed."""
    done = subprocess.run([str(word) for word in command], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", env={**os.environ, **environment})
    if done.returncode != 0:
        raise Failed(f"{done.stdout[-6000:]}\nended with {done.returncode}\n{again}")


def seeds():
    """The simulator's scenarios, each with its share of the seeds, from the first on."""
    binary = build("check", "moldau-sim") / "bin" / "moldau-sim"
    listed = subprocess.run([str(binary), "list"], stdout=subprocess.PIPE, text=True, check=True).stdout
    names = [line.split()[0] for line in listed.splitlines() if line.strip()]

    def part(name, goal):
        def run_slice(left):
            count, first = min(SEEDS_SLICE, left), goal - left + 1
            # Set, it would take the place of the two below.
            os.environ.pop("MOLDAU_SIM_SEED", None)
            run_or_fail([binary, "run", name], f"above is the seed: MOLDAU_SIM_SEED=<seed> {binary} run {name}",
                        MOLDAU_SIM_FIRST=str(first), MOLDAU_SIM_SEEDS=str(count))
            return count

        return f"seeds.{name}", goal, "seeds", run_slice

    # What doesn't divide goes to the first ones.
    share, rest = divmod(SEEDS, len(names))
    return [part(name, share + (number < rest)) for number, name in enumerate(names)]


def kills():
    """kill -9 under load, some in a row on one broker, each run with a seed of its own."""
    binaries = build("check", "moldau", "fault_load") / "bin"

    def run_slice(left):
        count = min(KILLS_SLICE, left)
        run_or_fail([sys.executable, "-B", "-m", "unittest", "-v", "test_kills"],
                    f"above is MOLDAU_FAULT_SEED: with it, MOLDAU_KILLS={count}, MOLDAU_BIN and MOLDAU_FAULT_LOAD run "
                    "python3 -m unittest test_kills in tests/faults",
                    folder=ROOT / "tests" / "faults", MOLDAU_KILLS=str(count), MOLDAU_BIN=str(binaries / "moldau"),
                    MOLDAU_FAULT_LOAD=str(binaries / "fault_load"))
        return count

    return [("kills", KILLS, "kills", run_slice)]


PARTS = {"fuzz": fuzz_targets, "tsan": thread_sanitizer, "seeds": seeds, "kills": kills}


def load():
    return json.loads(TALLY.read_text()) if TALLY.exists() else {}


def save(tally):
    TALLY.write_text(json.dumps(tally, indent=2, sort_keys=True) + "\n")


def soak(name, goal, unit, run_slice, tally):
    """Goes on with one line of the tally up to its goal; written after every slice."""
    line = tally.setdefault(name, {"done": 0, "of": goal, "unit": unit, "commits": []})
    line["of"] = goal
    while line["done"] < goal and "failure" not in line:
        at = commit()
        if at not in line["commits"]:
            line["commits"].append(at)
        try:
            line["done"] = min(goal, round(line["done"] + run_slice(goal - line["done"])))
        except Failed as failure:
            line["failure"] = f"on {at}"
            print(f"{name}: {failure}", flush=True)
        save(tally)
        print(f"{name}: {line['done']} of {goal} {unit}", flush=True)
    return "failure" not in line


def main():
    parser = argparse.ArgumentParser(description="The long form of the checks; goes on where it stopped.")
    parser.add_argument("--again", action="store_true", help="start from nothing")
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    options = parser.parse_args()
    for part in options.parts:
        if part not in PARTS:
            parser.error(f"no part is called {part}: choose from {', '.join(PARTS)}")
    tally = load()
    passed = True
    for part in options.parts or PARTS:
        if options.again:
            tally = {name: line for name, line in tally.items() if name.split(".")[0] != part}
        for name, goal, unit, run_slice in PARTS[part]():
            passed = soak(name, goal, unit, run_slice, tally) and passed
    print("soak: " + ("all that was asked has passed" if passed else "something has failed"))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
