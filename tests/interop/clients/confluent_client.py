"""confluent-kafka, and with it today's librdkafka."""

import collections
import sys
import threading
import time

import common
from common import broker, check, same, wait_for
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel
from confluent_kafka.admin import (AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewPartitions, NewTopic,
                                   OffsetSpec)

BOOTSTRAP = sys.argv[1]
ADMIN = AdminClient({"bootstrap.servers": BOOTSTRAP, "log_level": 0})


def result(futures):
    """The one result of an admin call on one thing."""
    (future,) = futures.values()
    return future.result(20)


def refused(code, call):
    try:
        call()
    except KafkaException as error:
        same("error code", KafkaError(code).name(), error.args[0].name())
        return
    raise AssertionError(f"wanted {KafkaError(code).name()}, but it succeeded")


def create(topic, partitions, **config):
    result(ADMIN.create_topics([NewTopic(topic, partitions, 1, config=config)]))


def producer(**more):
    return Producer({"bootstrap.servers": BOOTSTRAP, "log_level": 0, **{name.replace("_", "."): value for name, value in more.items()}})


def consumer(group, **more):
    return Consumer({"bootstrap.servers": BOOTSTRAP, "log_level": 0, "group.id": group, "auto.offset.reset": "earliest",
                     "enable.auto.commit": False, "session.timeout.ms": 10000, "heartbeat.interval.ms": 200,
                     "topic.metadata.refresh.interval.ms": 1000,
                     **{name.replace("_", "."): value for name, value in more.items()}})


def poll(reader):
    message = reader.poll(0.1)
    if message is None:
        return None
    if message.error():
        # While the broker restarts, librdkafka tells so and goes on by itself.
        if message.error().retriable() or message.error().code() in (KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT):
            return None
        raise KafkaException(message.error())
    return message


def read_all(topic):
    reader = consumer("confluent-reader")
    _, end = reader.get_watermark_offsets(TopicPartition(topic, 0), timeout=10)
    reader.assign([TopicPartition(topic, 0, 0)])
    messages = []
    deadline = time.monotonic() + 30
    while len(messages) < end:
        message = poll(reader)
        if message is not None:
            messages.append(message)
        elif time.monotonic() > deadline:
            raise AssertionError(f"read {len(messages)} of {end} in 30 s")
    reader.close()
    return messages


def verify(message, i):
    same("offset", i, message.offset())
    same(f"timestamp of {i}", (1, common.timestamp(i)), message.timestamp())
    same(f"key of {i}", common.key(i), message.key())
    same(f"value of {i}", common.value(i), message.value())
    same(f"headers of {i}", common.headers(i), message.headers())


def codec(name):
    topic = f"confluent-{name}"
    create(topic, 1)
    writer = producer(compression_type=name, linger_ms=20)
    errors = []
    for i in range(common.COUNT):
        writer.produce(topic, partition=0, key=common.key(i), value=common.value(i), headers=common.headers(i),
                       timestamp=common.timestamp(i), on_delivery=lambda error, _: errors.append(error) if error else None)
    same("unsent", 0, writer.flush(30))
    same("errors", [], errors)
    messages = read_all(topic)
    same("count", common.COUNT, len(messages))
    for i, message in enumerate(messages):
        verify(message, i)


def seek_by_time():
    reader = consumer("confluent-seek")
    wanted = TopicPartition("confluent-zstd", 0, common.timestamp(120) - 500)
    (found,) = reader.offsets_for_times([wanted], timeout=10)
    same("offset for time", 120, found.offset)
    reader.assign([found])
    message = None
    deadline = time.monotonic() + 20
    while message is None and time.monotonic() < deadline:
        message = poll(reader)
    verify(message, 120)
    reader.close()


class Sequence:
    """Numbered values, each produced once."""

    def __init__(self):
        self.next = 0

    def produce(self, topic, partitions, count):
        writer = producer()
        for _ in range(count):
            writer.produce(topic, partition=self.next % partitions, value=str(self.next))
            self.next += 1
        same("unsent", 0, writer.flush(30))


def member(group, topic, seen, **more):
    def loop(self):
        reader = consumer(group, **more)
        incremental = more.get("partition_assignment_strategy") == "cooperative-sticky"

        def assigned(_, partitions):
            added = {p.partition for p in partitions}
            self.owned = self.owned | added if incremental else frozenset(added)

        def revoked(_, partitions):
            commit()
            self.owned = self.owned - {p.partition for p in partitions}

        def commit():
            try:
                reader.commit(asynchronous=False)
            except KafkaException as error:
                if error.args[0].code() not in (KafkaError._NO_OFFSET, KafkaError.REBALANCE_IN_PROGRESS):
                    raise

        reader.subscribe([topic], on_assign=assigned, on_revoke=revoked)
        # Counted only once committed, so that a restart of the broker comes after the commit.
        pending = []
        while pending or not self.stopping.is_set():
            message = poll(reader)
            if message is not None:
                pending.append(message.value())
            elif pending:
                commit()
                seen.update(pending)
                pending = []
        reader.close()

    return common.Member(loop)


