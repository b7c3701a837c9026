#!/usr/bin/env python3
"""Our client beside librdkafka 2.12.1 on one moldau broker: `./dev bench client`.

    client.py [--quick] [--rounds N] [--rows PATTERN]... [--without-franz] [--without-limits] [--keep-figures FILE]

Prints one line a figure: `ratio NAME VALUE` is ours ÷ librdkafka's (records a second, records a processor second of the
client, milliseconds or megabytes), medians over rounds in which the two take turns; `ratio franz_go.NAME VALUE` the same
against franz-go, without a target; `value NAME X` needs no peer; `limit NAME VALUE` is what requests score that were made
before, printed where that leaves no room for the target. PATTERN is a shell pattern of names, such as 'produce.*'.

Both producers are idempotent, with acks=all, and get the same linger, batch size and room for what waits; both consumers
the same sizes of fetches and room for what was fetched, and neither compares checksums. Values are made alike in every
client, of words that recur and letters by chance (bench/client/values.hpp). The broker's directory is on tmpfs.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import machine  # noqa: E402
import peers  # noqa: E402
from figures import Figures, add_options, leaves_no_room  # noqa: E402
from machine import loop, raw  # noqa: E402

SIZES = {"100b": 100, "1k": 1024}
CODECS = ("none", "lz4", "zstd")
VARIANTS = [(f"{size}.{codec}", SIZES[size], codec) for size in SIZES for codec in CODECS]
# Name pattern, direction, target; the first that fits counts.
TARGETS = [("produce.per_cpu.*.none", ">=", 2), ("produce.wall.*.none", ">=", 1.3), ("produce.per_cpu.*", ">=", 1.2),
           ("produce.wall.*", ">=", 1.1), ("consume.per_cpu.*", ">=", 2), ("consume.wall.*", ">=", 1.1),
           ("latency.p99", "<=", 1), ("memory", "<=", 0.7), ("allocations_per_record.*", "<=", 0.001)]

PARTITIONS = 4
LINGER_MS = 5
BATCH_BYTES = 131072
BUFFER_BYTES = 64 << 20
# librdkafka by its own names; its batches are bounded by a number of records too, which must not be what ends them.
PRODUCER = {"enable.idempotence": "true", "linger.ms": LINGER_MS, "batch.size": BATCH_BYTES,
            "batch.num.messages": 1000000, "queue.buffering.max.kbytes": BUFFER_BYTES >> 10,
            "queue.buffering.max.messages": 10000000}
# As librdkafka has it by default; ours compares checksums by default.
CHECK_CRCS = "false"
# It looks only so often whether its queue has room again, a second by default: with a full queue that is all one measures.
CONSUMER = {"fetch.queue.backoff.ms": 1, "fetch.min.bytes": 1, "fetch.wait.max.ms": 500, "fetch.max.bytes": 52428800,
            "max.partition.fetch.bytes": 1048576, "queued.max.messages.kbytes": BUFFER_BYTES >> 10,
            "queued.min.messages": 1000000, "check.crcs": CHECK_CRCS}
LATENCY = {"producer.enable.idempotence": "true", "producer.linger.ms": 0, "consumer.fetch.min.bytes": 1}
LATENCY_RATE = 10000


class Sizes:
    def __init__(self, quick):
        self.records = {100: 1_000_000 if quick else 5_000_000, 1024: 200_000 if quick else 1_000_000}
        self.latency_seconds = 5 if quick else 20
        self.allocation_seconds = 2 if quick else 10
        self.raw_mb = 256 if quick else 1024


class Bench(Figures):
    """Figures of "moldau", "librdkafka", "franz_go" and "limit"."""

    def __init__(self, options):
        super().__init__(options)
        self.sizes = Sizes(options.quick)
        self.memory = tempfile.mkdtemp(prefix="moldau-bench-", dir="/dev/shm")
        self.clients = {"librdkafka": self.librdkafka, "moldau": self.moldau}
        if not options.without_franz:
            self.franz = peers.franz()
            self.clients["franz_go"] = self.franz_go

    def close(self):
        shutil.rmtree(self.memory, ignore_errors=True)

    def broker(self):
        return machine.Fresh("moldau", Path(tempfile.mkdtemp(prefix="broker-", dir=self.memory)),
                             {"log.retention.check.interval.ms": "1000"})

    # One run of a client: its line.

    # The first sixth is for warming up.

    def moldau(self, what, broker, topic, size, codec, count):
        if what == "produce":
            return machine.client("produce", broker, topic, partitions=PARTITIONS, record_bytes=size, records=count,
                                  warm_records=count // 5, codec=codec, linger_ms=LINGER_MS, batch_bytes=BATCH_BYTES,
                                  buffer_bytes=BUFFER_BYTES)
        return machine.client("consume", broker, topic, partitions=PARTITIONS, records=count,
                              warm_records=count // 5, prefetch_bytes=BUFFER_BYTES, check_crcs=CHECK_CRCS)

    def librdkafka(self, what, broker, topic, size, codec, count):
        given = {**PRODUCER, "compression.codec": codec} if what == "produce" else CONSUMER
        return loop(what, broker, topic, PARTITIONS, size, count, f"warm={count // 5}",
                    *(f"{name}={value}" for name, value in given.items()))

    def franz_go(self, what, broker, topic, size, codec, count):
        return machine.run_json(self.franz, what, broker.bootstrap, topic, PARTITIONS, size, count,
                                count // 5, codec, LINGER_MS, BATCH_BYTES, BUFFER_BYTES)

    # Each of these is one round of a group of rows.

    def rate_rows(self, number):
        for name, size, codec in VARIANTS:
            rows = {what: (f"{what}.wall.{name}", f"{what}.per_cpu.{name}") for what in ("produce", "consume")}
            memory = ("memory", "memory.consume") if name == "1k.none" else ()
            if not self.any_wanted(*rows["produce"], *rows["consume"], *memory):
                continue
            count = self.sizes.records[size]
            for who in self.turns(number):
                # Its own topic for each: whoever reads later doesn't read what another has warmed.
                with self.broker() as broker:
                    machine.make_topic(broker, "load", PARTITIONS)
                    for what in ("produce", "consume"):
                        if what == "produce" or self.any_wanted(*rows["consume"], *memory):
                            done = self.clients[who](what, broker, "load", size, codec, count)
                            self.note(rows[what][0], who, done["records"] / done["seconds"])
                            self.note(rows[what][1], who, done["records"] / done["cpu_seconds"])
                            if memory:
                                self.note(memory[what == "consume"], who, done["peak_rss_mb"])

    def turns(self, number):
        # Who begins changes from round to round, so that nobody always has the warmer machine.
        names = list(self.clients)
        at = number % len(names)
        return names[at:] + names[:at]

    def limits(self):
        """One connection with as many requests as the clients have; the processor time is the sending program's."""
        for label, size in SIZES.items():
            rows = [f"{what}.{unit}.{label}.none" for what in ("produce", "consume") for unit in ("wall", "per_cpu")]
            if not self.any_wanted(*rows):
                continue
            shape = {"partitions": PARTITIONS, "record_bytes": size, "batch_bytes": BATCH_BYTES, "connections": 1,
                     "megabytes": self.sizes.raw_mb, "warm_megabytes": 64}
            with self.broker() as broker:
                raw("create", broker, "raw", partitions=PARTITIONS)
                for what, more in (("produce", {"in_flight": 5}), ("fetch", {"fetches_in_flight": 2})):
                    done = raw(what, broker, "raw", **shape, **more)
                    named = "consume" if what == "fetch" else what
                    self.note(f"{named}.wall.{label}.none", "limit", done["records"] / done["seconds"])
                    # The part before the measured one costs the program as much a record.
                    whole = done["records"] * (1 + 64 / self.sizes.raw_mb)
                    self.note(f"{named}.per_cpu.{label}.none", "limit", whole / done["process_cpu_seconds"])

    def latency(self, number):
        if not self.any_wanted("latency.p99", "latency.p50"):
            return
        count = LATENCY_RATE * self.sizes.latency_seconds
        for who in [name for name in self.turns(number) if name != "franz_go"]:
            with self.broker() as broker:
                machine.make_topic(broker, "late", 1)
                if who == "moldau":
                    done = machine.client("latency", broker, "late", partitions=1, record_bytes=100, records=count,
                                          rate=LATENCY_RATE, linger_ms=0)
                else:
                    done = loop("e2e", broker, "late", 1, 100, count, f"rate={LATENCY_RATE}",
                                *(f"{name}={value}" for name, value in LATENCY.items()))
                self.note("latency.p99", who, done["p99_ms"])
                self.note("latency.p50", who, done["p50_ms"])

    def allocations(self):
        for label, size in SIZES.items():
            produced, consumed = (f"allocations_per_record.{what}.{label}" for what in ("produce", "consume"))
            if not self.any_wanted(produced, consumed):
                continue
            with self.broker() as broker:
                machine.make_topic(broker, "load", PARTITIONS)
                few = self.sizes.records[size]
                done = self.moldau("produce", broker, "load", size, "none", few)
                many = max(few, int(done["records"] / done["seconds"] * self.sizes.allocation_seconds))
                # Old records go as new ones come: so long a run wouldn't fit into memory.
                machine.make_topic(broker, "passing", PARTITIONS, retention_bytes=64 << 20, segment_bytes=16 << 20)
                done = self.moldau("produce", broker, "passing", size, "none", many)
                self.note(produced, "moldau", done["allocations_per_record"])
                if self.wanted(consumed):
                    done = self.moldau("consume", broker, "load", size, "none", few)
                    self.note(consumed, "moldau", done["allocations_per_record"])

    def round(self, number):
        if not self.options.without_limits:
            self.limits()
        self.rate_rows(number)
        self.latency(number)
        self.allocations()

    def report(self):
        for name in sorted(self.figures):
            ours = self.median(name, "moldau")
            if ours is None:
                continue
            theirs = self.median(name, "librdkafka")
            if theirs is None:
                print(f"value {name} {ours:.4g}")
                continue
            print(f"ratio {name} {ours / theirs:.3g}")
            bound = self.median(name, "limit")
            if bound is not None and leaves_no_room(TARGETS, name, bound / theirs):
                print(f"limit {name} {bound / theirs:.3g}")
            franz = self.median(name, "franz_go")
            if franz is not None:
                print(f"ratio franz_go.{name} {ours / franz:.3g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add_options(parser)
    parser.add_argument("--without-franz", action="store_true", help="without franz-go, which is only reported")
    parser.add_argument("--without-limits", action="store_true")
    options = parser.parse_args()
    if not os.path.exists(machine.release_binary("bench_client")):
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
    except (machine.brokers.BrokerFailed, subprocess.SubprocessError) as failed:
        raise SystemExit(f"bench: {failed}")
