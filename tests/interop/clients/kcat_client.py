"""kcat of Debian, and with it an old librdkafka (2.0.2)."""

import json
import os
import subprocess
import sys
import tempfile

import common
from common import broker, check, same, wait_for

BOOTSTRAP = sys.argv[1]
SETTINGS = ["-b", BOOTSTRAP, "-X", "topic.metadata.refresh.interval.ms=1000", "-X", "log_level=0",
            "-X", "heartbeat.interval.ms=200", "-X", "session.timeout.ms=10000"]
ADMIN_TOPIC = ["-X", "allow.auto.create.topics=true"]


def kcat(*arguments, data=None, status=0):
    done = subprocess.run(["kcat", *SETTINGS, *arguments], input=data, capture_output=True, timeout=40)
    same(f"exit status ({done.stderr.decode(errors='replace')[-200:]})", status, done.returncode)
    return done.stdout


def metadata(*arguments):
    return json.loads(kcat("-L", "-J", *arguments))


def lists():
    found = metadata()
    same("brokers", [1], [entry["id"] for entry in found["brokers"]])
    same("controller", 1, found["controllerid"])


def create():
    """kcat creates topics only by sending to them."""
    kcat("-P", "-t", "kcat-create", data=b"first\n")
    (topic,) = metadata("-t", "kcat-create")["topics"]
    same("partitions", [0], [entry["partition"] for entry in topic["partitions"]])
    same("leader", 1, topic["partitions"][0]["leader"])


def codec(name):
    """Each line is a key and a value; the header and the codec are the run's."""
    topic = f"kcat-{name}"
    lines = [f"key-{i}\t" + "x" * ((i * 37) % 500) + f"-{i}" for i in range(common.COUNT)]
    kcat("-P", "-t", topic, "-p", "0", "-K", "\t", "-z", name, "-H", "color=blue", "-H", "empty=", "-H", "nothing",
         "-X", "linger.ms=20", data="".join(line + "\n" for line in lines).encode())
    got = kcat("-C", "-t", topic, "-p", "0", "-o", "beginning", "-e", "-q", "-f", "%o %k\t%s %h %T\n").decode().splitlines()
    same("count", common.COUNT, len(got))
    for i, line in enumerate(got):
        offset, rest = line.split(" ", 1)
        body, headers, timestamp = rest.rsplit(" ", 2)
        same("offset", str(i), offset)
        same("key and value", lines[i], body)
        same("headers", "color=blue,empty=,nothing=NULL", headers)
        same("timestamp is plausible", True, int(timestamp) > common.BASE_MS)


def file_value():
    """A file is one message, byte for byte."""
    with tempfile.NamedTemporaryFile() as file:
        content = bytes(i * 31 % 256 for i in range(100_000))
        file.write(content)
        file.flush()
        kcat("-P", "-t", "kcat-file", "-p", "0", "-z", "lz4", file.name)
    same("value", content, kcat("-C", "-t", "kcat-file", "-p", "0", "-c", "1", "-q", "-D", ""))


def nulls():
    kcat("-P", "-t", "kcat-null", "-p", "0", "-K", ":", "-Z", data=b"key:\n:value\n")
    same("null value and null key", b"key:NULL\nNULL:value\n",
         kcat("-C", "-t", "kcat-null", "-o", "beginning", "-e", "-q", "-Z", "-K", ":"))


def offsets():
    tail = kcat("-C", "-t", "kcat-gzip", "-p", "0", "-o", "-3", "-e", "-q", "-f", "%o\n").split()
    same("the last three", [b"197", b"198", b"199"], tail)
    some = kcat("-C", "-t", "kcat-gzip", "-p", "0", "-o", "40", "-c", "2", "-q", "-f", "%o\n").split()
    same("from 40", [b"40", b"41"], some)


def seek_by_time():
    first = kcat("-C", "-t", "kcat-create", "-o", "beginning", "-c", "1", "-q", "-f", "%T")
    found = kcat("-Q", "-t", f"kcat-create:0:{int(first)}").decode()
    same("offset for time", "kcat-create [0] offset 0", found.strip())
    same("after the end", "kcat-create [0] offset -1", kcat("-Q", "-t", "kcat-create:0:99999999999999").decode().strip())
    line = kcat("-C", "-t", "kcat-create", "-o", f"s@{int(first)}", "-c", "1", "-q").decode()
    same("from time", "first\n", line)


