from tool import WithBroker


class Cluster(WithBroker):
    def test_describe(self):
        found = self.ok("--output", "json", "cluster", "describe").json
        self.assertEqual(len(found["id"]), 22)
        self.assertEqual(found["brokers"], [{"id": 1, "host": "127.0.0.1", "port": self.broker.port, "rack": None,
                                             "fenced": False}])
        self.assertIn("alive, controller", self.ok("cluster", "describe").out)

    def test_quorum(self):
        found = self.ok("--output", "json", "cluster", "quorum").json
        self.assertEqual(found["leader"], 1)
        self.assertEqual([v["id"] for v in found["voters"]], [1])
        self.assertGreaterEqual(found["voters"][0]["log_end_offset"], found["high_watermark"])
        self.assertIn("leader", self.ok("cluster", "quorum").out)

    def test_features(self):
        found = {f["name"]: f for f in self.ok("--output", "json", "cluster", "features").json["features"]}
        self.assertEqual(found["metadata.version"]["finalized"], 30)
        self.assertEqual(self.fails(1, "cluster", "update-features", "metadata.version=999").out, "")

    def test_log_dirs(self):
        self.ok("topic", "create", "stored", "-p", 1)
        self.ok("produce", "stored", stdin="x\n")
        directory, = self.ok("--output", "json", "cluster", "log-dirs").json
        self.assertEqual(directory["path"], str(self.broker.data))
        sizes = {r["topic"]: r["bytes"] for r in directory["replicas"]}
        self.assertGreater(sizes["stored"], 0)

    def test_broker_that_is_not_there(self):
        done = self.fails(1, "--timeout", 2000, "-b", "127.0.0.1:1", "topic", "list")
        self.assertIn("127.0.0.1:1", done.err)
        self.assertIn("is the broker running", done.err)
