"""Damage to the files of a broker that was stopped or killed: it repairs what Kafka repairs, refuses what Kafka
refuses, says so in a sentence, and loses nothing that was acknowledged but what the damage itself took away.
"""

import shutil
import tempfile
import time
import unittest
from pathlib import Path

import wire
from faults import Broker, FaultTest, brokers, read_back, run

# Records lie in three segments; the last life of a killed broker began at the checkpoint, within the third.
RECORDS, CHECKPOINT = 100, 70
RECORD_BYTES = 30_000
# Lately, or the broker would forget the producer.
FIRST_TIME_MS = int(time.time()) * 1000 - 1_000_000
GROUP = "readers"
PROPERTIES = {"offsets.topic.num.partitions": "1"}


def flip(path, at):
    """Another byte in place of the one there; `at` below 0 counts from the end."""
    content = bytearray(path.read_bytes())
    content[at] ^= 0x55
    path.write_bytes(content)


def append(path, data):
    with open(path, "ab") as file:
        file.write(data)


def cut(path, count):
    path.write_bytes(path.read_bytes()[:-count])


def logs(folder, suffix=".log"):
    return sorted(folder.glob(f"*{suffix}"))


class Prepared:
    """A folder that a broker has left, to be copied for each case."""

    def __init__(self, folder, ports):
        self.folder = Path(folder)
        self.ports = ports
        self.snapshot_metadata()
        broker = Broker(folder, PROPERTIES, ports)
        try:
            broker.start()
            self.fill(broker)
            broker.stop()
            self.stopped = self.copy("stopped")
            broker.start()
            with wire.Client(broker.port) as client:
                self.append(client, range(CHECKPOINT, RECORDS))
            self.tool(broker, "consume", "data", "-g", GROUP, "-e", "-o", "beginning")
            broker.kill()
            self.killed = self.copy("killed")
        finally:
            broker.kill()

    def copy(self, name):
        return shutil.copytree(self.folder / "data", self.folder / name, ignore=shutil.ignore_patterns(".lock"))

    def tool(self, broker, *words, stdin=""):
        done = run(*words, stdin=stdin, bootstrap=broker.bootstrap)
        if done.code != 0:
            raise brokers.BrokerFailed(f"{words}: {done.err}")

    def snapshot_metadata(self):
        """A snapshot in the middle of the metadata, so that what is behind it counts too."""
        with Broker(self.folder, {"metadata.log.max.snapshot.interval.ms": "100"}, self.ports) as broker:
            number = 0
            while len(logs(broker.data / "__cluster_metadata-0", ".checkpoint")) < 2:
                self.tool(broker, "topic", "create", f"filler-{number}", "-p", 1)
                number += 1
            broker.stop()

    def fill(self, broker):
        self.tool(broker, "topic", "create", "data", "-p", 1, "-c", "segment.bytes=1048576")
        with wire.Client(broker.port) as client:
            self.producer = client.init_producer_id()
            self.append(client, range(CHECKPOINT))
        self.tool(broker, "topic", "create", "later")
        self.tool(broker, "produce", "later", stdin="there\n")
        self.tool(broker, "consume", "data", "-g", GROUP, "-e", "-o", "beginning")

    def batch(self, sequence):
        return wire.batch(wire.record(b"." * RECORD_BYTES, str(sequence).encode()),
                          producer=(*self.producer, sequence), timestamp_ms=FIRST_TIME_MS + sequence * 1000)

    def append(self, client, sequences):
        for sequence in sequences:
            got = client.produce("data", 0, self.batch(sequence))
            if got != (wire.NONE, sequence):
                raise brokers.BrokerFailed(f"record {sequence}: (error, offset) {got}")


