"""Programs outside of the tree against the installed libraries. Needs MOLDAU_BIN and MOLDAU_BUILD."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "interop"))
import brokers  # noqa: E402

SECONDS = 240
COMPILERS = ("clang++-19", "g++-12")


def run(*words, **how):
    done = subprocess.run([str(word) for word in words], text=True, capture_output=True, timeout=SECONDS, **how)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))}\n{done.stdout}{done.stderr}")
    return done.stdout


class Outside(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="moldau-install-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.prefix = cls.folder / "prefix"
        cls.install("client", cls.prefix)
        cls.library = next(cls.prefix.rglob("libmoldau_client.so"))
        cls.for_tests = cls.folder / "for-tests"
        for component in ("client", "testing"):
            cls.install(component, cls.for_tests)
        cls.broker = brokers.Broker("moldau", cls.folder / "broker", {"moldau.admin.port": "-1"})
        cls.broker.start()
        cls.addClassCleanup(cls.broker.kill)

    @staticmethod
    def install(component, prefix):
        run("cmake", "--install", os.environ["MOLDAU_BUILD"], "--component", component, "--prefix", prefix)

    @staticmethod
    def built_by_cmake(source, compiler, prefix, build):
        run("cmake", "-S", HERE / source, "-B", build, f"-DCMAKE_CXX_COMPILER={compiler}", f"-DCMAKE_PREFIX_PATH={prefix}")
        run("cmake", "--build", build)
        return build

    @staticmethod
    def flags_of(package, prefix):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(next(prefix.rglob("pkgconfig")))}
        return run("pkg-config", "--cflags", "--libs", package, env=environment).split()

    def works(self, program, topic):
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.library.parent)}
        self.assertEqual(run(program, self.broker.bootstrap, topic, env=environment), "answer = 42\n")

    def test_find_package(self):
        for compiler in COMPILERS:
            with self.subTest(compiler):
                build = self.built_by_cmake("outside", compiler, self.prefix, self.folder / f"cmake-{compiler}")
                self.works(build / "outside", f"by-cmake-{compiler.replace('+', 'x')}")

    def test_pkg_config(self):
        flags = self.flags_of("moldau-client", self.prefix)
        for compiler in COMPILERS:
            with self.subTest(compiler):
                program = self.folder / f"pkg-{compiler}"
                run(compiler, HERE / "outside" / "main.cpp", *flags, "-o", program)
                self.works(program, f"by-pkg-config-{compiler.replace('+', 'x')}")

    def test_headers_stand_by_themselves(self):
        include = self.for_tests / "include"
        for header in sorted((include / "moldau").rglob("*.hpp")):
            for compiler in COMPILERS:
                with self.subTest(f"{header.relative_to(include)} {compiler}"):
                    run(compiler, "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{include}", "-x", "c++",
                        "-", input=f"#include <{header.relative_to(include)}>\n")

    @staticmethod
    def exported(library):
        lines = run("nm", "-D", "-C", "--defined-only", library).splitlines()
        names = [line.split(maxsplit=2)[2] for line in lines]
        return [name.split("@@")[0] for name in names if not name.startswith("MOLDAU_")]

    def test_only_the_public_part_is_exported(self):
        exported = self.exported(self.library)
        for wanted in ("moldau::client::producer::make", "moldau::client::consumer::poll", "moldau::client::admin::close",
                       "moldau::client::to_prometheus", "moldau::rt::detached_frames::current"):
            self.assertTrue(any(name.startswith(wanted) for name in exported), wanted)
        foreign = [name for name in exported if "moldau::client::" not in name and
                   not name.startswith("moldau::rt::detached_frames::current")]
        self.assertEqual(foreign, [])
        self.assertEqual([name for name in exported if "::impl::" in name], [])

    def test_of_the_testing_library_too(self):
        library = next(self.for_tests.rglob("libmoldau_testing.so"))
        exported = self.exported(library)
        for wanted in ("moldau::testing::fake_broker::start", "moldau::testing::simulator::run_for",
                       "moldau::testing::simulated_host::kill"):
            self.assertTrue(any(name.startswith(wanted) for name in exported), wanted)
        self.assertEqual([name for name in exported if "moldau::testing::" not in name], [])
        inner = ("moldau::testing::fake::", "moldau::testing::sim::")
        self.assertEqual([name for name in exported if name.startswith(inner) or "::body::" in name], [])
        # The simulator takes down the coroutines of the client's library: there is one list, and the client has it.
        wanted = run("nm", "-D", "-C", "--undefined-only", library)
        self.assertIn("moldau::rt::detached_frames::current", wanted)

    def runs_tests(self, folder):
        libraries = str(next(self.for_tests.rglob("libmoldau_testing.so")).parent)
        environment = {**os.environ, "LD_LIBRARY_PATH": libraries}
        self.assertEqual(run(folder / "in_memory", env=environment), "hello at offset 0, 0 faults left\n")
        self.assertEqual(run(folder / "simulated", env=environment), "50 numbers through 5 kills, twice the same way\n")

    def test_tests_of_others_by_find_package(self):
        for compiler in COMPILERS:
            with self.subTest(compiler):
                self.runs_tests(self.built_by_cmake("testing", compiler, self.for_tests,
                                                    self.folder / f"tests-cmake-{compiler}"))

    def test_tests_of_others_by_pkg_config(self):
        flags = self.flags_of("moldau-testing", self.for_tests)
        for compiler in COMPILERS:
            with self.subTest(compiler):
                folder = self.folder / f"tests-pkg-{compiler}"
                folder.mkdir()
                for program in ("in_memory", "simulated"):
                    run(compiler, HERE / "testing" / f"{program}.cpp", *flags, "-o", folder / program)
                self.runs_tests(folder)

    def test_a_library_that_is_not_installed_is_missed_at_once(self):
        with self.assertRaisesRegex(AssertionError, r"considered to be\s+NOT FOUND"):
            self.built_by_cmake("testing", COMPILERS[0], self.prefix, self.folder / "without")

    def test_nothing_of_ours_is_left_to_find(self):
        needed = run("readelf", "-d", self.library)
        self.assertNotIn("boost", needed)
        self.assertIn("libmoldau_client.so.0", needed)


if __name__ == "__main__":
    unittest.main()
