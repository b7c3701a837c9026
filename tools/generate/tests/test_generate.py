"""python3 -m unittest discover -s tools/generate/tests"""

import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
GENERATE = os.path.join(os.path.dirname(HERE), "generate.py")

FINE = """\
api Ping 7 broker

request 0-3 flexible 2+
  name   string
  hosts  [host] 1+
    port i32
  note   string? 2+ tag 0 = null

response 0-3 flexible 2+
  error_code errc
"""


class Generate(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.schemas = os.path.join(self.folder.name, "schemas")
        self.out = os.path.join(self.folder.name, "out")
        os.makedirs(os.path.join(self.schemas, "protocol"))

    def define(self, text, name="ping"):
        with open(os.path.join(self.schemas, "protocol", name + ".schema"), "w", encoding="utf-8") as file:
            file.write(text)

    def run_it(self, *more):
        command = [sys.executable, "-B", GENERATE, "--schemas", self.schemas, "--out", self.out, *more]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def generated(self, name):
        with open(os.path.join(self.out, "wire", "protocol", name), encoding="utf-8") as file:
            return file.read()

    def assert_refused(self, text, line, message):
        self.define(text)
        result = self.run_it()
        self.assertNotEqual(result.returncode, 0)
        self.assertEqual(result.stderr, f"schemas/protocol/ping.schema:{line}: {message}\n")
        self.assertFalse(os.path.exists(self.out))

    def refuse_in_fine(self, old, new, message):
        """FINE with one line changed is refused at that line."""
        self.assertEqual(FINE.count(old), 1)
        line = FINE[:FINE.index(old)].count("\n") + 1
        self.assert_refused(FINE.replace(old, new), line, message)

    def test_lists_what_it_writes(self):
        self.define(FINE)
        listed = self.run_it("--list").stdout.split()
        self.assertFalse(os.path.exists(self.out))
        self.assertEqual(self.run_it().returncode, 0)
        written = [os.path.join(folder, file) for folder, _, files in os.walk(self.out) for file in files]
        self.assertEqual(sorted(listed), sorted(written))

    def test_leaves_files_alone_whose_content_stays(self):
        self.define(FINE)
        self.run_it()
        header = os.path.join(self.out, "wire", "protocol", "ping_response.hpp")
        os.utime(header, (1, 1))
        self.define(FINE.replace("name   string", "name   string?"))
        self.run_it()
        self.assertEqual(os.stat(header).st_mtime, 1)
        self.assertIn("std::optional<std::string_view> name", self.generated("ping_request.hpp"))

    def test_removes_what_is_no_longer_defined(self):
        self.define(FINE)
        self.define("data 0\n  x i8\n", "gone")
        self.run_it()
        os.remove(os.path.join(self.schemas, "protocol", "gone.schema"))
        self.run_it()
        self.assertFalse(os.path.exists(os.path.join(self.out, "wire", "protocol", "gone.hpp")))

    def test_names_strong_ids(self):
        self.define("data 0\n  at offset = -1\n  brokers [broker_id]\n", "ids")
        self.run_it()
        self.assertIn("moldau::offset at = moldau::offset(-1);", self.generated("ids.hpp"))
        self.assertIn("std::vector<moldau::broker_id> brokers;", self.generated("ids.hpp"))

    def test_checks_counts_against_the_smallest_element(self):
        self.define(FINE)
        self.run_it()
        # A port, and from version 2 on a count of tags.
        self.assertIn("in.array_count(flexible, 4, sizeof(ping_request_types::host))",
                      self.generated("ping_request.cpp"))

    def test_refuses_what_it_does_not_know(self):
        self.refuse_in_fine("  name   string\n", "  name   text\n", "'text' is neither a type nor a struct")
        self.refuse_in_fine("    port i32\n", "    port i32 always\n", "'always' is unknown here")
        self.refuse_in_fine("api Ping 7 broker", "api Ping 7 zookeeper",
                            "'zookeeper' isn't a listener (broker, controller)")
        self.assert_refused("message 0\n", 1,
                            "'message' isn't one of api, request, response, header, data, record, key, value")

    def test_refuses_wrong_versions(self):
        self.refuse_in_fine("[host] 1+", "[host] 1-4", "the versions 1-4 go beyond 0-3 of what holds them")
        self.refuse_in_fine("    port i32\n", "    port i32 0+\n", "the versions 0+ go beyond 1-3 of what holds them")
        self.refuse_in_fine("request 0-3 flexible 2+", "request 0+", "a message's versions have an end")
        self.refuse_in_fine("2+ tag 0", "1+ tag 0", "a tagged field needs flexible versions")

    def test_refuses_requests_and_responses_that_differ(self):
        self.refuse_in_fine("response 0-3 flexible 2+", "response 0-2 flexible 2+",
                            "request and response have different versions")

    def test_refuses_names_that_clash(self):
        self.refuse_in_fine("  hosts  [host] 1+\n", "  name   [host] 1+\n", "field name is there twice")
        self.refuse_in_fine("    port i32\n", "    encode i32\n", "a field can't be called encode here")

    def test_refuses_defaults_of_another_type(self):
        self.refuse_in_fine("    port i32\n", "    port i32 = many\n", "'many' isn't a number of 32 bits")
        self.refuse_in_fine("  name   string\n", "  name   string = null\n",
                            "the default is null, but the field may not be null")

    def test_refuses_elements_whose_count_cannot_be_checked(self):
        self.assert_refused("data 0-1\n  hosts [host]\n    x i8 1+\n", 2,
                            "an element takes no bytes in some version, so its count can't be checked")

    def test_refuses_structs_that_hold_themselves(self):
        self.assert_refused("data 0\n  a [node]\n  struct node\n    b [node]\n", 3, "struct node holds itself")

    def test_refuses_a_key_that_is_taken(self):
        self.define(FINE)
        self.define(FINE, "pong")
        self.assertIn("pong.schema:1: api key 7 is Ping's already", self.run_it().stderr)


if __name__ == "__main__":
    unittest.main()
