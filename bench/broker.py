#!/usr/bin/env python3
"""moldau beside Apache Kafka 4.3.1 on this machine: `./dev bench broker`.

    broker.py [--quick] [--rounds N] [--rows PATTERN]... [--without-kafka] [--java] [--keep-figures FILE]

Prints one line a figure: `ratio NAME VALUE` is ours ÷ Kafka's (records a second, processor seconds, milliseconds or
megabytes), medians over rounds in which the two brokers take turns; `value NAME X` needs no peer; `limit NAME VALUE`
is what a bare loop over the same device would score, printed where it leaves no room for the target. Our acks=all waits
for the disk, Kafka's doesn't. PATTERN is a shell pattern of names, such as 'produce.raw.*'.

`*.raw.*` and `cpu_per_gb.*` run on tmpfs, all else in build/bench on the real disk.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import machine  # noqa: E402
from figures import Figures, add_options, leaves_no_room  # noqa: E402
from machine import Broker, limit, loop, raw  # noqa: E402

GB = 1 << 30
VARIANTS = [(f"{label}.{partitions}p", size, partitions) for label, size in (("100b", 100), ("1k", 1000))
            for partitions in (1, 8)]
# Name pattern, direction, target.
TARGETS = [("produce.raw.*", ">=", 2), ("fetch.raw.*", ">=", 2), ("produce.disk_share.*", ">=", 0.9),
           ("cpu_per_gb.*", "<=", 0.35), ("produce.librdkafka.*", ">=", 1.3), ("consume.librdkafka.*", ">=", 1.1),
           ("e2e.p99", "<=", 0.33), ("memory.load", "<=", 0.1), ("start.recovery_1000p", "<=", 0.1),
           ("memory.idle_mb", "<=", 30), ("start.ms", "<=", 50)]


class Sizes:
    def __init__(self, quick):
        self.raw_mb = 512 if quick else 1024
        self.warm_mb = 256 if quick else 1024
        self.disk_mb = 512 if quick else 2048
        self.records_100b = 1_000_000 if quick else 5_000_000
        self.records_1k = 300_000 if quick else 1_000_000
        self.e2e_seconds = 6 if quick else 20
        self.recovery_partitions = 100 if quick else 1000
        self.java_records = 200_000 if quick else 1_000_000


class Bench(Figures):
    """Figures of each kind of broker, or of a loop."""

    def __init__(self, options):
        super().__init__(options)
        self.sizes = Sizes(options.quick)
        self.kinds = ["moldau"] if options.without_kafka else ["kafka", "moldau"]
        disk = machine.ROOT / "build" / "bench"
        disk.mkdir(parents=True, exist_ok=True)
        self.disk = tempfile.mkdtemp(prefix="disk-", dir=disk)
        self.memory = tempfile.mkdtemp(prefix="moldau-bench-", dir="/dev/shm")

    def close(self):
        for folder in (self.disk, self.memory):
            shutil.rmtree(folder, ignore_errors=True)

    def broker(self, kind, folder, properties=None):
        """A fresh one; its folder goes when it is done."""
        return machine.Fresh(kind, Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=folder)), properties)

    # Each of these is one round of a group of rows.

    def raw_rows(self, kind):
        variants = [v for v in VARIANTS if self.any_wanted(*(f"{row}.{v[0]}" for row in RAW_ROWS))]
        if not variants:
            return
        with self.broker(kind, self.memory) as broker:
            warm_up(broker, self.sizes.warm_mb)
            for name, size, partitions in variants:
                shape = {"partitions": partitions, "record_bytes": size, "megabytes": self.sizes.raw_mb}
                topic = f"raw-{name}"
                raw("create", broker, topic, partitions=partitions)
                done = raw("produce", broker, topic, **shape)
                self.note(f"produce.raw.{name}", kind, done["records"] / done["seconds"])
                self.note(f"cpu_per_gb.produce.{name}", kind, done["cpu_seconds"] / (done["bytes"] / GB))
                if self.any_wanted(f"fetch.raw.{name}", f"cpu_per_gb.consume.{name}"):
                    done = raw("fetch", broker, topic, **{**shape, "megabytes": 4 * self.sizes.raw_mb})
                    self.note(f"fetch.raw.{name}", kind, done["records"] / done["seconds"])
                    self.note(f"cpu_per_gb.consume.{name}", kind, done["cpu_seconds"] / (done["bytes"] / GB))

    def raw_limits(self):
        """In records a second, as the rows, by the share of a batch that is records' bytes of overhead and all."""
        if self.any_wanted(*(f"{row}.{v[0]}" for row in RAW_ROWS for v in VARIANTS)):
            for partitions in (1, 8):
                # As the readers of the rows: all of one partition, or each of its own.
                sent = limit("sendfile", directory=self.memory, megabytes=4 * self.sizes.raw_mb,
                             apart=int(partitions > 1))
                written = limit("write", directory=self.memory, files=partitions, megabytes=self.sizes.raw_mb)
                for name, size, of in VARIANTS:
                    if of != partitions:
                        continue
                    self.note(f"fetch.raw.{name}", "limit", rate(sent) / record_in_batch(size))
                    self.note(f"produce.raw.{name}", "limit", rate(written) / record_in_batch(size))
                    self.note(f"cpu_per_gb.consume.{name}", "limit", sent["cpu_seconds"] / (sent["bytes"] / GB))
                    self.note(f"cpu_per_gb.produce.{name}", "limit", written["cpu_seconds"] / (written["bytes"] / GB))

    def disk_share(self):
        """The write loop takes turns with the broker, a variant at a time."""
        for name, size, partitions in VARIANTS:
            row = f"produce.disk_share.{name}"
            if not self.wanted(row):
                continue
            written = limit("write", directory=self.disk, files=partitions, megabytes=self.sizes.disk_mb)
            self.note(row, "loop", rate(written))
            with self.broker("moldau", self.disk) as broker:
                raw("create", broker, "share", partitions=partitions)
                done = raw("produce", broker, "share", partitions=partitions, record_bytes=size, connections=4,
                           in_flight=64, batch_bytes=65536, megabytes=self.sizes.disk_mb)
                self.note(row, "moldau", rate(done))

    def librdkafka_rows(self, kind):
        def rows(name):
            own = [f"produce.librdkafka.{name}", f"consume.librdkafka.{name}"]
            return own + ["memory.load"] if name == "1k.8p" else own

        variants = [v for v in VARIANTS if self.any_wanted(*rows(v[0]))]
        if not variants:
            return
        with self.broker(kind, self.disk) as broker:
            raw("create", broker, "warm", partitions=8)
            loop("produce", broker, "warm", 8, 1000, self.sizes.records_1k // 4)
            loop("consume", broker, "warm", 8, 1000, self.sizes.records_1k // 4)
            for name, size, partitions in variants:
                count = self.sizes.records_100b if size == 100 else self.sizes.records_1k
                topic = f"loop-{name}"
                raw("create", broker, topic, partitions=partitions)
                broker.forget_peak()
                done = loop("produce", broker, topic, partitions, size, count)
                self.note(f"produce.librdkafka.{name}", kind, done["records"] / done["seconds"])
                if name == "1k.8p":
                    self.note("memory.load", kind, broker.status_mb("VmHWM"))
                if self.wanted(f"consume.librdkafka.{name}"):
                    # Its first half second goes by in librdkafka itself, before it asks any broker for anything.
                    warm = count // 10
                    done = loop("consume", broker, topic, partitions, size, count - warm, f"warm={warm}")
                    self.note(f"consume.librdkafka.{name}", kind, done["records"] / done["seconds"])

    def librdkafka_limits(self):
        for name, size, partitions in VARIANTS:
            row = f"produce.librdkafka.{name}"
            if self.wanted(row):
                written = limit("write", directory=self.disk, files=partitions, megabytes=self.sizes.disk_mb)
                self.note(row, "limit", rate(written) / record_in_batch(size))

    def e2e(self, kind):
        if not self.wanted("e2e.p99"):
            return
        with self.broker(kind, self.disk) as broker:
            raw("create", broker, "e2e", partitions=1)
            done = loop("e2e", broker, "e2e", 1, 100, 5000 * self.sizes.e2e_seconds, "rate=5000")
            self.note("e2e.p99", kind, done["p99_ms"])
            self.note("e2e.p50", kind, done["p50_ms"])

    def e2e_limit(self):
        if self.wanted("e2e.p99"):
            done = limit("append", directory=self.disk, bytes=100, rate=5000, seconds=self.sizes.e2e_seconds // 2)
            self.note("e2e.p99", "limit", done["p99_ms"])

    def recovery(self, kind):
        if not self.wanted("start.recovery_1000p"):
            return
        with self.broker(kind, self.disk) as broker:
            partitions = self.sizes.recovery_partitions
            raw("create", broker, "many", partitions=partitions)
            # 4 MB a partition; a hundred partitions a request would do as well, but one is less to say.
            raw("produce", broker, "many", partitions=partitions, record_bytes=1000, batch_bytes=65536, connections=1,
                in_flight=1, megabytes=4 * partitions, warm_megabytes=1)
            broker.kill()
            begun = time.monotonic()
            broker.start()
            raw("create", broker, "many", partitions=partitions)
            self.note("start.recovery_1000p", kind, (time.monotonic() - begun) * 1000)

    def own_values(self):
        if not self.any_wanted("memory.idle_mb", "start.ms", "start.again_ms"):
            return
        folder = Path(tempfile.mkdtemp(prefix="own-", dir=self.disk))
        broker = Broker("moldau", folder)
        try:
            self.note("start.ms", "moldau", broker.start_timed())
            # What a start still has to do afterwards is over by then.
            time.sleep(2)
            self.note("memory.idle_mb", "moldau", broker.status_mb("VmRSS"))
            broker.stop()
            self.note("start.again_ms", "moldau", broker.start_timed())
        finally:
            broker.kill()
            shutil.rmtree(folder, ignore_errors=True)

    def java_rows(self, kind):
        if not self.options.java:
            return
        with self.broker(kind, self.disk) as broker:
            for name, size, partitions in VARIANTS:
                raw("create", broker, f"java-{name}", partitions=partitions)
                out = machine.java("producer", "--topic", f"java-{name}", "--num-records", self.sizes.java_records,
                                   "--record-size", size, "--throughput", -1, "--producer-props",
                                   f"bootstrap.servers={broker.bootstrap}", "acks=all")
                self.note(f"java.produce.{name}", kind, float(re.findall(r"([\d.]+) records/sec", out)[-1]))
                out = machine.java("consumer", "--bootstrap-server", broker.bootstrap, "--topic", f"java-{name}",
                                   "--messages", self.sizes.java_records)
                fields = out.strip().splitlines()[-1].split(",")
                self.note(f"java.consume.{name}", kind, float(fields[5]))

    def round(self, number):
        # Who begins changes from round to round, so that neither always has the warmer machine.
        kinds = self.kinds if number % 2 == 0 else self.kinds[::-1]
        for group, its_limit in ((self.raw_rows, self.raw_limits), (self.librdkafka_rows, self.librdkafka_limits),
                                 (self.e2e, self.e2e_limit), (self.recovery, None), (self.java_rows, None)):
            if its_limit and not self.options.without_limits:
                its_limit()
            for kind in kinds:
                group(kind)
        self.disk_share()
        self.own_values()

    def report(self):
        for name in sorted(self.figures):
            ours, kafka = self.median(name, "moldau"), self.median(name, "kafka")
            if ours is None:
                continue
            against = self.median(name, "loop") if name.startswith("produce.disk_share") else kafka
            if against is None:
                print(f"value {name} {ours:.4g}")
                continue
            print(f"ratio {name} {ours / against:.3g}")
            bound = self.median(name, "limit")
            if bound is not None and leaves_no_room(TARGETS, name, bound / against):
                print(f"limit {name} {bound / against:.3g}")


RAW_ROWS = ("produce.raw", "fetch.raw", "cpu_per_gb.produce", "cpu_per_gb.consume")


def rate(done):
    return done["bytes"] / done["seconds"]


def record_in_batch(size):
    """Bytes that a record takes in a batch: length, attributes, timestamp and offset deltas, no key, value, headers."""
    return size + 8


def warm_up(broker, megabytes):
    """Java's compiler has seen all paths by then."""
    for size, partitions in ((100, 8), (1000, 1)):
        topic = f"warm-{size}"
        raw("create", broker, topic, partitions=partitions)
        shape = {"partitions": partitions, "record_bytes": size, "megabytes": megabytes}
        raw("produce", broker, topic, **shape)
        raw("fetch", broker, topic, **shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--without-kafka", action="store_true")
    parser.add_argument("--without-limits", action="store_true")
    parser.add_argument("--java", action="store_true", help="Kafka's own performance tools too")
    options = parser.parse_args()
    if not os.path.exists(machine.release_binary("moldau")):
        raise SystemExit("there is no release binary; ./dev bench builds it")
    bench = Bench(options)
    try:
        for number in range(options.rounds or (1 if options.quick else 5)):
            bench.round(number)
    finally:
        bench.close()
        bench.keep()
    bench.report()


if __name__ == "__main__":
    try:
        main()
    except (machine.brokers.BrokerFailed, subprocess.TimeoutExpired) as failed:
        raise SystemExit(f"bench: {failed}")