class DamageTest(FaultTest):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="moldau-damage-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.prepared = Prepared(folder, brokers.free_ports(2))

    broker = None

    def folder_of(self, template):
        """A copy of what was left, and its partition of records."""
        if self.broker is not None:
            self.broker.kill()
            shutil.rmtree(self.broker.folder)
        self.broker = Broker(self.folder / "broker", PROPERTIES, self.prepared.ports)
        self.addCleanup(self.broker.kill)
        shutil.copytree(template, self.broker.data)
        self.data = self.broker.data
        self.partition = self.data / "data-0"
        self.metadata = self.data / "__cluster_metadata-0"
        return self.partition

    def stopped(self):
        self.end = CHECKPOINT
        return self.folder_of(self.prepared.stopped)

    def killed(self):
        self.end = RECORDS
        return self.folder_of(self.prepared.killed)

    def refuses(self, *sentences):
        """The start ends with a sentence; the status is that of a failure, not of a crash."""
        with self.assertRaises(brokers.BrokerFailed) as failed:
            self.broker.start()
        self.assertIn("ended with 1 before", str(failed.exception))
        for sentence in sentences:
            self.assertIn(sentence, self.broker.said())

    def starts(self, *sentences, end=None, first=0):
        """The broker starts, says these sentences and nothing else, and serves the records up to `end`, now and after
        another kill. What it leaves is whole."""
        self.serves_all(*sentences, end=end, first=first)
        verified = run("log", "verify", self.broker.data)
        self.assertEqual(verified.code, 0, verified.out + verified.err)

    def serves_all(self, *sentences, end=None, first=0):
        end = self.end if end is None else end
        self.broker.start()
        said = self.broker.said()
        for sentence in sentences:
            self.assertIn(sentence, said)
        if not sentences:
            self.assertNotIn("warning", said)
        self.serves(first, end)
        producer = self.prepared.producer
        with wire.Client(self.broker.port) as client:
            # It knows the producer still: the last batch is a duplicate, the next is taken.
            self.assertEqual(client.produce("data", 0, self.prepared.batch(end - 1)), (wire.NONE, end - 1), producer)
            self.assertEqual(client.produce("data", 0, self.prepared.batch(end)), (wire.NONE, end))
        self.assertEqual(self.tool(self.broker, "consume", "later", "-e").lines, ["there"])
        self.broker.restart(hard=True)
        self.serves(first, end + 1)
        self.broker.stop()

    def serves(self, first, end):
        expected = [(n, n) for n in range(first, end)]
        self.assertEqual(read_back(self, self.broker, "data", 0), expected)
        with wire.Client(self.broker.port) as client:
            for offset in self.random.sample(range(first, end), 10):
                error, high_watermark, data = client.fetch("data", 0, offset)
                self.assertEqual((error, high_watermark), (wire.NONE, end))
                self.assertEqual(int.from_bytes(data[:8], "big"), offset, f"asked for {offset}")
        for offset in self.random.sample(range(first, end), 3):
            found = self.tool(self.broker, "consume", "data", "-o", f"@{FIRST_TIME_MS + offset * 1000 - 500}", "-c", 1,
                              "-f", "%o\\n")
            self.assertEqual(found.lines, [str(offset)])


class TornWrites(DamageTest):
    def test_nothing_is_damaged(self):
        self.stopped()
        self.starts()

    def test_nothing_is_damaged_by_a_kill(self):
        self.killed()
        self.starts()

    def test_last_batch_is_cut_short(self):
        cut(logs(self.killed())[-1], 10)
        self.starts("is cut from", "the last batch is cut short", end=RECORDS - 1)

    def test_last_batch_is_cut_short_after_a_stop(self):
        cut(logs(self.stopped())[-1], 10)
        self.starts("was closed cleanly, but its last segment", "is cut from", end=CHECKPOINT - 1)

    def test_garbage_follows(self):
        append(logs(self.killed())[-1], self.random.randbytes(1000))
        self.starts("is cut from")

    def test_garbage_follows_after_a_stop(self):
        append(logs(self.stopped())[-1], self.random.randbytes(1000))
        self.starts("is cut from")

    def test_zeros_follow(self):
        append(logs(self.killed())[-1], bytes(5000))
        self.starts("is cut from")

    def test_zeros_follow_after_a_stop(self):
        append(logs(self.stopped())[-1], bytes(5000))
        self.starts("is cut from")

    def test_half_a_batch_follows(self):
        last = logs(self.killed())[-1]
        append(last, self.prepared.batch(RECORDS)[:self.random.randrange(1, RECORD_BYTES)])
        self.starts("is cut from")

    def test_a_batch_with_a_wrong_byte_follows(self):
        last = logs(self.killed())[-1]
        append(last, RECORDS.to_bytes(8, "big") + self.prepared.batch(RECORDS)[8:])
        flip(last, -100)
        self.starts("is cut from", "a batch's checksum or offset is wrong")


