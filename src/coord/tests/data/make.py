"""Makes offsets.log: __consumer_offsets-0 as Apache Kafka writes it.

Run with build/peers/python/bin/python3. It holds a classic group that was left, one with a live member, one of plain
commits, one whose offsets came in a transaction, one deleted, and a group of KIP-848 with a live member.
"""

import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[3] / "tests" / "interop"))
from brokers import Broker  # noqa: E402
from confluent_kafka import Consumer, Producer, TopicPartition  # noqa: E402
from confluent_kafka.admin import AdminClient, NewTopic  # noqa: E402


def consumer(bootstrap, group, **more):
    return Consumer({"bootstrap.servers": bootstrap, "group.id": group, "client.id": "maker", "log_level": 0,
                     "auto.offset.reset": "earliest", "enable.auto.commit": False, **more})


def read(reader, count):
    got = 0
    while got < count:
        message = reader.poll(1)
        got += message is not None and message.error() is None
    return reader


with tempfile.TemporaryDirectory() as folder, Broker("kafka", folder, {"offsets.topic.num.partitions": "1"}) as kafka:
    at = kafka.bootstrap
    admin = AdminClient({"bootstrap.servers": at})
    admin.create_topics([NewTopic("t", 2, 1)])["t"].result(30)
    writer = Producer({"bootstrap.servers": at, "log_level": 0})
    for partition in 0, 1:
        for i in range(5):
            writer.produce("t", str(i), partition=partition)
    writer.flush()

    left = consumer(at, "left")
    left.subscribe(["t"])
    read(left, 10).commit(offsets=[TopicPartition("t", 0, 4, "a remark"), TopicPartition("t", 1, 5)], asynchronous=False)
    left.close()

    plain = consumer(at, "plain")
    plain.commit(offsets=[TopicPartition("t", 0, 2)], asynchronous=False)

    gone = consumer(at, "gone")
    gone.commit(offsets=[TopicPartition("t", 0, 1)], asynchronous=False)
    admin.delete_consumer_groups(["gone"])["gone"].result(30)

    transactional = Producer({"bootstrap.servers": at, "transactional.id": "x", "log_level": 0})
    transactional.init_transactions(30)
    for offset, end in (3, transactional.commit_transaction), (1, transactional.abort_transaction):
        transactional.begin_transaction()
        part = consumer(at, "transaction")
        transactional.send_offsets_to_transaction([TopicPartition("t", 0, offset)], part.consumer_group_metadata())
        end(30)

    live = consumer(at, "live", **{"group.instance.id": "one"})
    live.subscribe(["t"])
    read(live, 10).commit(offsets=[TopicPartition("t", 0, 5)], asynchronous=False)
    modern = consumer(at, "modern", **{"group.protocol": "consumer"})
    modern.subscribe(["t"])
    read(modern, 10).commit(offsets=[TopicPartition("t", 0, 5)], asynchronous=False)
    time.sleep(1)
    kafka.kill()
    shutil.copy(kafka.data / "__consumer_offsets-0" / "00000000000000000000.log", HERE / "offsets.log")
