"""What the bench runs: brokers of both kinds with the settings that people run them with, and the measuring programs."""

import json
import os
import re
import resource
import shutil
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tests" / "interop"))
import brokers  # noqa: E402
import install  # noqa: E402
import peers  # noqa: E402

PROGRAM_SECONDS = 900
# kafka-server-start.sh and kafka-run-class.sh of Kafka 4.3.
KAFKA_JVM = ["-Xmx1G", "-Xms1G", "-server", "-XX:+UseG1GC", "-XX:MaxGCPauseMillis=20",
             "-XX:InitiatingHeapOccupancyPercent=35", "-XX:+ExplicitGCInvokesConcurrent", "-XX:MaxInlineLevel=15",
             "-Djava.awt.headless=true"]
PROPERTIES = {"moldau": {"moldau.admin.port": "-1"}, "kafka": {}}


def release_binary(name):
    return str(Path(os.environ.get("MOLDAU_BENCH_BIN") or ROOT / "build" / "release" / "bin") / name)


class Broker(brokers.Broker):
    """As the interop tests' broker, with Kafka's own heap and collector, and moldau's release binary."""

    def __init__(self, kind, folder, properties=None):
        os.environ["MOLDAU_BIN"] = release_binary("moldau")
        super().__init__(kind, folder, {**PROPERTIES[kind], **(properties or {})})

    def command(self):
        command = super().command()
        if self.kind == "kafka":
            at = command.index(brokers.JVM[0])
            command[at:at + len(brokers.JVM)] = KAFKA_JVM
        return command

    @property
    def pid(self):
        return self.process.pid

    def status_mb(self, field):
        """VmRSS or VmHWM."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"^{field}:\s*(\d+) kB", text, re.MULTILINE)[1]) / 1024

    def forget_peak(self):
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def start_timed(self):
        """Starts a formatted broker; returns the milliseconds from exec to the first answered request."""
        with open(self.log, "ab") as log:
            begun = time.monotonic()
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, start_new_session=True)
        while not first_answer(self.port):
            if self.process.poll() is not None or time.monotonic() > begun + brokers.READY_SECONDS:
                tail = self.log_tail()
                self.kill()
                raise brokers.BrokerFailed(f"{self.kind} doesn't answer\n{tail}")
        return (time.monotonic() - begun) * 1000


class Fresh:
    """A broker on a folder of its own, killed and cleared away at the end."""

    def __init__(self, kind, folder, properties):
        self.folder = folder
        self.made = Broker(kind, folder, properties)

    def __enter__(self):
        try:
            return self.made.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        self.made.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def first_answer(port):
    """ApiVersions v0, answered or not."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(struct.pack(">ihhih", 10, 18, 0, 1, 0))
            return len(brokers.read_exactly(connection, 4)) == 4
    except OSError:
        return False


def run_json(*command, cwd=None):
    """A measuring program's one line."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([str(part) for part in command], cwd=cwd, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=PROGRAM_SECONDS)
    if done.returncode != 0:
        raise brokers.BrokerFailed(f"{' '.join(map(str, command))} failed:\n{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Of the program itself, from its start to its end; cpu_seconds is whatever the program counts.
    own = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {**json.loads(done.stdout.strip() or "{}"), "process_cpu_seconds": own}


def raw(what, broker, topic, **options):
    named = {"port": broker.port, "pid": broker.pid, "topic": topic, **options}
    return run_json(release_binary("bench_raw"), what, *flags(named))


def flags(options):
    return [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]


def limit(what, **options):
    return run_json(release_binary("bench_limits"), what, *flags(options))


def client(what, broker, topic, **options):
    """Our client's loop."""
    return run_json(release_binary("bench_client"), what, *flags({"bootstrap": broker.bootstrap, "topic": topic, **options}))


def make_topic(broker, topic, partitions, **configs):
    """Unlike bench_raw's, with properties; `a_b` is a.b."""
    given = [part for name, value in configs.items() for part in ("-c", f"{name.replace('_', '.')}={value}")]
    subprocess.run([release_binary("moldau"), "-b", broker.bootstrap, "topic", "create", topic, "-p", str(partitions),
                    *given], check=True, stdout=subprocess.DEVNULL, timeout=60)


def remove_topic(broker, topic):
    subprocess.run([release_binary("moldau"), "-b", broker.bootstrap, "topic", "delete", topic], check=True,
                   stdout=subprocess.DEVNULL, timeout=60)


def loop(what, broker, topic, partitions, record_bytes, count, *more):
    return run_json(peers.loop(), what, broker.bootstrap, topic, partitions, record_bytes, count, *more)


def java(tool, *arguments):
    """Output of one of Kafka's own performance tools."""
    install.ensure("kafka")
    classes = {"producer": "org.apache.kafka.tools.ProducerPerformance",
               "consumer": "org.apache.kafka.tools.ConsumerPerformance"}
    log4j = f"-Dlog4j2.configurationFile={brokers.HERE}/peers/log4j2-off.properties"
    done = subprocess.run(["java", "-Xmx512m", log4j, "-cp", install.KAFKA_CLASSPATH, classes[tool], *map(str, arguments)],
                          text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PROGRAM_SECONDS)
    if done.returncode != 0:
        raise brokers.BrokerFailed(f"{classes[tool]} failed:\n{done.stdout[-2000:]}")
    return done.stdout
