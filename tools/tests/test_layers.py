"""What tools/layers must find, and what it must leave alone."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "layers"))
import layers  # noqa: E402

TABLE = """
include/moldau/core:
src/base: include/moldau/core | *
src/bytes: src/base | *
src/rt_asio: src/bytes | * boost/asio
testing/sim: src/bytes | *
"""


class Layers(unittest.TestCase):
    def check(self, files, table=TABLE):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            return layers.check(root, table)[0]

    def assert_finds(self, words, files, table=TABLE):
        problems = self.check(files, table)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(words, problems[0])

    def test_accepts_what_rows_name_and_what_comes_with_them(self):
        self.assertEqual([], self.check({
            "include/moldau/core/ids.hpp": "#include <string>",
            "src/base/log.hpp": '#include <fmt/format.h>\n#include "moldau/core/ids.hpp"',
            "src/bytes/crc.cpp": '#include "base/log.hpp"\n#include "moldau/core/ids.hpp"\n#include <sys/uio.h>',
        }))

    def test_finds_an_undeclared_edge(self):
        self.assert_finds("src/base may not use src/bytes", {
            "src/base/log.hpp": '#include "bytes/crc.hpp"', "src/bytes/crc.hpp": ""})

    def test_finds_production_that_uses_testing(self):
        self.assert_finds("may not use testing/sim", {
            "src/bytes/crc.hpp": '#include "testing/sim/disk.hpp"', "testing/sim/disk.hpp": ""})

    def test_lets_unit_tests_use_testing(self):
        self.assertEqual([], self.check({
            "src/bytes/tests/crc_test.cpp": '#include "testing/sim/disk.hpp"', "testing/sim/disk.hpp": ""}))

    def test_finds_a_folder_without_a_row(self):
        self.assert_finds("has no row", {"src/new/thing.hpp": ""})

    def test_finds_an_include_that_leads_nowhere(self):
        self.assert_finds("leads nowhere", {"src/base/log.hpp": '#include "base/gone.hpp"'})

    def test_takes_generated_messages_for_files_of_wire(self):
        table = TABLE + "src/wire: src/bytes | *\n"
        self.assertEqual([], self.check({"src/wire/a.cpp": '#include "wire/protocol/fetch_request.hpp"'}, table))
        self.assert_finds("may not use src/wire", {
            "src/base/a.cpp": '#include "wire/protocol/fetch_request.hpp"'}, table)

    def test_finds_headers_that_include_each_other(self):
        self.assert_finds("include each other", {
            "src/base/a.hpp": '#include "base/b.hpp"', "src/base/b.hpp": '#include "base/a.hpp"'})

    def test_finds_a_library_in_a_public_header(self):
        self.assert_finds("standard library only", {"include/moldau/core/ids.hpp": "#include <fmt/format.h>"})

    def test_finds_asio_outside_its_place(self):
        self.assert_finds("Asio stays behind", {"src/bytes/a.cpp": "#include <boost/asio/post.hpp>"})
        self.assertEqual([], self.check({"src/rt_asio/a.cpp": "#include <boost/asio/post.hpp>"}))

    def test_refuses_a_table_that_names_a_later_row(self):
        self.assert_finds("no row above it", {"src/base/a.hpp": ""}, "src/base: src/bytes\nsrc/bytes:\n")


if __name__ == "__main__":
    unittest.main()