class Indexes(DamageTest):
    """Indexes only say where to look: whatever is in them, no record is lost and none is missed. As in Kafka, those below
    the recovery point aren't read through at a start; one that isn't there is made anew."""

    def each(self, suffix, damage, check):
        for prepare in (self.stopped, self.killed):
            for number in range(len(logs(prepare(), suffix))):
                path = logs(prepare(), suffix)[number]
                with self.subTest(f"{prepare.__name__} {path.name}"):
                    damage(path)
                    check(path)

    def serves_and_is_mended(self, path):
        self.broker.start()
        self.serves(0, self.end)
        self.broker.stop()
        found = run("--output", "json", "log", "verify", self.partition).json["findings"]
        self.assertLessEqual({(f["path"], f["remedy"]) for f in found}, {(str(path), "remove"), (str(path), "start")})
        path.unlink()
        self.starts("lacks an index, which is made anew")

    def flip_one(self, path):
        flip(path, self.random.randrange(path.stat().st_size))

    def test_wrong_byte_in_an_offset_index(self):
        self.each(".index", self.flip_one, self.serves_and_is_mended)

    def test_offset_index_of_garbage(self):
        self.each(".index", lambda path: path.write_bytes(self.random.randbytes(333)), self.serves_and_is_mended)

    def test_empty_offset_index(self):
        self.each(".index", lambda path: path.write_bytes(b""), self.serves_and_is_mended)

    def test_missing_offset_index(self):
        self.each(".index", Path.unlink, lambda _: self.starts("lacks an index, which is made anew"))

    def test_wrong_byte_in_a_time_index(self):
        self.each(".timeindex", self.flip_one, self.serves_and_is_mended)

    def test_empty_time_index(self):
        self.each(".timeindex", lambda path: path.write_bytes(b""), self.serves_and_is_mended)

    def test_missing_time_index(self):
        self.each(".timeindex", Path.unlink, lambda _: self.starts("lacks an index, which is made anew"))

    def test_no_index_at_all(self):
        for prepare in (self.stopped, self.killed):
            partition = prepare()
            for path in logs(partition, ".index") + logs(partition, ".timeindex"):
                path.unlink()
            self.starts("lacks an index, which is made anew")


