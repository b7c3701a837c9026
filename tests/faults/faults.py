"""What the fault tests share: a broker whose log can be asked, and load that keeps a journal of what it was promised.

Needs MOLDAU_BIN and MOLDAU_FAULT_LOAD. The random choices of a run follow from MOLDAU_FAULT_SEED, which is printed.
"""

import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cli"))
from tool import WithFolder, brokers, run  # noqa: E402

# A bound for what should take a moment: generous, as other tests run beside this one.
PATIENCE_SECONDS = 120


class Broker(brokers.Broker):
    """A moldau broker; its own log since the last start can be asked."""

    def __init__(self, folder, properties=None, ports=None):
        super().__init__("moldau", folder, {"num.partitions": "1", **(properties or {})}, ports)

    def said(self):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        lines = text.rpartition("--- start of moldau ---\n")[2].splitlines()
        return "\n".join(line for line in lines if "has no effect yet" not in line)

    def ended(self):
        """Waits for the process to end by itself; its exit status."""
        status = self.process.wait(PATIENCE_SECONDS)
        self.process = None
        return status

    def memory_mb(self, what):
        """VmRSS is what is resident, VmHWM the most that was."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(what + ":"):
                return int(line.split()[1]) / 1024
        raise brokers.BrokerFailed("the broker has no memory: it has ended")


class FaultTest(WithFolder):
    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get("MOLDAU_FAULT_SEED") or random.SystemRandom().randrange(1 << 32))
        self.random = random.Random(self.seed)
        print(f"{self.id()}: MOLDAU_FAULT_SEED={self.seed}", flush=True)

    def broker_on(self, folder, properties=None):
        broker = Broker(folder, properties)
        self.addCleanup(broker.kill)
        return broker

    def tool(self, broker, *words, stdin=""):
        """Runs the tool against the broker; it must succeed."""
        done = run(*words, stdin=stdin, bootstrap=broker.bootstrap)
        self.assertEqual(done.code, 0, f"{words}: {done.out[-500:]}{done.err}\n{broker.log_tail()}")
        return done

    def until(self, what, holds, seconds=PATIENCE_SECONDS):
        """Waits until `holds()` is true; it is asked again shortly, as nothing tells from outside."""
        deadline = time.monotonic() + seconds
        while not (found := holds()):
            if time.monotonic() > deadline:
                self.fail(f"not within {seconds} s: {what}")
            time.sleep(0.02)
        return found


class Load:
    """A run of fault_load; its journal is a file of its own."""

    def __init__(self, test, name, *words):
        self.test = test
        self.path = test.folder / f"{name}.journal"
        self.errors = test.folder / f"{name}.err"
        self.read_to = 0
        self.rest = ""
        # By (topic, partition): what a producer was acknowledged, sequence -> offset; what a group has committed.
        self.acknowledged = defaultdict(dict)
        self.committed = {}
        self.failures = []
        with open(self.path, "wb") as out, open(self.errors, "wb") as err:
            self.process = subprocess.Popen([os.environ["MOLDAU_FAULT_LOAD"], *map(str, words)],
                                            stdin=subprocess.PIPE, stdout=out, stderr=err,
                                            preexec_fn=brokers.die_with_parent)
        test.addCleanup(self.kill)

    @classmethod
    def produce(cls, test, broker, topics, name="producer", codec="none", burst=20, pause_ms=1):
        return cls(test, name, "produce", broker.bootstrap, codec, burst, pause_ms,
                   *(f"{topic}:{partitions}" for topic, partitions in topics.items()))

    @classmethod
    def consume(cls, test, broker, group, topics, members=2, name="consumer"):
        return cls(test, name, "consume", broker.bootstrap, group, members, *topics)

    def read(self):
        """Takes in what the journal has got since the last time."""
        with open(self.path) as file:
            file.seek(self.read_to)
            text = self.rest + file.read()
            self.read_to = file.tell()
        whole, newline, self.rest = text.rpartition("\n")
        for line in whole.split("\n") if newline else []:
            what, topic, partition, *numbers = line.split(" ", 4)
            place = (topic, int(partition))
            if what == "acknowledged":
                self.acknowledged[place][int(numbers[0])] = int(numbers[1])
            elif what == "committed":
                self.committed[place] = max(self.committed.get(place, 0), int(numbers[0]))
            else:
                self.failures.append(line)
        return self

    def count(self):
        return sum(map(len, self.read().acknowledged.values()))

    def goes_on(self, more=20, seconds=PATIENCE_SECONDS):
        """Waits until so many more records are acknowledged."""
        before = self.count()

        def has_gone_on():
            self.test.assertIsNone(self.process.poll(), self.trouble())
            return self.count() >= before + more

        self.test.until(f"{more} more acknowledgements ({self.trouble()})", has_gone_on, seconds)

    def trouble(self):
        return f"{self.failures[:3]} {self.errors.read_text(errors='replace')[-500:]}"

    def finish(self):
        """Lets it end what is under way. Nothing may have failed."""
        self.process.stdin.close()
        status = self.process.wait(PATIENCE_SECONDS)
        self.read()
        self.test.assertEqual((status, self.failures[:3]), (0, []), self.trouble())
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


def read_back(test, broker, topic, partition):
    """(offset, sequence) of every record of a partition, in order."""
    done = test.tool(broker, "consume", topic, "-e", "-p", partition, "-f", "%o %k\\n")
    return [tuple(map(int, line.split())) for line in done.lines]


def check_records(test, broker, load, whole=True):
    """Every acknowledged record is there, once, in order; with `whole` also every one that was sent."""
    for (topic, partition), acknowledged in sorted(load.acknowledged.items()):
        found = read_back(test, broker, topic, partition)
        where = f"{topic}-{partition}"
        for (offset, sequence), (later_offset, later) in zip(found, found[1:]):
            test.assertLess(offset, later_offset, f"{where}: offsets fall")
            test.assertLess(sequence, later, f"{where}: sequence {later} at {later_offset} comes after {sequence}")
        there = {sequence: offset for offset, sequence in found}
        wrong = {sequence: (offset, there.get(sequence)) for sequence, offset in acknowledged.items()
                 if there.get(sequence) != offset}
        test.assertEqual({}, dict(sorted(wrong.items())[:5]),
                         f"{where}: sequence: (offset acknowledged, offset found), {len(wrong)} of {len(acknowledged)}")
        if whole:
            test.assertEqual(sorted(there), list(range(len(there))), f"{where}: sequences are missing")
