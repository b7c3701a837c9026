"""aiokafka: the protocol in Python, on asyncio."""

import asyncio
import collections
import logging
import sys

import common
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import for_code
from common import same

BOOTSTRAP = sys.argv[1]
ADMIN = None


async def wait_for(what, condition, seconds=30):
    async def ask():
        while not condition():
            await asyncio.sleep(0.01)

    try:
        await asyncio.wait_for(ask(), seconds)
    except asyncio.TimeoutError:
        raise AssertionError(f"not within {seconds} s: {what}") from None


async def broker(how):
    await asyncio.get_running_loop().run_in_executor(None, common.broker, how)


def raise_for(response):
    for topic in getattr(response, "topic_errors", None) or getattr(response, "topic_error_codes", []):
        if topic[1]:
            raise for_code(topic[1])(topic)


async def create(topic, partitions, **config):
    raise_for(await ADMIN.create_topics([NewTopic(topic, partitions, 1, topic_configs=config)]))


async def refused(name, call):
    try:
        await call
    except Exception as error:
        same("error", name, type(error).__name__)
        return
    raise AssertionError(f"wanted {name}, but it succeeded")


def producer(**more):
    return AIOKafkaProducer(bootstrap_servers=BOOTSTRAP, acks="all", **more)


def consumer(*topics, **more):
    return AIOKafkaConsumer(*topics, bootstrap_servers=BOOTSTRAP, auto_offset_reset="earliest", enable_auto_commit=False,
                            session_timeout_ms=10000, heartbeat_interval_ms=200, metadata_max_age_ms=1000,
                            retry_backoff_ms=50, **more)


async def read_all(topic):
    partition = TopicPartition(topic, 0)
    messages = []
    async with consumer() as reader:
        reader.assign([partition])
        await reader.seek_to_beginning(partition)
        end = (await reader.end_offsets([partition]))[partition]
        while await reader.position(partition) < end:
            for found in (await asyncio.wait_for(reader.getmany(timeout_ms=200), 30)).values():
                messages += found
    return messages


def verify(message, i):
    same("offset", i, message.offset)
    same(f"timestamp of {i}", common.timestamp(i), message.timestamp)
    same(f"key of {i}", common.key(i), message.key)
    same(f"value of {i}", common.value(i), message.value)
    same(f"headers of {i}", tuple(common.headers(i, b"")), tuple(message.headers))


async def codec(name):
    topic = f"aiokafka-{name}"
    await create(topic, 1)
    async with producer(compression_type=None if name == "none" else name, linger_ms=20) as writer:
        sent = [await writer.send(topic, partition=0, key=common.key(i), value=common.value(i),
                                  headers=common.headers(i, b""), timestamp_ms=common.timestamp(i))
                for i in range(common.COUNT)]
        same("offsets", list(range(common.COUNT)), [(await future).offset for future in sent])
    messages = await read_all(topic)
    same("count", common.COUNT, len(messages))
    for i, message in enumerate(messages):
        verify(message, i)


async def seek_by_time():
    partition = TopicPartition("aiokafka-zstd", 0)
    async with consumer() as reader:
        reader.assign([partition])
        found = (await reader.offsets_for_times({partition: common.timestamp(120) - 500}))[partition]
        same("offset for time", 120, found.offset)
        same("its timestamp", common.timestamp(120), found.timestamp)
        reader.seek(partition, found.offset)
        verify(await asyncio.wait_for(reader.getone(), 20), 120)


class Member(ConsumerRebalanceListener):
    """A consumer that a task of its own polls."""

    def __init__(self, group, topic, seen):
        self.owned = set()
        self.seen = seen
        self.reader = consumer(group_id=group, partition_assignment_strategy=(RangePartitionAssignor,))
        self.reader.subscribe([topic], listener=self)
        self.task = asyncio.create_task(self.loop())

    async def on_partitions_revoked(self, revoked):
        if revoked:
            await self.reader.commit()
        self.owned = set()

    async def on_partitions_assigned(self, assigned):
        self.owned = set(assigned)

    async def loop(self):
        await self.reader.start()
        async for message in self.reader:
            self.seen[message.value] += 1

    async def close(self):
        if self.task.done():
            self.task.result()
        await self.reader.commit()
        await self.reader.stop()
        self.task.cancel()


class Sequence:
    def __init__(self):
        self.next = 0

    async def produce(self, topic, partitions, count):
        async with producer() as writer:
            for _ in range(count):
                await writer.send(topic, str(self.next).encode(), partition=self.next % partitions)
                self.next += 1