class Member:
    """A kcat that consumes as one of a group, printing each value as it comes."""

    def __init__(self, group, topic):
        self.output = tempfile.NamedTemporaryFile()
        self.errors = tempfile.NamedTemporaryFile()
        self.process = subprocess.Popen(
            ["kcat", *SETTINGS, "-E", "-G", group, "-X", "auto.offset.reset=earliest", "-X", "auto.commit.interval.ms=100",
             "-X", "partition.assignment.strategy=range", "-u", "-f", "%s\n", topic],
            stdout=self.output, stderr=self.errors)

    def values(self):
        with open(self.output.name) as file:
            return file.read().split()

    def owned(self):
        """The partitions of the last assignment that it told of."""
        with open(self.errors.name) as file:
            told = [line for line in file if "assigned:" in line or "revoked:" in line]
        return told[-1].count("[") if told and "assigned:" in told[-1] else 0

    def leave(self):
        self.process.terminate()
        self.process.wait(20)


produced = 0


def produce(topic, partitions, count):
    global produced
    for partition in range(partitions):
        values = range(produced, produced + count // partitions)
        kcat("-P", "-t", topic, "-p", str(partition), data="".join(f"{value}\n" for value in values).encode())
        produced += count // partitions


def group():
    """kcat can't create several partitions, so the topic comes from the broker's own default of this test."""
    topic = "kcat-group"
    kcat("-L", "-t", topic, *ADMIN_TOPIC)
    produce(topic, 1, 60)
    first = Member("kcat-group", topic)
    wait_for("the first member reads all", lambda: len(first.values()) == 60)
    second = Member("kcat-group", topic)
    wait_for("one owns the partition and one waits",
             lambda: sorted([first.owned(), second.owned()]) == [0, 1] and "rebalanced" in open(second.errors.name).read())
    produce(topic, 1, 60)
    wait_for("they read all", lambda: len(first.values()) + len(second.values()) == 120)
    leaver, stayer = (first, second) if first.owned() else (second, first)
    leaver.leave()
    wait_for("the other owns the partition", lambda: stayer.owned() == 1)
    produce(topic, 1, 60)
    wait_for("it reads the rest", lambda: len(first.values()) + len(second.values()) == 180)
    broker("stop")
    produce(topic, 1, 60)
    wait_for("it reads on after a restart", lambda: len(first.values()) + len(second.values()) == 240)
    stayer.leave()
    same("every value once", [str(i) for i in range(240)], sorted(first.values() + second.values(), key=int))


def idempotent():
    """kcat with idempotence sends while the broker is killed and comes back."""
    process = subprocess.Popen(["kcat", *SETTINGS, "-E", "-P", "-t", "kcat-create", "-p", "0", "-X", "enable.idempotence=true",
                                "-X", "linger.ms=1", "-X", "queue.buffering.max.messages=100000"],
                               stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for i in range(500):
        process.stdin.write(b"%d\n" % i)
    process.stdin.flush()
    broker("kill")
    for i in range(500, 1000):
        process.stdin.write(b"%d\n" % i)
    process.stdin.close()
    same("exit status", 0, process.wait(40))
    got = kcat("-C", "-t", "kcat-create", "-p", "0", "-o", "1", "-e", "-q").decode().split()
    same("values in order", [str(i) for i in range(1000)], got)


os.environ.pop("KCAT_CONFIG", None)
check("list metadata", lists)
check("create topic by sending to it", create)
for codec_name in ("none", "gzip", "snappy", "lz4", "zstd"):
    check(f"codec {codec_name}", lambda: codec(codec_name))
check("a file is one message", file_value)
check("null keys and values", nulls)
check("offsets from the end and by number", offsets)
check("seek by time", seek_by_time)
check("idempotent producer over kill -9", idempotent)
check("group rebalances and goes on over a restart", group)
common.say("end")
