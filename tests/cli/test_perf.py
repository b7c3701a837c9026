import json
import unittest

from tool import WithBroker


class Perf(WithBroker):
    def perf(self, *words):
        return self.ok("--output", "json", "perf", *words).json

    def ends(self, topic):
        """How many records each partition holds."""
        lines = self.ok("consume", topic, "-e", "-f", "%p\\n").lines
        return {partition: lines.count(partition) for partition in set(lines)}

    def test_produce_sends_so_many_and_makes_the_topic(self):
        done = self.perf("produce", "-t", "made", "-n", 1000, "--record-size", 50, "-p", 3)
        self.assertEqual((done["records"], done["bytes"]), (1000, 50_000))
        self.assertGreater(done["records_per_second"], 0)
        self.assertIn(["made", "3", "1"], self.ok("topic", "list").rows)
        self.assertEqual(sum(self.ends("made").values()), 1000)
        self.assertEqual({len(line) for line in self.ok("consume", "made", "-e").lines}, {50})

    def test_percentiles_rise(self):
        latency = self.perf("produce", "-t", "rise", "-n", 2000, "-p", 1)["latency_ms"]
        self.assertEqual(list(latency), ["mean", "p50", "p95", "p99", "p99.9", "p99.99", "max"])
        rising = list(latency.values())[1:]
        self.assertEqual(rising, sorted(rising))
        self.assertGreater(latency["p50"], 0)

    def test_throughput_is_kept(self):
        done = self.perf("produce", "-t", "slow", "-n", 300, "--throughput", 300, "-p", 1)
        # The first at once and the last after 299 of 300 parts of a second.
        self.assertGreater(done["seconds"], 0.95)
        self.assertLess(done["records_per_second"], 330)

    def test_duration_ends_it(self):
        done = self.perf("produce", "-t", "short", "--duration", 0.5, "--throughput", 200, "-p", 1)
        self.assertLessEqual(done["sent"], 101)
        self.assertGreater(done["sent"], 10)

    def test_warm_up_is_not_counted(self):
        done = self.perf("produce", "-t", "warm", "-n", 500, "--warm-up", 400, "-p", 1)
        self.assertEqual((done["sent"], done["records"]), (500, 100))
        self.fails(2, "perf", "produce", "-t", "warm", "-n", 5, "--warm-up", 5)

    def test_payloads_of_a_file_in_turn_and_keys(self):
        path = self.folder / "payloads"
        path.write_text("one|two|three")
        self.perf("produce", "-t", "lines", "-n", 5, "--payload-file", path, "--payload-delimiter", "|", "--keys", 2,
                  "-p", 1, "-z", "zstd")
        found = [json.loads(line) for line in self.ok("consume", "lines", "-e", "--json").lines]
        self.assertEqual([(r["key"], r["value"]) for r in found],
                         [("key-0", "one"), ("key-1", "two"), ("key-0", "three"), ("key-1", "one"), ("key-0", "two")])

    def test_every_codec_and_acknowledgement(self):
        for codec in ("gzip", "snappy", "lz4", "zstd"):
            self.assertEqual(self.perf("produce", "-t", "codecs", "-n", 200, "-z", codec, "-p", 2)["records"], 200)
        for acks in ("all", "1", "0"):
            self.assertEqual(self.perf("produce", "-t", "codecs", "-n", 200, "--acks", acks)["records"], 200)
        self.assertEqual(self.perf("consume", "-t", "codecs", "-n", 1400)["records"], 1400)

    def test_a_topic_of_other_partitions_is_not_what_was_asked_for(self):
        self.ok("topic", "create", "two", "-p", 2)
        self.assertIn("has 2 partitions, not 3", self.fails(2, "perf", "produce", "-t", "two", "-n", 1, "-p", 3).err)
        self.assertIn("--partitions makes it", self.fails(1, "perf", "produce", "-t", "nowhere", "-n", 1).err)
        self.assertIn("--records or --duration", self.fails(2, "perf", "produce", "-t", "two").err)

    def test_records_that_are_refused_fail_the_run(self):
        self.ok("topic", "create", "narrow", "-p", 1, "-c", "max.message.bytes=1000")
        done = self.fails(1, "perf", "produce", "-t", "narrow", "-n", 10, "--record-size", 5000)
        self.assertIn("were not delivered", done.err)

    def test_consume_reads_to_the_end_or_so_many(self):
        self.perf("produce", "-t", "read", "-n", 3000, "-p", 4)
        done = self.perf("consume", "-t", "read")
        self.assertEqual((done["records"], done["bytes"]), (3000, 300_000))
        self.assertEqual(self.perf("consume", "-t", "read", "-n", 1234)["records"], 1234)
        self.assertEqual(self.perf("consume", "-t", "read", "--warm-up", 1000)["records"], 2000)
        self.assertEqual(self.perf("consume", "-t", "read", "-g", "perf-readers")["records"], 3000)

    def test_consume_says_what_did_not_come(self):
        self.perf("produce", "-t", "few", "-n", 10, "-p", 1)
        done = self.fails(1, "perf", "consume", "-t", "few", "-n", 11, "--idle", 500)
        self.assertIn("only 10 of 11", done.err)

    def test_latency_to_the_consumer_and_to_the_acknowledgement(self):
        for to in ("consumer", "ack"):
            done = self.perf("latency", "-t", "late", "-n", 400, "--throughput", 400, "--to", to, "-p", 2)
            self.assertEqual((done["sent"], done["records"]), (400, 320))
            self.assertLess(done["latency_ms"]["p50"], 1000)
            self.assertGreater(done["latency_ms"]["max"], 0)
        self.assertIn("at least 16", self.fails(2, "perf", "latency", "-t", "late", "--record-size", 15).err)

    def test_table_names_its_columns(self):
        out = self.ok("perf", "produce", "-t", "table", "-n", 10, "-p", 1).lines
        self.assertTrue(out[0].startswith("RECORDS"), out)
        self.assertEqual(out[3].split(), ["MS", "MEAN", "P50", "P95", "P99", "P99.9", "P99.99", "MAX"])


if __name__ == "__main__":
    unittest.main()
