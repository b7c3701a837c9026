"""What tools/tidy must find, and what it must leave alone."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tidy"))
import tidy  # noqa: E402


class Tidy(unittest.TestCase):
    def check(self, files, compiled=None, left_out=()):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text)
            problems, self.notes, _ = tidy.check(root, compiled, left_out)
            return problems

    def assert_finds(self, words, files, **options):
        problems = self.check(files, **options)
        self.assertEqual(len(problems), 1, problems)
        self.assertIn(words, problems[0])

    def test_finds_what_only_the_world_may_do(self):
        for rule, line in {
            "clock": "auto t = std::chrono::steady_clock::now();",
            "file": "const int fd = ::open(path, 0);",
            "socket": "const int fd = ::socket(2, 1, 0);",
            "thread": "std::thread t(run);",
            "random": "std::random_device seed;",
        }.items():
            self.assert_finds(f": {rule}:", {"src/base/a.cpp": line})

    def test_finds_the_headers_of_system_calls(self):
        for line in ("#include <fcntl.h>", "#include <fstream>", "#include <sys/socket.h>", "#include <thread>"):
            self.assertEqual(1, len(self.check({"testing/sim/a.cpp": line})), line)

    def test_lets_tests_read_files_and_nothing_else(self):
        self.assertEqual([], self.check({"src/base/tests/a.cpp": "#include <fstream>"}))
        self.assert_finds(": thread:", {"src/base/tests/a.cpp": "#include <thread>"})

    def test_leaves_the_world_itself_alone(self):
        self.assertEqual([], self.check({"src/rt_asio/a.cpp": "#include <fcntl.h>\nint f() { return ::open(p, 0); }"}))

    def test_leaves_members_comments_and_texts_alone(self):
        self.assertEqual([], self.check({"src/base/a.cpp": "\n".join([
            "co_await files.open(path); log::open(a); listener->accept();",
            "// std::thread is forbidden",
            'const char* text = "std::random_device";',
            "std::chrono::milliseconds pause{5};",
        ])}))

    def test_finds_sleeps_everywhere(self):
        self.assert_finds(": sleep:", {"apps/x/a.cpp": "std::this_thread::sleep_for(1s);"})
        self.assertEqual([], self.check({"src/rt/a.cpp": "co_await world.sleep_for(1s);"}))

    def test_finds_unfinished_work(self):
        self.assert_finds(": unfinished:", {"src/base/a.cpp": "// TO" + "DO: the rest"})

    def test_excuses_what_is_allowed_and_only_that(self):
        code = {"src/base/a.cpp": "std::random_device seed;"}
        self.assertEqual([], self.check(code | {"tools/tidy.allow": "random src/base/a.cpp # why"}))
        self.assert_finds("excuses nothing", {"src/base/a.cpp": "", "tools/tidy.allow": "random src/base/a.cpp"})

    def test_reports_long_files_and_refuses_very_long_ones(self):
        self.assertEqual([], self.check({"src/base/a.cpp": "\n" * 801}))
        self.assertEqual(1, len(self.notes))
        self.assert_finds(": size:", {"src/base/a.cpp": "\n" * 1201})

    def test_finds_sources_that_no_target_compiles(self):
        files = {"src/base/a.cpp": "", "src/base/b.cpp": ""}
        self.assert_finds("src/base/b.cpp: dead", files, compiled={"src/base/a.cpp"})
        self.assertEqual([], self.check(files, compiled={"src/base/a.cpp"}, left_out=["src/base/b"]))

    def test_finds_headers_that_nothing_includes(self):
        files = {"src/base/a.cpp": '#include "base/a.hpp"', "src/base/a.hpp": '#include "b.hpp"', "src/base/b.hpp": ""}
        self.assertEqual([], self.check(files))
        self.assert_finds("src/base/c.hpp: dead", files | {"src/base/c.hpp": '#include "base/a.hpp"'})

    def test_finds_scripts_whose_name_stands_nowhere(self):
        self.assert_finds("lonely.py: dead", {"tests/lonely.py": "", "tests/known.py": "", "dev": "python3 tests/known.py"})

    def test_finds_properties_that_are_not_there_or_of_another_type(self):
        table = {"src/config/tables/log.cpp": '{"log.roll.ms", int64, none, any},\n{"num.partitions",\n int32, "1"},'}
        read = 'config.int64("log.roll.ms"); config->int32("num.partitions"); x.string("other");'
        self.assertEqual([], self.check(table | {"src/base/a.cpp": read}))
        self.assert_finds("there is no log.rol.ms", table | {"src/base/a.cpp": 'config.int64("log.rol.ms")'})
        self.assert_finds("log.roll.ms is no int32", table | {"src/base/a.cpp": 'config.int32("log.roll.ms")'})

    def test_finds_properties_that_are_called_built_and_not_read(self):
        table = {"src/config/tables/log.cpp": 'constexpr definition rows[] = {\n'
                                              '    {"log.roll.ms", int64, none, any, high, read_only, built,\n     "…"},\n'
                                              '    {"num.io.threads", int32, "8", any, high, read_only, unneeded, "…"},\n};'}
        self.assertEqual([], self.check(table | {"src/base/a.cpp": 'config.int64("log.roll.ms");'}))
        self.assert_finds("log.roll.ms is called built", table | {"src/base/a.cpp": ""})

    def test_reads_what_a_build_compiles(self):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            unity = root / "build" / "unity_0_cxx.cxx"
            unity.parent.mkdir()
            unity.write_text(f'#include "{root}/src/wire/a.cpp"\n')
            commands = root / "build" / "compile_commands.json"
            commands.write_text(json.dumps([
                {"directory": str(root), "file": "src/base/a.cpp"}, {"directory": str(root), "file": str(unity)}]))
            compiled = tidy.read_compiled(commands, root)
            self.assertIn("src/base/a.cpp", compiled)
            self.assertIn("src/wire/a.cpp", compiled)


if __name__ == "__main__":
    unittest.main()