class Logs(DamageTest):
    def position(self, path, offset):
        """Where the batch of an offset begins."""
        content, at = path.read_bytes(), 0
        while int.from_bytes(content[at:at + 8], "big") != offset:
            at += 12 + int.from_bytes(content[at + 8:at + 12], "big")
        return at

    def damage(self, offset):
        """A wrong byte in a record's value."""
        path = [path for path in logs(self.partition) if int(path.stem) <= offset][-1]
        flip(path, self.position(path, offset) + 5000)
        return path

    def test_wrong_byte_above_the_recovery_point(self):
        self.killed()
        path = self.damage(85)
        self.starts(f"{path} is cut from", "a batch's checksum or offset is wrong", end=85)

    def test_wrong_byte_in_an_earlier_segment_that_is_recovered(self):
        self.killed()
        (self.data / "recovery-point-offset-checkpoint").unlink()
        path = self.damage(50)
        self.starts(f"{path} is cut from", "is removed: what comes before it has to be cut", end=50)

    def stays_and_is_told(self, offset):
        """As in Kafka, what is below the recovery point isn't read at the start; who reads it is told."""
        path = self.damage(offset)
        self.broker.start()
        self.assertEqual(self.tool(self.broker, "consume", "data", "-o", offset + 1, "-e", "-f", "%o\\n").lines,
                         [str(n) for n in range(offset + 1, self.end)])
        done = run("consume", "data", "-o", "beginning", "-e", "-f", "%o\\n", bootstrap=self.broker.bootstrap)
        self.assertEqual((done.code, done.lines), (1, [str(n) for n in range(offset)]), done.err)
        self.assertIn(str(offset), done.err)
        self.broker.stop()
        verified = run("log", "verify", self.partition)
        self.assertEqual(verified.code, 1)
        self.assertIn(path.name, verified.out + verified.err)
        self.assertIn(f"offset {offset}", verified.out + verified.err)

    def test_wrong_byte_below_the_recovery_point(self):
        self.killed()
        self.stays_and_is_told(20)

    def test_wrong_byte_after_a_stop(self):
        self.stopped()
        self.stays_and_is_told(CHECKPOINT - 2)

    def test_first_log_is_missing(self):
        first, second, *_ = logs(self.stopped())
        first.unlink()
        self.starts(f"{first.with_suffix('.index')} belongs to no segment", first=int(second.stem))

    def test_last_log_is_missing(self):
        last = logs(self.stopped())[-1]
        last.unlink()
        self.starts(f"{last.with_suffix('.index')} belongs to no segment", "below its recovery point 70",
                    end=int(last.stem))


class Checkpoints(DamageTest):
    """Small files that say how far something has come."""

    def test_wrong_byte_in_a_producer_snapshot(self):
        for prepare in (self.stopped, self.killed):
            with self.subTest(prepare.__name__):
                newest = logs(prepare(), ".snapshot")[-1]
                flip(newest, self.random.randrange(newest.stat().st_size))
                self.starts(str(newest), "it is removed, an older one is used")

    def test_producer_snapshots_are_missing(self):
        for path in logs(self.stopped(), ".snapshot"):
            path.unlink()
        self.starts()

    def test_leader_epochs_of_garbage(self):
        for prepare in (self.stopped, self.killed):
            for content in (b"\0" * 30, b"0\n1\n0 -7x\n", b"0\n9\n0 0\n", self.random.randbytes(40)):
                with self.subTest(f"{prepare.__name__} {content}"):
                    path = prepare() / "leader-epoch-checkpoint"
                    path.write_bytes(content)
                    self.starts(str(path), "is made anew from the batches")

    def test_offset_checkpoints_of_garbage(self):
        for name in ("recovery-point", "replication", "log-start", "cleaner"):
            for prepare in (self.stopped, self.killed):
                with self.subTest(f"{prepare.__name__} {name}"):
                    prepare()
                    path = self.data / f"{name}-offset-checkpoint"
                    path.write_bytes(b"0\n1\ndata 0 4x\n")
                    self.starts(str(path), "it is left out")

    def test_offset_checkpoints_are_missing(self):
        for prepare in (self.stopped, self.killed):
            with self.subTest(prepare.__name__):
                prepare()
                for path in self.data.glob("*-offset-checkpoint"):
                    path.unlink()
                self.starts()

    def test_recovery_point_is_above_the_end(self):
        self.killed()
        (self.data / "recovery-point-offset-checkpoint").write_text(f"0\n1\ndata 0 {RECORDS + 7}\n")
        self.starts(f"below its recovery point {RECORDS + 7}")


