"""Members of groups on confluent-kafka, which lines on standard input let join and leave; see client_mixed.py."""

import sys
import threading

from confluent_kafka import Consumer, KafkaError, KafkaException

BOOTSTRAP = sys.argv[1]
OUTPUT = threading.Lock()


def say(line):
    with OUTPUT:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


class Member(threading.Thread):
    def __init__(self, name, group, strategy, topic, instance=None):
        super().__init__(daemon=True)
        self.title = name
        self.topic = topic
        self.stopping = threading.Event()
        self.owned = set()
        more = {"group.instance.id": instance} if instance else {}
        self.consumer = Consumer({"bootstrap.servers": BOOTSTRAP, "log_level": 0, "group.id": group,
                                  "auto.offset.reset": "earliest", "enable.auto.commit": False,
                                  "session.timeout.ms": 10000, "heartbeat.interval.ms": 200,
                                  "partition.assignment.strategy": strategy, **more})
        self.start()

    def run(self):
        try:
            self.consumer.subscribe([self.topic])
            while not self.stopping.is_set():
                self.step()
            self.consumer.close()
            say(f"left {self.title}")
        except Exception as error:
            say(f"failed {self.title} {type(error).__name__} {error}")

    def step(self):
        messages = self.consumer.consume(500, 0.05)
        for message in messages:
            if message.error():
                raise KafkaException(message.error())
        if messages:
            try:
                self.consumer.commit(asynchronous=False)
            except KafkaException as error:
                if error.args[0].code() not in (KafkaError._NO_OFFSET, KafkaError.REBALANCE_IN_PROGRESS):
                    raise
        for message in messages:
            say(f"read {self.title} {message.partition()} {message.value().decode()}")
        now = {partition.partition for partition in self.consumer.assignment()}
        if now != self.owned:
            self.owned = now
            say(f"owned {self.title} {','.join(map(str, sorted(now))) or '-'}")


members = {}
for line in sys.stdin:
    what, name, *more = line.split()
    if what == "join":
        members[name] = Member(name, *more)
    elif what == "leave":
        member = members.pop(name)
        member.stopping.set()
        member.join()
