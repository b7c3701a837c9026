import json

from tool import WithBroker, run


class Offline(WithBroker):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for words, stdin in ((("topic", "create", "kept", "-p", "1"), ""),
                             (("produce", "kept", "-K", ":", "-H", "h=1"), "a:1\nb:2\n"),
                             (("consume", "kept", "-g", "readers", "-o", "beginning", "-e"), "")):
            done = run(*words, stdin=stdin, bootstrap=cls.broker.bootstrap)
            assert done.code == 0, done.err
        cls.broker.stop()
        cls.segment = cls.broker.data / "kept-0" / "00000000000000000000.log"

    def dump(self, *words):
        done = run("--output", "json", "log", "dump", *words)
        self.assertEqual(done.code, 0, done.err)
        return [json.loads(line) for line in done.lines]

    def test_dumps_batches_and_records(self):
        records = [r for batch in self.dump(self.segment, "-r") for r in batch["contents"]]
        self.assertEqual([(r["offset"], r["key"], r["value"], r["headers"]) for r in records],
                         [(0, "a", "1", [["h", "1"]]), (1, "b", "2", [["h", "1"]])])
        self.assertIn("offsets 0..", run("log", "dump", self.segment).out)

    def test_dumps_the_metadata_log(self):
        values = [r["value"] for batch in self.dump(self.broker.data / "__cluster_metadata-0", "-r")
                  for r in batch["contents"] if isinstance(r["value"], dict)]
        topic, = [v for v in values if v["type"] == "topic_record" and v["name"] == "kept"]
        self.assertEqual([v["partition_id"] for v in values
                          if v["type"] == "partition_record" and v["topic_id"] == topic["topic_id"]], [0])

    def test_dumps_committed_offsets(self):
        found = []
        for folder in self.broker.data.glob("__consumer_offsets-*"):
            for batch in self.dump(folder, "-r"):
                found += [r for r in batch["contents"] if r["key"]["type"] == "offset_commit_key"]
        self.assertTrue(any(r["key"]["group"] == "readers" and r["key"]["topic"] == "kept" and r["value"]["offset"] == 2
                            for r in found), found)

    def test_verifies_a_sound_directory(self):
        done = run("--output", "json", "log", "verify", self.broker.data)
        self.assertEqual((done.code, done.json["findings"]), (0, []), done.err)
        self.assertGreaterEqual(done.json["records"], 2)

    def test_finds_a_changed_byte(self):
        content = bytearray(self.segment.read_bytes())
        copy = self.folder / "damaged-0"
        copy.mkdir(exist_ok=True)
        for path in self.segment.parent.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        content[70] ^= 1
        (copy / self.segment.name).write_bytes(content)
        done = run("log", "verify", copy)
        self.assertEqual(done.code, 1)
        self.assertIn("checksum", done.out)

    def test_tells_a_torn_end_from_damage(self):
        copy = self.folder / "torn-0"
        copy.mkdir(exist_ok=True)
        for path in self.segment.parent.iterdir():
            (copy / path.name).write_bytes(path.read_bytes())
        with open(copy / self.segment.name, "r+b") as log:
            log.truncate(self.segment.stat().st_size - 1)
        done = run("--output", "json", "log", "verify", copy)
        self.assertEqual(done.code, 1)
        self.assertTrue(all(f["remedy"] == "start" for f in done.json["findings"]), done.out)
        self.assertTrue(done.json["findings"])
