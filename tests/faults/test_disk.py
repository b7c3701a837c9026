"""A full disk and a read-only one: the broker stops with a sentence, and once there is room it has all that it had
acknowledged.

The disks are memory file systems, mounted where only this process and its children see them: by root, or in a user
namespace of its own.
"""

import ctypes
import os
import unittest

import wire
from faults import FaultTest, Load, brokers, check_records, run

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000
MS_RDONLY, MS_REMOUNT, MS_REC, MS_PRIVATE = 1, 32, 1 << 14, 1 << 18
MNT_DETACH = 2
FULL = "No space left on device"
READ_ONLY = "Read-only file system"


def called(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(what, where, kind, flags, options=""):
    called(LIBC.mount(what.encode(), str(where).encode(), kind.encode() if kind else None, flags, options.encode()))


def setUpModule():
    user, group = os.geteuid(), os.getegid()
    called(LIBC.unshare(CLONE_NEWNS if user == 0 else CLONE_NEWNS | CLONE_NEWUSER))
    if user != 0:
        with open("/proc/self/setgroups", "w") as file:
            file.write("deny")
        for name, own in (("uid_map", user), ("gid_map", group)):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(f"0 {own} 1")
    mount("none", "/", None, MS_REC | MS_PRIVATE)


class Disk(FaultTest):
    SIZE_MB = 24

    def setUp(self):
        super().setUp()
        self.folder.joinpath("broker", "data").mkdir(parents=True)
        self.broker = self.broker_on(self.folder / "broker")
        self.disk = self.broker.data
        mount("tmpfs", self.disk, "tmpfs", 0, f"size={self.SIZE_MB}m,mode=0700")
        self.addCleanup(LIBC.umount2, str(self.disk).encode(), MNT_DETACH)
        self.addCleanup(self.broker.kill)

    def fill(self):
        """Takes all the room that is left."""
        with open(self.disk / "filler", "ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError as failure:
                self.assertEqual(failure.strerror, FULL)

    def make_room(self):
        (self.disk / "filler").unlink()

    def make_read_only(self, read_only):
        mount("tmpfs", self.disk, "tmpfs", MS_REMOUNT | (MS_RDONLY if read_only else 0))

    def refuses(self, *sentences):
        with self.assertRaises(brokers.BrokerFailed) as failed:
            self.broker.start()
        self.assertIn("ended with 1 before", str(failed.exception))
        for sentence in sentences:
            self.assertIn(sentence, self.broker.said())

    def stops(self):
        """The broker ends by itself: with a sentence, and as one that failed."""
        self.assertEqual(self.broker.ended(), 1, self.broker.log_tail())
        self.assertIn(FULL, self.broker.said())
        self.assertIn(str(self.disk), self.broker.said())

    def test_full_under_load(self):
        self.broker.start()
        self.tool(self.broker, "topic", "create", "data", "-p", 4)
        load = Load.produce(self, self.broker, {"data": 4}, burst=100)
        self.until("some records are there", lambda: load.count() > 1000)
        self.stops()
        # It must not make things worse while there is still no room.
        for _ in range(2):
            self.fill()
            self.refuses(FULL)
            self.make_room()
        (self.disk / "data-0").stat()
        mount("tmpfs", self.disk, "tmpfs", MS_REMOUNT, f"size={20 * self.SIZE_MB}m")
        self.broker.start()
        load.goes_on()
        load.finish()
        check_records(self, self.broker, load)
        self.broker.stop()
        self.assertEqual(run("log", "verify", self.disk).code, 0)

    def fails_soon(self, *words, stdin=""):
        self.assertNotEqual(run("--timeout", 3000, *words, stdin=stdin, bootstrap=self.broker.bootstrap).code, 0)

    def create_topics(self):
        """Until one can't be written: the log's last page may have room for some."""
        for number in range(10):
            done = run("--timeout", 3000, "topic", "create", f"another-{number}", "-p", 20, bootstrap=self.broker.bootstrap)
            if done.code != 0:
                return
        self.fail("topics are created though the disk is full")

    def commit_offsets(self):
        """Until one isn't answered well."""
        try:
            with wire.Client(self.broker.port) as client:
                while client.commit("group", "data", 0, 1) == wire.NONE:
                    pass
        except ConnectionError:
            pass

    def test_full_at_each_kind_of_write(self):
        writes = {
            "records": lambda: self.fails_soon("produce", "data", stdin="more\n" * 2000),
            "metadata": self.create_topics,
            "offsets": self.commit_offsets,
            "a clean stop": lambda: self.broker.process.terminate(),
        }
        for number, (name, write) in enumerate(writes.items()):
            with self.subTest(name):
                self.broker.start()
                self.tool(self.broker, "produce", "data", stdin=f"{number}\n")
                # Now there is a coordinator.
                self.tool(self.broker, "consume", "data", "-g", "group", "-o", "beginning", "-c", 1)
                self.fill()
                write()
                self.stops()
                self.make_room()
                self.broker.start()
                self.assertLessEqual(
                    {str(n) for n in range(number + 1)},
                    set(self.tool(self.broker, "consume", "data", "-o", "beginning", "-e").lines))
                self.tool(self.broker, "topic", "create", f"room-{number}")
                self.broker.stop()

    def test_full_at_the_first_start(self):
        self.fill()
        self.refuses(FULL)
        self.make_room()
        self.broker.start()
        self.tool(self.broker, "produce", "data", stdin="there\n")

    def test_read_only(self):
        self.broker.start()
        self.tool(self.broker, "produce", "data", stdin="there\n")
        for hard in (False, True):
            self.broker.kill() if hard else self.broker.stop()
            self.make_read_only(True)
            self.refuses(READ_ONLY, str(self.disk))
            self.make_read_only(False)
            self.broker.start()
            self.assertEqual(self.tool(self.broker, "consume", "data", "-o", "beginning", "-e").lines, ["there"])

    def test_read_only_at_the_first_start(self):
        self.make_read_only(True)
        self.refuses(READ_ONLY, str(self.disk))


if __name__ == "__main__":
    unittest.main()
