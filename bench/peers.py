"""Builds the librdkafka loop into build/peers, once: the source comes with the crate rdkafka-sys 4.10.0 (2.12.1)."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "interop" / "peers"))
import install  # noqa: E402

FOLDER = install.PEERS / "librdkafka-2.12.1"
SOURCE = FOLDER / "source"
LOOP = FOLDER / "loop"


def build_library():
    for package, program in (("cargo", "cargo"), ("make", "make"), ("g++", "c++")):
        install.apt(package, program)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shutil.copy(HERE / "librdkafka" / "Cargo.toml", work / "Cargo.toml")
        (work / "src").mkdir()
        (work / "src" / "lib.rs").write_text("")
        install.run("cargo", "vendor", "-q", "vendored", cwd=work)
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        shutil.move(work / "vendored" / "rdkafka-sys" / "librdkafka", SOURCE)
    install.run("bash", "./configure", "--disable-ssl", "--disable-gssapi", "--disable-curl", "--disable-zstd",
                "--disable-lz4-ext", cwd=SOURCE, attempts=1)
    install.run("make", "-C", "src", "-j", str(os.cpu_count()), "librdkafka.a", cwd=SOURCE, attempts=1)


def build_loop():
    install.run("clang-19", "-O2", "-std=gnu11", "-Wall", "-I", SOURCE / "src", "-o", LOOP,
                HERE / "librdkafka" / "loop.c", SOURCE / "src" / "librdkafka.a", "-lz", "-lm", "-lpthread", "-ldl",
                attempts=1)


def loop():
    """The loop's path, built if need be."""
    install.step("librdkafka", [HERE / "librdkafka" / "Cargo.toml"], build_library)
    install.step("librdkafka-loop", [HERE / "librdkafka" / "loop.c"], build_loop)
    return str(LOOP)


if __name__ == "__main__":
    print(subprocess.list2cmdline([loop()]))
