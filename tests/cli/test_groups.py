import json
import signal
import subprocess
import os
import time

from tool import WithBroker


class Groups(WithBroker):
    def setUp(self):
        self.name = self.id().rsplit(".", 1)[1].replace("test_", "")
        self.ok("topic", "create", self.name, "-p", 2)
        self.ok("produce", self.name, "-p", 0, stdin="a\nb\nc\n")
        self.ok("produce", self.name, "-p", 1, stdin="x\n")

    def read_all(self):
        return self.ok("consume", self.name, "-g", self.name, "-o", "beginning", "-e").lines

    def partitions(self):
        group, = self.ok("--output", "json", "group", "describe", self.name).json
        return {p["partition"]: (p["committed"], p["end"], p["lag"]) for p in group["partitions"]}

    def test_goes_on_where_it_stopped(self):
        self.assertEqual(sorted(self.read_all()), ["a", "b", "c", "x"])
        self.ok("produce", self.name, "-p", 0, stdin="d\n")
        self.assertEqual(self.read_all(), ["d"])

    def test_describes_lag(self):
        self.read_all()
        self.ok("produce", self.name, "-p", 1, stdin="y\nz\n")
        self.assertEqual(self.partitions(), {0: (3, 3, 0), 1: (1, 3, 2)})
        self.assertIn([self.name, "1", "1", "3", "2", "-", "-"],
                      [line.split() for line in self.ok("group", "describe", self.name).lines])

    def test_commits_only_what_was_printed(self):
        self.ok("consume", self.name, "-g", self.name, "-o", "beginning", "-c", 1)
        committed = [c for c, _, _ in self.partitions().values()]
        self.assertEqual(sum(committed), 1)

    def test_resets_only_when_told_to(self):
        self.read_all()
        done = self.ok("group", "reset", self.name, "--to", "earliest")
        self.assertIn("--execute", done.err)
        self.assertEqual(self.partitions()[0][0], 3)
        self.ok("group", "reset", self.name, "--to", "-2", "-t", self.name + ":0", "--execute")
        self.assertEqual(self.partitions(), {0: (1, 3, 2), 1: (1, 1, 0)})
        self.assertEqual(self.read_all(), ["b", "c"])

    def test_deletes_offsets_and_groups(self):
        self.read_all()
        self.ok("group", "delete-offsets", self.name, "-t", self.name + ":1")
        self.assertEqual(list(self.partitions()), [0])
        self.assertEqual(self.ok("group", "delete", self.name).lines, ["deleted " + self.name])
        self.assertIn("there is no group", self.fails(1, "group", "describe", self.name).err)

    def test_two_members_share_and_one_takes_over(self):
        words = [os.environ["MOLDAU_BIN"], "-b", self.broker.bootstrap, "consume", self.name, "-g", self.name,
                 "-o", "beginning", "--json", "-X", "heartbeat.interval.ms=200"]
        members = [subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in (0, 1)]
        try:
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                found = self.tool("--output", "json", "group", "describe", self.name)
                held = [len(m["assignment"]) for m in found.json[0]["members"]] if found.code == 0 else []
                if held == [1, 1]:
                    break
            self.assertEqual(held, [1, 1])
            members[0].send_signal(signal.SIGINT)
            out, err = members[0].communicate(timeout=30)
            self.assertEqual(members[0].returncode, 0, err)
            first = [json.loads(line)["value"] for line in out.splitlines()]
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline:
                group, = self.ok("--output", "json", "group", "describe", self.name).json
                held = [len(m["assignment"]) for m in group["members"]]
                if held == [2]:
                    break
            self.assertEqual(held, [2])
            members[1].send_signal(signal.SIGTERM)
            out, err = members[1].communicate(timeout=30)
            self.assertEqual(members[1].returncode, 0, err)
            self.assertEqual(sorted(first + [json.loads(line)["value"] for line in out.splitlines()]),
                             ["a", "b", "c", "x"])
        finally:
            for member in members:
                member.kill()
                member.communicate()
