"""Kafka's protocol by hand, as far as the fault tests need it: what no client library would send can be sent."""

import socket
import struct
import time

PRODUCE, FETCH, METADATA, OFFSET_COMMIT, API_VERSIONS, INIT_PRODUCER_ID = 0, 1, 3, 8, 18, 22
GZIP, ZSTD = 1, 4

# Kafka's error codes, by the names of its documentation.
NONE, CORRUPT_MESSAGE, UNKNOWN_TOPIC_OR_PARTITION, MESSAGE_TOO_LARGE = 0, 2, 3, 10
UNSUPPORTED_VERSION, UNSUPPORTED_FOR_MESSAGE_FORMAT, UNSUPPORTED_COMPRESSION_TYPE, INVALID_RECORD = 35, 43, 76, 87


def crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


CRC_TABLE = crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def varint(value):
    value = value << 1 ^ value >> 63
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def text(value):
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value)) + value.encode()


def record_head(value_bytes, delta=0, key=b"k"):
    """What comes before a value of that size; a zero, for no headers, comes behind it."""
    head = b"\0" + varint(0) + varint(delta) + varint(len(key)) + key + varint(value_bytes)
    return varint(len(head) + value_bytes + 1) + head


def record(value, key=b"k"):
    return record_head(len(value), 0, key) + value + b"\0"


def batch(records, count=1, codec=0, producer=(-1, -1, -1), crc=None, timestamp_ms=None):
    """A batch of magic 2. `records` are its bytes as they lie in it; `producer` is id, epoch and first sequence."""
    now = int(time.time() * 1000) if timestamp_ms is None else timestamp_ms
    after = struct.pack(">hiqqqhii", codec, count - 1, now, now, *producer, count) + records
    return struct.pack(">qiibI", 0, len(after) + 9, 0, 2, crc32c(after) if crc is None else crc) + after


def zstd_of_zeros(head, size):
    """A frame of `head` as it is and so many zeros: blocks that each say "this byte, so often"."""
    out = bytearray(b"\x28\xb5\x2f\xfd\x00\x58" + struct.pack("<I", len(head) << 3)[:3] + head)
    while size > 0:
        part = min(size, 128 << 10)
        size -= part
        out += struct.pack("<I", part << 3 | 1 << 1 | (size == 0))[:3] + b"\0"
    return bytes(out)


def produce_body(topic, partition, batch_bytes, acks=-1):
    return (text(None) + struct.pack(">hii", acks, 30_000, 1) + text(topic) +
            struct.pack(">iii", 1, partition, len(batch_bytes)) + batch_bytes)


def fetch_body(topic, partition, offset, max_bytes=50 << 20):
    return (struct.pack(">iiiibi", -1, 500, 1, max_bytes, 0, 1) + text(topic) +
            struct.pack(">iiqi", 1, partition, offset, max_bytes))


def request(api_key, version, body, correlation=1, client="faults"):
    header = struct.pack(">hhi", api_key, version, correlation) + text(client)
    return struct.pack(">i", len(header) + len(body)) + header + body


class Client:
    """One connection. Not for use from several threads."""

    def __init__(self, port, source="127.0.0.1", seconds=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds, source_address=(source, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def read(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise ConnectionError("the broker has closed the connection")
            data += part
        return data

    def answer(self):
        """The next response, without its correlation id."""
        return self.read(struct.unpack(">i", self.read(4))[0])[4:]

    def call(self, api_key, version, body):
        self.send(request(api_key, version, body))
        return self.answer()

    def is_closed(self):
        """Waits for the broker's answer or the end of the connection; True for the end."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def produce(self, topic, partition, batch_bytes, version=7):
        """Error code and base offset."""
        out = self.call(PRODUCE, version, produce_body(topic, partition, batch_bytes))
        at = 4 + 2 + len(topic) + 4
        _, error, offset = struct.unpack(">ihq", out[at:at + 14])
        return error, offset

    def fetch(self, topic, partition, offset):
        """Error code, high watermark and the bytes of batches."""
        out = self.call(FETCH, 4, fetch_body(topic, partition, offset))
        at = 4 + 4 + 2 + len(topic) + 4
        _, error, high_watermark, _, aborted = struct.unpack(">ihqqi", out[at:at + 26])
        assert aborted <= 0
        size, = struct.unpack(">i", out[at + 26:at + 30])
        return error, high_watermark, out[at + 30:at + 30 + max(size, 0)]

    def init_producer_id(self):
        """Id and epoch."""
        out = self.call(INIT_PRODUCER_ID, 0, text(None) + struct.pack(">i", 60_000))
        error, producer, epoch = struct.unpack(">hqh", out[4:16])
        assert error == 0
        return producer, epoch

    def commit(self, group, topic, partition, offset):
        """The error code."""
        out = self.call(OFFSET_COMMIT, 2, text(group) + struct.pack(">i", -1) + text("") + struct.pack(">qi", -1, 1) +
                        text(topic) + struct.pack(">iiq", 1, partition, offset) + text(None))
        return struct.unpack(">h", out[-2:])[0]
