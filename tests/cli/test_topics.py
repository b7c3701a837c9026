from tool import WithBroker


class Topics(WithBroker):
    def test_creates_lists_and_deletes(self):
        self.assertEqual(self.ok("topic", "create", "made", "-p", 3).lines, ["created made"])
        self.assertIn(["made", "3", "1"], self.ok("topic", "list").rows)
        self.assertEqual(self.ok("topic", "delete", "made").lines, ["deleted made"])
        self.assertNotIn("made", [row[0] for row in self.ok("topic", "list").rows])

    def test_number_of_partitions_is_the_brokers_by_default(self):
        self.ok("topic", "create", "defaults")
        self.assertIn(["defaults", "2", "1"], self.ok("topic", "list").rows)

    def test_describes_partitions_and_own_properties(self):
        self.ok("topic", "create", "described", "-p", 2, "-c", "retention.ms=1234", "-c", "max.message.bytes=5000")
        topic, = self.ok("--output", "json", "topic", "describe", "described").json
        self.assertEqual(topic["configs"], {"retention.ms": "1234", "max.message.bytes": "5000"})
        self.assertEqual([p["partition"] for p in topic["partitions"]], [0, 1])
        self.assertEqual({(p["leader"], tuple(p["in_sync_replicas"])) for p in topic["partitions"]}, {(1, (1,))})
        self.assertIn("  retention.ms=1234", self.ok("topic", "describe", "described").lines)

    def test_existing_topic_is_a_failure_that_says_what_to_do(self):
        self.ok("topic", "create", "twice")
        done = self.fails(1, "topic", "create", "twice")
        self.assertIn("Topic 'twice' already exists", done.err)
        self.assertIn("moldau topic alter", done.err)
        self.ok("topic", "create", "twice", "--if-not-exists")

    def test_dry_run_makes_nothing(self):
        self.assertEqual(self.ok("topic", "create", "dry", "--dry-run").lines, ["would create dry"])
        self.assertNotIn("dry", [row[0] for row in self.ok("topic", "list").rows])

    def test_partitions_grow_and_never_shrink(self):
        self.ok("topic", "create", "grows", "-p", 1)
        self.ok("topic", "alter", "grows", "-p", 4)
        self.assertIn(["grows", "4", "1"], self.ok("topic", "list").rows)
        self.assertIn("would not be an increase", self.fails(1, "topic", "alter", "grows", "-p", 2).err)

    def test_unknown_topic_gets_the_nearest_name(self):
        self.ok("topic", "create", "customers")
        done = self.fails(1, "topic", "describe", "custmers")
        self.assertIn("there is no topic 'custmers'", done.err)
        self.assertIn("did you mean 'customers'?", done.err)
        self.fails(1, "topic", "delete", "custmers")
        self.ok("topic", "delete", "custmers", "--if-exists")

    def test_deletes_records_up_to_an_offset(self):
        self.ok("topic", "create", "shrinks", "-p", 1)
        self.ok("produce", "shrinks", stdin="a\nb\nc\n")
        self.assertEqual(self.ok("topic", "delete-records", "shrinks", "0:2").lines,
                         ["shrinks 0 begins at offset 2 now"])
        self.assertEqual(self.ok("consume", "shrinks", "-e").lines, ["c"])

    def test_replicas_that_the_cluster_does_not_have_are_refused(self):
        self.assertIn("moldau cluster describe", self.fails(1, "topic", "create", "copies", "-r", 3).err)
