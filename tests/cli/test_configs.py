from tool import WithBroker, WithFolder, run


class Configs(WithBroker):
    def values(self, *of):
        return {c["name"]: (c["value"], c["source"]) for c in self.ok("--output", "json", "config", "describe", *of).json}

    def test_topic_properties_are_set_and_put_back(self):
        self.ok("topic", "create", "tuned")
        self.ok("config", "set", "topic", "tuned", "retention.ms=5000", "cleanup.policy=compact")
        self.assertEqual(self.values("topic", "tuned")["retention.ms"], ("5000", "topic"))
        self.ok("config", "delete", "topic", "tuned", "retention.ms")
        # The broker of the tests keeps records for ever by its file.
        self.assertEqual(self.values("topic", "tuned")["retention.ms"], ("-1", "file"))

    def test_lists_grow_and_shrink(self):
        self.ok("topic", "create", "listed")
        self.ok("config", "set", "topic", "listed", "--append", "cleanup.policy=compact")
        self.assertEqual(self.values("topic", "listed")["cleanup.policy"][0], "delete,compact")
        self.ok("config", "set", "topic", "listed", "--subtract", "cleanup.policy=delete")
        self.assertEqual(self.values("topic", "listed")["cleanup.policy"][0], "compact")

    def test_unknown_property_gets_the_nearest_name(self):
        self.ok("topic", "create", "mistyped")
        done = self.fails(1, "config", "set", "topic", "mistyped", "retention.sm=1")
        self.assertIn("Unknown topic config name: retention.sm", done.err)
        self.assertIn("did you mean 'retention.ms'?", done.err)

    def test_cluster_wide_and_one_broker(self):
        self.ok("config", "set", "cluster", "-", "log.cleaner.threads=2")
        self.assertEqual(self.values("cluster", "-")["log.cleaner.threads"], ("2", "cluster"))
        self.ok("config", "set", "broker", "1", "log.cleaner.threads=3")
        self.assertEqual(self.values("broker", "1")["log.cleaner.threads"], ("3", "broker"))
        self.ok("config", "delete", "broker", "1", "log.cleaner.threads")
        self.ok("config", "delete", "cluster", "-", "log.cleaner.threads")

    def test_docs(self):
        self.ok("topic", "create", "documented")
        self.assertIn("MEANING", self.ok("config", "describe", "topic", "documented", "--all", "--docs").lines[0])


class Show(WithFolder):
    def test_tells_where_each_value_comes_from(self):
        path = self.folder / "server.properties"
        path.write_text("process.roles=broker,controller\nnode.id=7\ncontroller.listener.names=CONTROLLER\n"
                        "listeners=PLAINTEXT://:9092,CONTROLLER://:9093\n"
                        "controller.quorum.bootstrap.servers=localhost:9093\n")
        done = run("config", "show", path, "--override", "num.partitions=5")
        self.assertEqual(done.code, 0, done.err)
        rows = {line.split()[0]: line.split(maxsplit=2)[1:] for line in done.lines[1:]}
        self.assertEqual(rows["node.id"], ["7", "line 2"])
        self.assertEqual(rows["num.partitions"], ["5", "command line"])
        self.assertNotIn("log.segment.bytes", rows)
        self.assertIn("log.segment.bytes", run("config", "show", path, "--all").out)

    def test_names_all_mistakes_at_once(self):
        path = self.folder / "server.properties"
        path.write_text("process.roles=broker,controller\nnode.id=seven\nnum.partitions=many\n")
        done = run("config", "show", path)
        self.assertEqual(done.code, 2)
        self.assertIn("node.id", done.err)
        self.assertIn("num.partitions", done.err)

    def test_without_a_file_shows_what_start_runs_with(self):
        done = run("--output", "json", "config", "show", "--all")
        values = {entry["name"]: entry for entry in done.json}
        self.assertEqual(values["node.id"]["value"], "1")
        self.assertEqual(values["log.dirs"]["origin"], "standalone default")
