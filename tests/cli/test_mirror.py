import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import tool
from tool import brokers

SECONDS = 60


class Mirror(unittest.TestCase):
    """Two clusters for all tests; each test has topics and groups of its own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="moldau-cli-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.source = cls.start("source")
        cls.target = cls.start("target")

    @classmethod
    def start(cls, name):
        broker = brokers.Broker("moldau", cls.folder / name, {"num.partitions": "1"})
        broker.start()
        cls.addClassCleanup(broker.kill)
        return broker

    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].removeprefix("test_")

    def at(self, broker, *words, stdin="", code=0):
        done = tool.run(*words, stdin=stdin, bootstrap=broker.bootstrap)
        self.assertEqual(done.code, code, done.out + done.err)
        return done

    def words(self, *words):
        return ("mirror", self.source.bootstrap, self.target.bootstrap, "--group", self.name, *words)

    def mirror(self, *words, code=0):
        done = tool.run("--output", "json", *self.words(*words))
        self.assertEqual(done.code, code, done.out + done.err)
        return done

    def copied(self, *words):
        """Records that a run copied, and those that it found there, by topic."""
        return {t["topic"]: (t["records"], t["already_there"]) for t in self.mirror("--once", *words).json["topics"]}

    def follow(self, *words):
        """A mirror that goes on until it is ended."""
        process = subprocess.Popen([os.environ["MOLDAU_BIN"], *map(str, self.words(*words))], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def interrupted(self, process):
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=SECONDS)
        self.assertEqual(process.returncode, 0, out)
        return out

    def fill(self, topic, count, first=0, partitions=3):
        """Records with keys, headers and timestamps of their own, some without a value."""
        lines = "".join(json.dumps({"key": f"k{n}", "value": None if n % 7 == 0 else f"value {n}", "partition": n % partitions,
                                    "headers": [["n", str(n)], ["null", None], ["n", "again"]],
                                    "timestamp": 1_700_000_000_000 + n}) + "\n" for n in range(first, first + count))
        self.at(self.source, "produce", topic, "--json", stdin=lines)

    def records(self, broker, topic, offsets=False):
        """All that a reader gets, by partition and in order; without offsets, which the copy has of its own."""
        out = {}
        for line in self.at(broker, "consume", topic, "-e", "--json").lines:
            record = json.loads(line)
            del record["topic"]
            if not offsets:
                del record["offset"]
            out.setdefault(record["partition"], []).append(record)
        return out

    def assert_same(self, topic, copy=None):
        self.assertEqual(self.records(self.source, topic), self.records(self.target, copy or topic))

    def wait_for(self, what, condition):
        deadline = time.monotonic() + SECONDS
        while not condition():
            self.assertLess(time.monotonic(), deadline, what)
            time.sleep(0.05)

    def count(self, broker, topic):
        done = tool.run("consume", topic, "-e", "-f", "x", bootstrap=broker.bootstrap)
        return len(done.out) if done.code == 0 else 0

    def test_keeps_partitions_keys_headers_timestamps_and_properties(self):
        self.at(self.source, "topic", "create", self.name, "-p", 3, "-c", "retention.ms=-1", "-c", "max.message.bytes=77777",
                "-c", "message.timestamp.after.max.ms=123456789")
        self.fill(self.name, 300)
        self.assertEqual(self.copied("-t", self.name), {self.name: (300, 0)})
        self.assert_same(self.name)
        made, = self.at(self.target, "--output", "json", "topic", "describe", self.name).json
        self.assertEqual(len(made["partitions"]), 3)
        # What could refuse the copied records stays behind.
        self.assertEqual(made["configs"], {"retention.ms": "-1", "max.message.bytes": "77777"})

    def test_goes_on_where_it_stopped(self):
        self.at(self.source, "topic", "create", self.name, "-p", 3)
        self.fill(self.name, 100)
        self.assertEqual(self.copied("-t", self.name), {self.name: (100, 0)})
        self.assertEqual(self.copied("-t", self.name), {self.name: (0, 0)})
        self.fill(self.name, 50, first=100)
        self.assertEqual(self.copied("-t", self.name), {self.name: (50, 0)})
        self.assert_same(self.name)

    def test_killed_it_neither_loses_nor_doubles(self):
        self.at(self.source, "topic", "create", self.name, "-p", 3)
        total = 60_000
        self.fill(self.name, total)
        found = 0
        for share in (0.1, 0.3, 0.5, 0.8):
            # So long an interval that all that the killed run copied has to be known again.
            process = self.follow("-t", self.name, "--commit-interval", 100_000, "--destination-property", "batch.size=2000")
            self.wait_for("a part is copied", lambda: self.count(self.target, self.name) >= share * total)
            process.kill()
            process.wait()
        records, found = self.copied("-t", self.name)[self.name]
        self.assertEqual(records + found, total)
        self.assertGreater(found, 0.8 * total - 1)
        self.assert_same(self.name)

    def test_follows_new_records_topics_and_partitions(self):
        one, two = f"{self.name}_one", f"{self.name}_two"
        self.at(self.source, "topic", "create", one, "-p", 1)
        process = self.follow("--regex", f"{self.name}_.*", "--refresh-interval", 200)
        self.fill(one, 10, partitions=1)
        self.wait_for("records are copied", lambda: self.count(self.target, one) == 10)
        self.at(self.source, "topic", "create", two, "-p", 2)
        self.fill(two, 10, partitions=2)
        self.wait_for("a new topic is copied", lambda: self.count(self.target, two) == 10)
        self.at(self.source, "topic", "alter", one, "-p", 3)
        self.fill(one, 20, first=10, partitions=3)
        self.wait_for("new partitions are copied", lambda: self.count(self.target, one) == 30)
        self.at(self.source, "topic", "delete", two)
        self.fill(one, 5, first=30, partitions=3)
        self.wait_for("a deleted topic doesn't hold up the others", lambda: self.count(self.target, one) == 35)
        # The look at the source that finds this topic finds the other one gone.
        self.at(self.source, "topic", "create", f"{self.name}_three", "-p", 1)
        self.fill(f"{self.name}_three", 1, partitions=1)
        self.wait_for("it looks at the source again", lambda: self.count(self.target, f"{self.name}_three") == 1)
        self.assertIn("has deleted topic", self.interrupted(process))
        self.assert_same(one)

    def test_selects_by_name_and_pattern(self):
        for topic in ("a_1", "a_2", "b_1", "c_1"):
            self.at(self.source, "topic", "create", f"{self.name}_{topic}", "-p", 1)
        found = self.copied("--regex", f"{self.name}_a_.*", "--exclude", ".*_2", "-t", f"{self.name}_c_1")
        self.assertEqual(sorted(found), [f"{self.name}_a_1", f"{self.name}_c_1"])
        self.assertIn("did you mean", self.mirror("-t", f"{self.name}_a_3", "--once", code=1).err)
        self.assertIn("no regular expression", self.mirror("--regex", "(", code=2).err)
        self.assertIn("--regex '.*'", self.mirror(code=2).err)
        # A reader's commit makes the group coordinator's topic.
        self.fill(f"{self.name}_a_1", 1, partitions=1)
        self.at(self.source, "consume", f"{self.name}_a_1", "-g", self.name, "-o", "beginning", "-c", 1)
        self.assertIn("belongs to its cluster", self.mirror("-t", "__consumer_offsets", code=2).err)

    def test_one_cluster_needs_a_prefix(self):
        self.at(self.source, "topic", "create", self.name, "-p", 2)
        self.fill(self.name, 20, partitions=2)
        words = ("mirror", self.source.bootstrap, self.source.bootstrap, "-t", self.name, "--once", "-g", self.name)
        done = tool.run(*words)
        self.assertEqual(done.code, 2)
        self.assertIn("--prefix", done.err)
        done = tool.run(*words, "--prefix", "copy-")
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(self.records(self.source, self.name), self.records(self.source, f"copy-{self.name}"))

    def test_begins_where_told(self):
        self.at(self.source, "topic", "create", self.name, "-p", 1)
        self.fill(self.name, 10, partitions=1)
        self.assertEqual(self.copied("-t", self.name, "-o", "end"), {self.name: (0, 0)})
        self.assertEqual(self.copied("-t", self.name, "-o", "@1700000000007", "--restart"), {self.name: (3, 0)})
        self.assertIn("no place to begin", self.mirror("-t", self.name, "-o", "soon", "--restart", code=2).err)

    def test_resume_points_of_another_source_are_not_taken(self):
        self.at(self.source, "topic", "create", self.name, "-p", 1)
        self.fill(self.name, 10, partitions=1)
        self.copied("-t", self.name)
        self.at(self.source, "topic", "delete", self.name)
        self.at(self.source, "topic", "create", self.name, "-p", 1)
        self.fill(self.name, 5, partitions=1)
        done = self.mirror("-t", self.name, "--once", code=2)
        self.assertIn("deleted and made again", done.err)
        self.assertEqual(self.copied("-t", self.name, "--restart"), {self.name: (5, 0)})

    def test_a_second_mirror_on_a_group_stops(self):
        self.at(self.source, "topic", "create", self.name, "-p", 1)
        self.fill(self.name, 1, partitions=1)
        first = self.follow("-t", self.name, "--commit-interval", 100)
        self.wait_for("the first has begun", lambda: self.count(self.target, self.name) == 1)
        self.fill(self.name, 1, first=1, partitions=1)
        self.wait_for("it goes on", lambda: self.count(self.target, self.name) >= 2)
        second = self.follow("-t", self.name, "--commit-interval", 100)
        both = [first, second]
        number = 2

        def one_ended():
            nonlocal number
            self.fill(self.name, 1, first=number, partitions=1)
            number += 1
            return any(process.poll() is not None for process in both)

        self.wait_for("one of them stops", one_ended)
        ended = next(process for process in both if process.poll() is not None)
        out, _ = ended.communicate(timeout=SECONDS)
        self.assertEqual(ended.returncode, 1, out)
        self.assertIn("another mirror", out)

    def test_records_that_the_source_deleted_are_told_of(self):
        self.at(self.source, "topic", "create", self.name, "-p", 1)
        self.fill(self.name, 10, partitions=1)
        self.copied("-t", self.name)
        self.fill(self.name, 10, first=10, partitions=1)
        self.at(self.source, "topic", "delete-records", self.name, "0:15")
        done = self.mirror("-t", self.name, "--once")
        self.assertIn("deleted offsets 10 to 14", done.err)
        self.assertEqual(done.json["topics"][0]["records"], 5)

    def test_a_destination_that_refuses_a_record_stops_it(self):
        self.at(self.source, "topic", "create", self.name, "-p", 1)
        self.at(self.target, "topic", "create", self.name, "-p", 1, "-c", "max.message.bytes=500")
        self.at(self.source, "produce", self.name, stdin="x" * 1000 + "\n")
        done = self.mirror("-t", self.name, "--once", code=1)
        self.assertIn(f"writing to partition 0 of '{self.name}'", done.err)

    def test_a_cluster_that_is_not_there_is_named(self):
        port, = brokers.free_ports(1)
        done = tool.run("--timeout", 1000, "mirror", self.source.bootstrap, f"127.0.0.1:{port}", "-t", "x")
        self.assertEqual(done.code, 1)
        self.assertIn(f"destination: 127.0.0.1:{port}", done.err)

    def test_survives_restarts_of_both_sides(self):
        self.at(self.source, "topic", "create", self.name, "-p", 3)
        process = self.follow("-t", self.name, "--commit-interval", 100, "--refresh-interval", 500)
        self.fill(self.name, 1000)
        self.wait_for("records are copied", lambda: self.count(self.target, self.name) == 1000)
        self.target.restart(hard=True)
        self.fill(self.name, 1000, first=1000)
        self.wait_for("after the destination's", lambda: self.count(self.target, self.name) == 2000)
        self.source.restart(hard=True)
        self.fill(self.name, 1000, first=2000)
        self.wait_for("after the source's", lambda: self.count(self.target, self.name) == 3000)
        self.interrupted(process)
        self.assert_same(self.name)


if __name__ == "__main__":
    unittest.main()
