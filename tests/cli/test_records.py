import json
import subprocess
import unittest

from tool import WithBroker


class Records(WithBroker):
    def topic(self, partitions=1):
        name = self.id().rsplit(".", 1)[1].replace("test_", "")
        self.ok("topic", "create", name, "-p", partitions)
        return name

    def test_lines_come_back_in_order(self):
        topic = self.topic()
        lines = [f"line {n}" for n in range(5000)]
        self.ok("produce", topic, stdin="\n".join(lines) + "\n")
        self.assertEqual(self.ok("consume", topic, "-e").lines, lines)

    def test_every_codec(self):
        topic = self.topic()
        for codec in ("none", "gzip", "snappy", "lz4", "zstd"):
            self.ok("produce", topic, "-z", codec, stdin=f"{codec} " * 50 + "\n")
        self.assertEqual([line.split()[0] for line in self.ok("consume", topic, "-e").lines],
                         ["none", "gzip", "snappy", "lz4", "zstd"])

    def test_keys_headers_and_formats(self):
        topic = self.topic()
        self.ok("produce", topic, "-K", ":", "-H", "a=1", "-H", "b=2", stdin="key:value\nnone\n")
        self.assertEqual(self.ok("consume", topic, "-e", "-f", "%t/%p/%o/%k/%s/%h/%S/%K%%\\n").lines,
                         [f"{topic}/0/0/key/value/a=1,b=2/5/3%", f"{topic}/0/1//none/a=1,b=2/4/-1%"])

    def test_keys_go_where_java_puts_them(self):
        topic = self.topic(10)
        self.ok("produce", topic, "-K", ":", stdin="21:x\nfoobar:x\na-little-bit-longer-string:x\n")
        found = {r["key"]: r["partition"] for r in map(json.loads, self.ok("consume", topic, "-e", "--json").lines)}
        # Java's Utils.murmur2 gives -973932308, -790332482, -1486304829.
        self.assertEqual(found, {key: (value & 0x7fffffff) % 10 for key, value in
                                 (("21", -973932308), ("foobar", -790332482),
                                  ("a-little-bit-longer-string", -1486304829))})

    def test_json_round_trip(self):
        source, target = self.topic(), "json_round_trip_copy"
        self.ok("topic", "create", target, "-p", 1)
        self.ok("produce", source, "--json", stdin='{"key":"k","value":"v","headers":[["h","x"],["h",null]],'
                '"timestamp":1700000000000}\n{"value":{"n":1}}\n{"key":"gone","value":null}\n')
        dump = self.ok("consume", source, "-e", "--json").out
        records = [json.loads(line) for line in dump.splitlines()]
        self.assertEqual([(r["key"], r["value"]) for r in records],
                         [("k", "v"), (None, '{"n":1}'), ("gone", None)])
        self.assertEqual(records[0]["headers"], [["h", "x"], ["h", None]])
        self.assertEqual(records[0]["timestamp"], 1700000000000)
        self.ok("produce", target, "--json", stdin=dump)
        again = [json.loads(line) for line in self.ok("consume", target, "-e", "--json").lines]
        self.assertEqual([(r["key"], r["value"], r["timestamp"]) for r in again],
                         [(r["key"], r["value"], r["timestamp"]) for r in records])

    def test_files_whole_and_by_delimiter(self):
        topic = self.topic()
        path = self.folder / "input"
        path.write_text("a,b\nc")
        self.ok("produce", topic, path, "--whole")
        self.ok("produce", topic, path, "-D", ",")
        values = [json.loads(line)["value"] for line in self.ok("consume", topic, "-e", "--json").lines]
        self.assertEqual(values, ["a,b\nc", "a", "b\nc"])

    def test_beginnings(self):
        topic = self.topic()
        self.ok("produce", topic, "--json", stdin="".join(
            json.dumps({"value": str(n), "timestamp": 1700000000000 + n * 1000}) + "\n" for n in range(10)))
        for begin, expected in (("beginning", 10), ("7", 3), ("-4", 4), ("@1700000006000", 4), ("end", 0),
                                ("@2023-11-14T22:13:28Z", 2)):
            with self.subTest(begin):
                self.assertEqual(len(self.ok("consume", topic, "-e", "-o", begin).lines), expected)

    def test_count_stops(self):
        topic = self.topic()
        self.ok("produce", topic, stdin="a\nb\nc\n")
        self.assertEqual(self.ok("consume", topic, "-c", 2).lines, ["a", "b"])

    def test_partition_by_hand(self):
        topic = self.topic(3)
        self.ok("produce", topic, "-p", 2, stdin="x\ny\n")
        self.assertEqual(self.ok("consume", topic, "-e", "-p", 2, "-f", "%p %s\\n").lines, ["2 x", "2 y"])
        self.assertEqual(self.ok("consume", topic, "-e", "-p", 0).lines, [])
        self.assertIn("there is no 7", self.fails(1, "produce", topic, "-p", 7, stdin="x\n").err)

    def test_acknowledgements(self):
        topic = self.topic()
        for acks in ("all", "1", "0"):
            self.ok("produce", topic, "--acks", acks, stdin=acks + "\n")
        self.assertEqual(sorted(self.ok("consume", topic, "-c", 3).lines), ["0", "1", "all"])

    def test_record_too_large(self):
        topic = self.topic()
        done = self.fails(1, "produce", topic, stdin="x" * 2_000_000 + "\n")
        self.assertIn("max.request.size", done.err)

    def test_json_mistake_names_its_line(self):
        topic = self.topic()
        self.assertIn("line 2", self.fails(2, "produce", topic, "--json", stdin='{"value":"a"}\nnope\n').err)

    def test_unknown_format_letter(self):
        self.assertIn("%q", self.fails(2, "consume", "any", "-f", "%q").err)

    def test_reads_what_kcat_wrote_and_kcat_reads_ours(self):
        topic = self.topic()
        kcat = ["kcat", "-b", self.broker.bootstrap, "-t", topic]
        try:
            subprocess.run([*kcat, "-P", "-K:", "-z", "zstd"], input="k:from kcat\n", text=True, check=True, timeout=60)
        except FileNotFoundError:
            self.fail("kcat is not installed (tools/packages/test.txt)")
        self.ok("produce", topic, "-K", ":", "-z", "gzip", stdin="k:from moldau\n")
        form = "%t %p %o %k %s %S %K %T\\n"
        theirs = subprocess.run([*kcat, "-C", "-e", "-q", "-f", form], text=True, capture_output=True, timeout=60)
        self.assertEqual(self.ok("consume", topic, "-e", "-f", form).out, theirs.stdout)


if __name__ == "__main__":
    unittest.main()