class Metadata(DamageTest):
    """What says whose the directory is and what lies in it: a broker that can't be sure doesn't start, and changes
    nothing, so that it starts once the file is back."""

    def refuses_until_restored(self, path, damage, *sentences):
        before = path.read_bytes()
        damage(path)
        self.refuses(*sentences)
        path.write_bytes(before)
        self.starts()

    def newest_snapshot(self):
        return logs(self.metadata, ".checkpoint")[-1]

    def test_wrong_byte_in_a_metadata_snapshot(self):
        for prepare in (self.stopped, self.killed):
            with self.subTest(prepare.__name__):
                prepare()
                path = self.newest_snapshot()
                self.refuses_until_restored(
                    path, lambda file: flip(file, self.random.randrange(file.stat().st_size)), str(path))

    def test_metadata_snapshot_is_cut_short(self):
        self.stopped()
        path = self.newest_snapshot()
        self.refuses_until_restored(path, lambda file: cut(file, 20), str(path))

    def test_torn_write_of_metadata(self):
        for garbage in (bytes(3000), self.random.randbytes(500)):
            self.killed()
            append(logs(self.metadata)[-1], garbage)
            self.starts("is cut from")

    def test_wrong_byte_in_the_metadata_log(self):
        """Nothing tears a log that was closed in order: to cut it would be to forget topics."""
        self.stopped()
        path = logs(self.metadata)[-1]
        at = self.after_snapshot(path)
        self.refuses_until_restored(path, lambda file: flip(file, at), str(path), "put a copy of the file in its place")

    def test_wrong_byte_in_the_metadata_log_before_its_snapshot(self):
        for prepare in (self.stopped, self.killed):
            with self.subTest(prepare.__name__):
                prepare()
                # Nobody reads it again.
                flip(logs(self.metadata)[-1], 80)
                self.serves_all()

    def after_snapshot(self, path):
        """The position of a byte in the first batch behind the newest snapshot."""
        end = int(self.newest_snapshot().name.split("-")[0])
        content, at = path.read_bytes(), 0
        while int.from_bytes(content[at:at + 8], "big") < end:
            at += 12 + int.from_bytes(content[at + 8:at + 12], "big")
        return at + 62

    def test_meta_properties(self):
        damages = {
            "node.id": lambda file: file.write_text(file.read_text().replace("node.id=1", "node.id=7")),
            "version": lambda file: file.write_text(file.read_text().replace("version=1", "version=9")),
            "directory.id": lambda file: file.write_text(file.read_text().replace("directory.id=", "directory.id=?")),
            "meta.properties": lambda file: file.write_bytes(self.random.randbytes(80)),
            "say its version": lambda file: file.write_bytes(b""),
            "holds": Path.unlink,
        }
        for sentence, damage in damages.items():
            with self.subTest(sentence):
                self.stopped()
                self.refuses_until_restored(self.data / "meta.properties", damage, str(self.data), sentence)

    def test_quorum_state(self):
        for content in (b"", b"\0" * 60, b'{"leaderId":1', b"[]"):
            with self.subTest(content):
                self.killed()
                path = self.metadata / "quorum-state"
                self.refuses_until_restored(path, lambda file: file.write_bytes(content), str(path), "can't be read")

    def test_quorum_state_is_missing(self):
        self.killed()
        (self.metadata / "quorum-state").unlink()
        self.starts()


if __name__ == "__main__":
    unittest.main()


class Remedies(DamageTest):
    """What docs/guide/log-verify.md says of `recover` and `copy` heals; `start` and `remove` are in the classes above."""

    def remedies(self):
        done = run("--output", "json", "log", "verify", self.partition)
        return {(Path(finding["path"]).name, finding["remedy"]) for finding in done.json["findings"]}

    def test_recover(self):
        path = logs(self.stopped())[0].with_suffix(".txnindex")
        path.write_bytes(self.random.randbytes(100))
        self.assertEqual(self.remedies(), {(path.name, "recover")})
        (self.data / ".kafka_cleanshutdown").unlink()
        (self.data / "recovery-point-offset-checkpoint").unlink()
        self.broker.start()
        self.serves(0, self.end)
        self.broker.stop()
        self.assertEqual(self.remedies(), set())

    def test_copy(self):
        # A record's byte, and a batch's offset, which the checksum leaves out.
        for place in (5000, 0):
            with self.subTest(place=place):
                path = logs(self.stopped())[0]
                sound = path.read_bytes()
                flip(path, place)
                self.assertEqual(self.remedies(), {(path.name, "copy")})
                path.write_bytes(sound)
                self.broker.start()
                self.serves(0, self.end)
                self.broker.stop()
                self.assertEqual(self.remedies(), set())
