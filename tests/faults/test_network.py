"""Hostile, broken, slow and many clients: each gets Kafka's error code or a closed connection, the broker's memory stays
bounded, and a client that behaves doesn't notice.
"""

import contextlib
import gzip
import resource
import socket
import struct
import unittest

import wire
from faults import FaultTest, Load, check_records

# The broker's own bound for requests is 64 MiB, and one request more may be 100 MB.
PEAK_MB = 300
# A client that behaves waits no longer than this for its next acknowledgements, whatever others do.
NOTICED_SECONDS = 10
REQUEST_BYTES_MAX = 104_857_600
TOPICS = {"data": 2}


class Network(FaultTest):
    def setUp(self):
        super().setUp()
        self.broker = self.broker_on(self.folder / "broker").start()
        self.tool(self.broker, "topic", "create", "data", "-p", 2)
        self.tool(self.broker, "topic", "create", "compacted", "-p", 1, "-c", "cleanup.policy=compact")
        self.tool(self.broker, "topic", "create", "attacked", "-p", 1)
        self.port = self.broker.port
        self.opened = contextlib.ExitStack()
        self.addCleanup(self.opened.close)
        self.load = Load.produce(self, self.broker, TOPICS, burst=2, pause_ms=5)
        self.readers = Load.consume(self, self.broker, "readers", TOPICS, members=1)
        self.load.goes_on()
        self.until("the group commits", lambda: self.readers.read().committed)

    def connect(self, **how):
        return self.opened.enter_context(wire.Client(self.port, **how))

    def unharmed(self):
        """While all that was opened is still there."""
        self.assertTrue(self.broker.alive(), self.broker.log_tail())
        self.assertLess(self.broker.memory_mb("VmHWM"), PEAK_MB)
        self.load.goes_on(seconds=NOTICED_SECONDS)
        before = dict(self.readers.read().committed)
        self.until("the group goes on", lambda: self.readers.read().committed != before, NOTICED_SECONDS)

    def tearDown(self):
        self.unharmed()
        self.opened.close()
        self.load.finish()
        check_records(self, self.broker, self.load)
        self.readers.finish()
        self.assertNotIn("invariant", self.broker.said())
        self.assertEqual(self.broker.stop(), 0)

    def closes(self, data):
        """The broker closes the connection on these bytes, without an answer."""
        with wire.Client(self.port) as client:
            with contextlib.suppress(OSError):
                client.send(data)
                client.socket.shutdown(socket.SHUT_WR)
            self.assertTrue(client.is_closed(), data[:80])

    def test_garbage(self):
        for size in (1, 3, 4, 5, 20, 1000, 100_000):
            for _ in range(20):
                self.closes(self.random.randbytes(size))
        self.unharmed()

    def test_lengths(self):
        for length in (-1, -(1 << 31), 0, 1, 3, 7, REQUEST_BYTES_MAX + 1, (1 << 31) - 1):
            self.closes(struct.pack(">i", length) + b"\0" * 8)

    def test_truncated_frames(self):
        whole = wire.request(wire.PRODUCE, 7, wire.produce_body("attacked", 0, wire.batch(wire.record(b"value"))))
        for size in range(len(whole)):
            self.closes(whole[:size])
        with wire.Client(self.port) as client:
            self.assertEqual(client.fetch("attacked", 0, 0)[1], 0)

    def test_requests_whose_body_ends_early(self):
        bodies = {(wire.PRODUCE, 7): wire.produce_body("attacked", 0, wire.batch(wire.record(b"value"))),
                  (wire.FETCH, 4): wire.fetch_body("attacked", 0, 0),
                  (wire.METADATA, 1): struct.pack(">i", 1) + wire.text("attacked")}
        for (api_key, version), body in bodies.items():
            for size in range(len(body)):
                self.closes(wire.request(api_key, version, body[:size]))
        with wire.Client(self.port) as client:
            self.assertEqual(client.fetch("attacked", 0, 0)[1], 0)

    def test_claimed_counts(self):
        """Arrays and strings that say to be longer than all that there is."""
        for count in ((1 << 31) - 1, 1 << 30, 1 << 24, -2, -(1 << 31)):
            self.closes(wire.request(wire.METADATA, 1, struct.pack(">i", count) + wire.text("attacked")))
            self.closes(wire.request(wire.FETCH, 4, struct.pack(">iiiibi", -1, 0, 1, 1, 0, count) + wire.text("data")))
            self.closes(wire.request(wire.PRODUCE, 7, wire.text(None) + struct.pack(">hii", -1, 1000, count)))
        for version in (9, 12):
            # Unsigned varints of more than 32 bits, and of nearly that many.
            for count in (b"\xff" * 5, b"\xff" * 10, b"\xff\xff\xff\xff\x0f"):
                self.closes(wire.request(wire.METADATA, version, b"\0" + count + b"\0" * 8))

    def test_wrong_versions_and_keys(self):
        for api_key, version in ((wire.PRODUCE, 99), (wire.PRODUCE, 2), (wire.FETCH, -1), (wire.FETCH, 3),
                                 (wire.METADATA, 14), (77, 0), (-1, 0), (32767, 32767)):
            self.closes(wire.request(api_key, version, b"\0" * 32))
        with wire.Client(self.port) as client:
            # The one that tells its versions to everybody, in a form that everybody knows.
            out = client.call(wire.API_VERSIONS, 99, b"\0" * 8)
            self.assertEqual(struct.unpack(">h", out[:2])[0], wire.UNSUPPORTED_VERSION)
            self.assertIn(struct.pack(">hhh", wire.API_VERSIONS, 0, 4), out)

    def test_batches(self):
        good = wire.record(b"value")
        long_ago = wire.batch(good)
        cases = {
            "wrong checksum": (wire.batch(good, crc=1), {wire.CORRUPT_MESSAGE}),
            "cut short": (long_ago[:-3], {wire.CORRUPT_MESSAGE, wire.INVALID_RECORD}),
            "more than it says": (long_ago + b"\0", {wire.INVALID_RECORD, wire.CORRUPT_MESSAGE}),
            "fewer records than it says": (wire.batch(good, count=2), {wire.INVALID_RECORD}),
            "no records": (wire.batch(b"", count=0), {wire.INVALID_RECORD}),
            "a record that is longer than the batch": (wire.batch(wire.varint(1 << 20) + good), {wire.INVALID_RECORD}),
            "a record of negative length": (wire.batch(wire.varint(-5) + good), {wire.INVALID_RECORD}),
            "nothing": (b"", {wire.INVALID_RECORD, wire.CORRUPT_MESSAGE}),
            "an old format": (long_ago[:16] + b"\1" + long_ago[17:],
                              {wire.INVALID_RECORD, wire.CORRUPT_MESSAGE, wire.UNSUPPORTED_FOR_MESSAGE_FORMAT}),
            "a codec that isn't": (wire.batch(good, codec=7), {wire.UNSUPPORTED_COMPRESSION_TYPE}),
            "too large": (wire.batch(wire.record(b"x" * 1_100_000), crc=1), {wire.MESSAGE_TOO_LARGE}),
        }
        with wire.Client(self.port) as client:
            for name, (batch, codes) in cases.items():
                with self.subTest(name):
                    self.assertIn(client.produce("attacked", 0, batch)[0], codes)
            with self.subTest("data that doesn't decompress"):
                self.assertEqual(client.produce("compacted", 0, wire.batch(good, codec=wire.GZIP))[0],
                                 wire.INVALID_RECORD)
            for topic, partition in (("unknown", 0), ("attacked", 7), ("attacked", -1)):
                with self.subTest(f"{topic} {partition}"):
                    self.assertEqual(client.produce(topic, partition, long_ago)[0], wire.UNKNOWN_TOPIC_OR_PARTITION)
                    self.assertEqual(client.fetch(topic, partition, 0)[0], wire.UNKNOWN_TOPIC_OR_PARTITION)
            self.assertEqual(client.produce("attacked", 0, long_ago), (wire.NONE, 0))
        self.assertEqual(self.tool(self.broker, "consume", "attacked", "-e").lines, ["value"])

    def test_batches_that_inflate(self):
        """They are opened for the compacted topic only."""
        def batch(codec, size, count=1):
            """Records of zeros."""
            heads = [wire.record_head(size, number) for number in range(count)]
            if codec == wire.GZIP:
                return wire.batch(gzip.compress(b"".join(head + bytes(size + 1) for head in heads)), count, codec)
            return wire.batch(wire.zstd_of_zeros(heads[0], size + 1), count, codec)

        cases = {
            "gzip, one record": batch(wire.GZIP, 500 << 20),
            "gzip, many records": batch(wire.GZIP, 1 << 20, 500),
            "zstd, one record": batch(wire.ZSTD, 500 << 20),
            "zstd, a record that just fits": batch(wire.ZSTD, 150 << 20),
            "zstd, far more than memory": batch(wire.ZSTD, 30 << 30),
        }
        for name, bomb in cases.items():
            with self.subTest(name), wire.Client(self.port) as client:
                self.assertLess(len(bomb), 1 << 20)
                for _ in range(5):
                    self.assertIn(client.produce("compacted", 0, bomb)[0],
                                  (wire.MESSAGE_TOO_LARGE, wire.INVALID_RECORD))
                self.unharmed()
        with wire.Client(self.port) as client:
            self.assertEqual(client.produce("compacted", 0, batch(wire.ZSTD, 50 << 20)), (wire.NONE, 0))

    def test_a_client_that_stalls_in_a_frame(self):
        """Each claims all the memory that there is, and sends next to nothing."""
        for _ in range(40):
            self.connect().send(struct.pack(">i", REQUEST_BYTES_MAX) + b"\0\3\0\1")
        for _ in range(3):
            self.unharmed()

    def test_clients_that_stop_halfway(self):
        """Each sends as much of a request as is taken from it, and then no more."""
        for _ in range(20):
            client = self.connect()
            client.socket.settimeout(0.5)
            with contextlib.suppress(TimeoutError):
                client.send(struct.pack(">i", REQUEST_BYTES_MAX) + bytes(8 << 20))
        for _ in range(3):
            self.unharmed()

    def test_a_client_that_never_reads(self):
        """It asks for the same megabytes again and again."""
        with wire.Client(self.port) as client:
            large = wire.batch(wire.record(b"x" * 200_000))
            for _ in range(20):
                self.assertEqual(client.produce("attacked", 0, large)[0], wire.NONE)
        ask = wire.request(wire.FETCH, 4, wire.fetch_body("attacked", 0, 0))
        for _ in range(50):
            client = self.connect()
            client.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(1000):
                    client.socket.send(ask)
        for _ in range(3):
            self.unharmed()

    def test_clients_that_leave_without_a_word(self):
        """Each has a long poll under way; when they go, they go by a reset."""
        for _ in range(200):
            client = self.connect()
            client.send(wire.request(wire.FETCH, 4, wire.fetch_body("attacked", 0, 0)))
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.unharmed()
        self.opened.close()

    def test_ten_thousand_idle_connections(self):
        count = 10_000
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = count + 500
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        before = self.broker.memory_mb("VmRSS")
        for number in range(count):
            client = self.connect(source=f"127.0.1.{number % 4 + 1}")
            if number % 100 == 0:
                # It is served, and not just waiting in the kernel's queue.
                client.call(wire.API_VERSIONS, 0, b"")
        self.unharmed()
        self.assertLess(self.broker.memory_mb("VmRSS") - before, 100)
        self.tool(self.broker, "topic", "list")
        self.opened.close()


if __name__ == "__main__":
    unittest.main()
