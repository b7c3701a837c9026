"""Builds the loops on other clients into build/peers, once. librdkafka's source comes with the crate rdkafka-sys 4.10.0
(2.12.1), franz-go from Go's proxy."""

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
LOOP = install.PEERS / "librdkafka-loop"
FRANZ = install.PEERS / "franz-loop"


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
    # With the machine's own lz4 and zstd, as moldau has them.
    install.run("bash", "./configure", "--disable-ssl", "--disable-gssapi", "--disable-curl", cwd=SOURCE, attempts=1)
    install.run("make", "-C", "src", "-j", str(os.cpu_count()), "librdkafka.a", cwd=SOURCE, attempts=1)


def build_loop():
    install.run("clang-19", "-O2", "-std=gnu11", "-Wall", "-I", SOURCE / "src", "-o", LOOP,
                HERE / "librdkafka" / "loop.c", SOURCE / "src" / "librdkafka.a", "-llz4", "-lzstd", "-lz", "-lm", "-lpthread", "-ldl",
                attempts=1)


def build_franz():
    env = dict(os.environ, GOFLAGS="-mod=mod -trimpath", GOTOOLCHAIN="local", CGO_ENABLED="0")
    install.run(install.go(), "build", "-o", FRANZ, ".", cwd=HERE / "franz", env=env)


def franz():
    """The path of the same loop on franz-go, built if need be."""
    install.ensure("python")
    folder = HERE / "franz"
    install.step("franz-loop", [folder / "go.mod", folder / "go.sum", folder / "main.go"], build_franz)
    return str(FRANZ)


def loop():
    """The loop's path, built if need be."""
    library = [HERE / "librdkafka" / "Cargo.toml", Path(__file__)]
    install.step("librdkafka", library, build_library)
    install.step("librdkafka-loop", [HERE / "librdkafka" / "loop.c", *library], build_loop)
    return str(LOOP)


if __name__ == "__main__":
    print(subprocess.list2cmdline([loop()]))
