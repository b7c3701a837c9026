"""kill -9 in a loop under load: what was acknowledged is there, once, in order, and no committed offset goes back.

MOLDAU_KILLS says how often (5 without it).
"""

import os
import time
import unittest

from faults import FaultTest, Load, check_records, run

KILLS = int(os.environ.get("MOLDAU_KILLS") or 5)
TOPICS = {
    # Small segments, and indexes that are full soon, so that kills meet rolls.
    "plain": ["-c", "segment.bytes=1048576", "-c", "segment.index.bytes=160"],
    # No key comes twice, so compaction may take nothing away.
    "compacted": ["-c", "cleanup.policy=compact", "-c", "segment.bytes=1048576", "-c", "segment.index.bytes=160",
                  "-c", "min.cleanable.dirty.ratio=0.01"],
    "zipped": ["-c", "segment.bytes=1048576"],
}
PARTITIONS = 3
GROUP = "followers"
PROPERTIES = {
    "log.flush.offset.checkpoint.interval.ms": "300",
    "log.cleaner.backoff.ms": "200",
    "metadata.log.max.snapshot.interval.ms": "1000",
    "offsets.topic.num.partitions": "2",
}


class Kills(FaultTest):
    def setUp(self):
        super().setUp()
        self.broker = self.broker_on(self.folder / "broker", PROPERTIES)
        self.committed = {}
        self.made = set()

    def group(self):
        described, = self.tool(self.broker, "--output", "json", "group", "describe", GROUP).json
        return {(p["topic"], p["partition"]): p for p in described["partitions"]}

    def check_commits(self, consumers):
        promised = dict(consumers.read().committed)
        found = {place: p["committed"] for place, p in self.group().items() if p["committed"] is not None}
        for before in (promised, self.committed):
            back = {place: (at, found.get(place)) for place, at in before.items() if found.get(place, -1) < at}
            self.assertEqual(back, {}, "committed offsets have gone back: (before, now)")
        self.committed = found

    def make_topic(self, number):
        name = f"made-{number}"
        self.tool(self.broker, "topic", "create", name, "-p", 1)
        self.made.add(name)

    def kill(self):
        """At some moment, now and then again while the broker starts; then it is started."""
        time.sleep(self.random.uniform(0.1, 1.5))
        self.assertTrue(self.broker.alive(), self.broker.log_tail())
        self.broker.kill()
        while self.random.random() < 0.25:
            self.broker.launch()
            time.sleep(self.random.uniform(0, 0.1))
            self.broker.kill()
        self.broker.start()

    def test_what_was_promised_holds(self):
        self.broker.start()
        for topic, configs in TOPICS.items():
            self.tool(self.broker, "topic", "create", topic, "-p", PARTITIONS, *configs)
        producers = [Load.produce(self, self.broker, {"plain": PARTITIONS, "compacted": PARTITIONS}, "producer"),
                     Load.produce(self, self.broker, {"zipped": PARTITIONS}, "zipped", codec="zstd", burst=10)]
        consumers = Load.consume(self, self.broker, GROUP, TOPICS)
        self.until("the group commits", lambda: len(consumers.read().committed) >= PARTITIONS * len(TOPICS))
        for number in range(KILLS):
            for producer in producers:
                producer.goes_on()
            self.check_commits(consumers)
            if number % 3 == 0:
                self.make_topic(number)
            self.kill()
        self.check_commits(consumers)

        for producer in producers:
            producer.goes_on()
            producer.finish()
        self.until("the group has read everything", lambda: all(p["lag"] == 0 for p in self.group().values()))
        self.check_commits(consumers)
        consumers.finish()
        self.broker.restart(hard=True)
        listed = {t["name"] for t in self.tool(self.broker, "--output", "json", "topic", "list").json}
        self.assertLessEqual(self.made | set(TOPICS), listed)
        for producer in producers:
            check_records(self, self.broker, producer)
        ends = {place: p["end"] for place, p in self.group().items()}
        self.assertEqual({place: p["committed"] for place, p in self.group().items()}, ends)
        self.broker.stop()
        done = run("log", "verify", self.broker.data)
        self.assertEqual(done.code, 0, done.out + done.err)
        print(f"{KILLS} kills, {sum(p.count() for p in producers)} records acknowledged", flush=True)


if __name__ == "__main__":
    unittest.main()
