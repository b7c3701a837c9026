"""A program outside of the tree against the installed client library. Needs MOLDAU_BIN and MOLDAU_BUILD."""

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
        run("cmake", "--install", os.environ["MOLDAU_BUILD"], "--component", "client", "--prefix", cls.prefix)
        cls.library = next(cls.prefix.rglob("libmoldau_client.so"))
        cls.broker = brokers.Broker("moldau", cls.folder / "broker", {"moldau.admin.port": "-1"})
        cls.broker.start()
        cls.addClassCleanup(cls.broker.kill)

    def works(self, program, topic):
        environment = {**os.environ, "LD_LIBRARY_PATH": str(self.library.parent)}
        self.assertEqual(run(program, self.broker.bootstrap, topic, env=environment), "answer = 42\n")

    def test_find_package(self):
        for compiler in COMPILERS:
            with self.subTest(compiler):
                build = self.folder / f"cmake-{compiler}"
                run("cmake", "-S", HERE / "outside", "-B", build, f"-DCMAKE_CXX_COMPILER={compiler}",
                    f"-DCMAKE_PREFIX_PATH={self.prefix}")
                run("cmake", "--build", build)
                self.works(build / "outside", f"by-cmake-{compiler.replace('+', 'x')}")

    def test_pkg_config(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(next(self.prefix.rglob("pkgconfig")))}
        flags = run("pkg-config", "--cflags", "--libs", "moldau-client", env=environment).split()
        for compiler in COMPILERS:
            with self.subTest(compiler):
                program = self.folder / f"pkg-{compiler}"
                run(compiler, HERE / "outside" / "main.cpp", *flags, "-o", program)
                self.works(program, f"by-pkg-config-{compiler.replace('+', 'x')}")

    def test_headers_stand_by_themselves(self):
        include = self.prefix / "include"
        for header in sorted((include / "moldau").rglob("*.hpp")):
            for compiler in COMPILERS:
                with self.subTest(f"{header.relative_to(include)} {compiler}"):
                    run(compiler, "-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", f"-I{include}", "-x", "c++",
                        "-", input=f"#include <{header.relative_to(include)}>\n")

    def test_only_the_public_part_is_exported(self):
        lines = run("nm", "-D", "-C", "--defined-only", self.library).splitlines()
        exported = [line.split(maxsplit=2)[2] for line in lines]
        exported = [name.split("@@")[0] for name in exported if not name.startswith("MOLDAU_")]
        for wanted in ("moldau::client::producer::make", "moldau::client::consumer::poll", "moldau::client::admin::close",
                       "moldau::client::to_prometheus", "moldau::rt::detached_frames::current"):
            self.assertTrue(any(name.startswith(wanted) for name in exported), wanted)
        foreign = [name for name in exported if "moldau::client::" not in name and
                   not name.startswith("moldau::rt::detached_frames::current")]
        self.assertEqual(foreign, [])
        self.assertEqual([name for name in exported if "::impl::" in name], [])

    def test_nothing_of_ours_is_left_to_find(self):
        needed = run("readelf", "-d", self.library)
        self.assertNotIn("boost", needed)
        self.assertIn("libmoldau_client.so.0", needed)


if __name__ == "__main__":
    unittest.main()