async def group():
    name = "aiokafka-group"
    await create(name, 6)
    numbers = Sequence()
    await numbers.produce(name, 6, 60)
    seen = collections.Counter()
    first = Member(name, name, seen)
    await wait_for("the first member reads all", lambda: len(seen) == 60 and len(first.owned) == 6)
    second = Member(name, name, seen)
    await wait_for("two members own three each", lambda: len(first.owned) == len(second.owned) == 3)
    await numbers.produce(name, 6, 60)
    await wait_for("they read all", lambda: len(seen) == 120)
    await first.close()
    await wait_for("the last member owns all", lambda: len(second.owned) == 6)
    await numbers.produce(name, 6, 60)
    await wait_for("it reads the rest", lambda: len(seen) == 180)
    await second.close()
    common.once(seen)
    offsets = await ADMIN.list_consumer_group_offsets(name)
    same("committed", 180, sum(found.offset for found in offsets.values()))
    await numbers.produce(name, 6, 6)
    fresh = collections.Counter()
    again = Member(name, name, fresh)
    await wait_for("a new member reads the rest", lambda: len(fresh) == 6)
    await again.close()
    same("resumed from committed", set(), set(fresh) & set(seen))


async def restart_group():
    await create("aiokafka-restart", 3)
    numbers = Sequence()
    await numbers.produce("aiokafka-restart", 3, 30)
    seen = collections.Counter()
    reader = Member("aiokafka-restart", "aiokafka-restart", seen)
    await wait_for("reads all", lambda: len(seen) == 30)
    await reader.reader.commit()
    await broker("stop")
    await numbers.produce("aiokafka-restart", 3, 30)
    await wait_for("reads on", lambda: len(seen) == 60)
    await reader.close()
    common.once(seen)


async def idempotent():
    await create("aiokafka-idempotent", 1)
    stopping = asyncio.Event()
    sent = []

    async def send():
        async with producer(enable_idempotence=True, linger_ms=2, retry_backoff_ms=50) as writer:
            while not stopping.is_set():
                sent.append(await writer.send("aiokafka-idempotent", str(len(sent)).encode(), partition=0))
                await asyncio.sleep(0.001)
            same("offsets", list(range(len(sent))), [(await future).offset for future in sent])

    sender = asyncio.create_task(send())
    await asyncio.sleep(0.3)
    await broker("kill")
    await asyncio.sleep(0.3)
    stopping.set()
    await asyncio.wait_for(sender, 60)
    got = [int(message.value) for message in await read_all("aiokafka-idempotent")]
    same("values in order", list(range(len(sent))), got)


async def admin():
    await create("aiokafka-admin", 2, **{"retention.bytes": "4321"})
    await refused("TopicAlreadyExistsError", create("aiokafka-admin", 1))
    await refused("InvalidTopicError", create("bad name", 1))
    await ADMIN.create_partitions({"aiokafka-admin": NewPartitions(3)})
    (described,) = await ADMIN.describe_topics(["aiokafka-admin"])
    same("partitions", 3, len(described["partitions"]))
    (answer,) = await ADMIN.describe_configs([ConfigResource(ConfigResourceType.TOPIC, "aiokafka-admin")])
    same("config", "4321", {entry[0]: entry[1] for entry in answer.resources[0][4]}["retention.bytes"])
    same("brokers", 1, len((await ADMIN.describe_cluster())["brokers"]))
    names = {found[0] for found in await ADMIN.list_consumer_groups()}
    same("group is listed", True, "aiokafka-group" in names)


async def delete():
    raise_for(await ADMIN.delete_topics(["aiokafka-gzip"]))
    same("still listed", False, "aiokafka-gzip" in await ADMIN.list_topics())


async def main():
    # A broker that restarts is expected here; the checks tell what matters.
    logging.disable(logging.CRITICAL)
    global ADMIN
    ADMIN = AIOKafkaAdminClient(bootstrap_servers=BOOTSTRAP)
    await ADMIN.start()
    checks = [("create topic", lambda: create("aiokafka-create", 3))]
    for name in ("none", "gzip", "snappy", "lz4", "zstd"):
        checks.append((f"codec {name}", lambda name=name: codec(name)))
    checks += [("seek by time", seek_by_time), ("idempotent producer over kill -9", idempotent),
               ("group rebalances", group), ("group goes on over a restart", restart_group), ("admin", admin),
               ("delete topic", delete)]
    for name, step in checks:
        if not common.wanted(name):
            continue
        try:
            await step()
        except Exception as error:
            common.failed(name, error)
        else:
            common.say(f"ok {name}")
    await ADMIN.close()
    common.say("end")


asyncio.run(main())