def group(name, **more):
    create(name, 6)
    numbers = Sequence()
    numbers.produce(name, 6, 60)
    seen = collections.Counter()
    first = member(name, name, seen, **more)
    wait_for("the first member reads all", lambda: len(seen) == 60 and len(first.owned) == 6)
    second = member(name, name, seen, **more)
    wait_for("two members own three each", lambda: len(first.owned) == len(second.owned) == 3)
    third = member(name, name, seen, **more)
    wait_for("three members own two each", lambda: len(first.owned) == len(second.owned) == len(third.owned) == 2)
    numbers.produce(name, 6, 60)
    wait_for("they read all", lambda: len(seen) == 120)
    first.close()
    second.close()
    wait_for("the last member owns all", lambda: len(third.owned) == 6)
    numbers.produce(name, 6, 60)
    wait_for("it reads the rest", lambda: len(seen) == 180)
    third.close()
    common.once(seen)
    offsets = ADMIN.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])[name].result(10)
    same("committed", 180, sum(partition.offset for partition in offsets.topic_partitions))
    numbers.produce(name, 6, 6)
    fresh = collections.Counter()
    again = member(name, name, fresh, **more)
    wait_for("a new member reads the rest", lambda: len(fresh) == 6)
    again.close()
    same("resumed from committed", set(), set(fresh) & set(seen))


def restart_group():
    create("confluent-restart", 3)
    numbers = Sequence()
    numbers.produce("confluent-restart", 3, 30)
    seen = collections.Counter()
    reader = member("confluent-restart", "confluent-restart", seen)
    wait_for("reads all", lambda: len(seen) == 30)
    broker("stop")
    numbers.produce("confluent-restart", 3, 30)
    wait_for("reads on", lambda: len(seen) == 60)
    reader.close()
    common.once(seen)


def idempotent():
    create("confluent-idempotent", 1)
    stopping = threading.Event()
    errors = []
    sent = 0

    def send():
        nonlocal sent
        writer = producer(enable_idempotence=True, linger_ms=2)
        while not stopping.is_set():
            writer.produce("confluent-idempotent", partition=0, value=str(sent),
                           on_delivery=lambda error, _: errors.append(error) if error else None)
            sent += 1
            writer.poll(0.001)
        same("unsent", 0, writer.flush(40))

    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(0.3)
    broker("kill")
    time.sleep(0.3)
    stopping.set()
    sender.join()
    same("failed sends", [], errors)
    got = [int(message.value()) for message in read_all("confluent-idempotent")]
    same("count", sent, len(got))
    same("values in order", list(range(sent)), got)


def admin():
    create("confluent-admin", 2, **{"retention.bytes": "4321"})
    refused(KafkaError.TOPIC_ALREADY_EXISTS, lambda: create("confluent-admin", 1))
    refused(KafkaError.TOPIC_EXCEPTION, lambda: create("bad name", 1))
    refused(KafkaError.INVALID_CONFIG, lambda: create("confluent-x", 1, **{"cleanup.policy": "nonsense"}))
    result(ADMIN.create_partitions([NewPartitions("confluent-admin", 3)]))
    wait_for("three partitions", lambda: len(ADMIN.list_topics("confluent-admin", 10).topics["confluent-admin"].partitions) == 3)
    resource = ConfigResource("topic", "confluent-admin")
    same("config", "4321", result(ADMIN.describe_configs([resource]))["retention.bytes"].value)
    change = ConfigResource("topic", "confluent-admin", incremental_configs=[
        ConfigEntry("retention.bytes", "1234", incremental_operation=AlterConfigOpType.SET)])
    result(ADMIN.incremental_alter_configs([change]))
    wait_for("config is changed", lambda: result(ADMIN.describe_configs([resource]))["retention.bytes"].value == "1234")
    partition = TopicPartition("confluent-zstd", 0)
    same("latest", common.COUNT, result(ADMIN.list_offsets({partition: OffsetSpec.latest()},
                                                           isolation_level=IsolationLevel.READ_UNCOMMITTED)).offset)
    same("max timestamp", common.COUNT - 1, result(ADMIN.list_offsets({partition: OffsetSpec.max_timestamp()})).offset)
    same("low watermark", 50, result(ADMIN.delete_records([TopicPartition("confluent-zstd", 0, 50)])).low_watermark)
    same("nodes", 1, len(ADMIN.describe_cluster().result(10).nodes))
    names = {item.group_id for item in ADMIN.list_consumer_groups().result(10).valid}
    same("groups", {"confluent-range", "confluent-cooperative"}, names & {"confluent-range", "confluent-cooperative"})
    state = result(ADMIN.describe_consumer_groups(["confluent-range"])).state.name
    same("state", "EMPTY", state)
    result(ADMIN.delete_consumer_groups(["confluent-range"]))
    refused(KafkaError.GROUP_ID_NOT_FOUND, lambda: result(ADMIN.delete_consumer_groups(["confluent-range"])))


def delete():
    result(ADMIN.delete_topics(["confluent-gzip"]))
    wait_for("topic is gone", lambda: "confluent-gzip" not in ADMIN.list_topics(timeout=10).topics)
    refused(KafkaError.UNKNOWN_TOPIC_OR_PART, lambda: result(ADMIN.delete_topics(["confluent-gzip"])))


check("create topic", lambda: create("confluent-create", 3))
for codec_name in ("none", "gzip", "snappy", "lz4", "zstd"):
    check(f"codec {codec_name}", lambda: codec(codec_name))
check("seek by time", seek_by_time)
check("idempotent producer over kill -9", idempotent)
check("group rebalances, range", lambda: group("confluent-range", partition_assignment_strategy="range"))
check("group rebalances, cooperative",
      lambda: group("confluent-cooperative", partition_assignment_strategy="cooperative-sticky"))
check("admin", admin)
check("group goes on over a restart", restart_group)
check("delete topic", delete)
common.say("end")
