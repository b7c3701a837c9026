"""Starts, stops, kills and restarts the two brokers that the interop tests compare: Apache Kafka and moldau.

Both take the same `server.properties` and the same directory, so `Broker.reopened_as` hands a directory from one to the
other. Ports are free ones of the loopback, kept for the life of a broker's folder so that clients find it again.
"""

import ctypes
import os
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid
import base64
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE / "peers"))
import install  # noqa: E402

READY_SECONDS = 60
STOP_SECONDS = 60
# The first compiler tier and the serial collector: short lives on two cores, a few hundred megabytes at most.
JVM = ["-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]

PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "8",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # A restarted Kafka waits until the session of its former life has ended.
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "3000",
    "group.initial.rebalance.delay.ms": "0",
    # The records of the tests carry timestamps of the past.
    "log.retention.ms": "-1",
}


LIBC = ctypes.CDLL(None)


def die_with_parent():
    """A broker doesn't outlive a test that was killed (PR_SET_PDEATHSIG)."""
    LIBC.prctl(1, signal.SIGKILL)


class BrokerFailed(Exception):
    """The broker didn't start or died; the text ends with its log."""


def free_ports(count):
    """Ports below the range that the kernel deals out to clients: a port must outlive a restart of its broker."""
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    start = 10000 + (os.getpid() * 37) % max(low - 11000, 1000)
    found = []
    for port in (*range(start, low), *range(10000, start)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise BrokerFailed("no free port on the loopback")


def new_cluster_id():
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    # The tool that formats would take it for an option.
    return new_cluster_id() if text.startswith("-") else text


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise ConnectionError("closed")
        data += part
    return data


def answers(port):
    """True once the broker on `port` answers ApiVersions v0 and, with Metadata v1, lists itself as alive."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.settimeout(10)

            def ask(api_key, version, body):
                client = b"ready"
                request = struct.pack(">hhih", api_key, version, 7, len(client)) + client + body
                connection.sendall(struct.pack(">i", len(request)) + request)
                size = struct.unpack(">i", read_exactly(connection, 4))[0]
                return read_exactly(connection, size)[4:]

            error = struct.unpack(">h", ask(18, 0, b"")[:2])[0]
            brokers = struct.unpack(">i", ask(3, 1, struct.pack(">i", 0))[:4])[0]
            return error == 0 and brokers > 0
    except (OSError, struct.error):
        return False


class Broker:
    """One broker process on one folder. `kind` is "kafka" or "moldau"; not for use from several threads."""

    ready_seconds = READY_SECONDS

    def __init__(self, kind, folder, properties=None, ports=None):
        self.kind = kind
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.controller_port = ports or free_ports(2)
        self.data = self.folder / "data"
        self.config = self.folder / f"{kind}.properties"
        self.log = self.folder / f"{kind}.log"
        self.properties = dict(properties or {})
        self.process = None
        self.write_config()

    @property
    def bootstrap(self):
        return f"127.0.0.1:{self.port}"

    def write_config(self):
        lines = {
            **PROPERTIES,
            "listeners": f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self.controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "controller.quorum.bootstrap.servers": f"127.0.0.1:{self.controller_port}",
            "log.dirs": str(self.data),
            # Only moldau has this port, and several of these brokers may run at once.
            **({"moldau.admin.port": "-1"} if self.kind == "moldau" else {}),
            **self.properties,
        }
        self.config.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))

    def reopened_as(self, kind, properties=None):
        """A stopped broker's folder and ports, for the other kind."""
        assert self.process is None
        return Broker(kind, self.folder, properties, (self.port, self.controller_port))

    def command(self):
        if self.kind == "moldau":
            binary = os.environ.get("MOLDAU_BIN")
            if not binary:
                raise BrokerFailed("MOLDAU_BIN names no moldau binary")
            return [binary, "start", str(self.config)]
        install.ensure("kafka")
        return ["java", *JVM, f"-Dlog4j2.configurationFile={HERE}/peers/log4j2.properties", "-cp",
                install.KAFKA_CLASSPATH, "kafka.Kafka", str(self.config)]

    def format(self):
        """Kafka wants its directory formatted; moldau does so at the first start."""
        if self.kind != "kafka" or (self.data / "meta.properties").exists():
            return
        install.ensure("kafka")
        done = subprocess.run(
            ["java", *JVM, f"-Dlog4j2.configurationFile={HERE}/peers/log4j2-off.properties", "-cp",
             install.KAFKA_CLASSPATH, "kafka.tools.StorageTool", "format", *self.format_arguments(), "-c",
             str(self.config)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise BrokerFailed(f"kafka-storage format failed:\n{done.stdout}")

    def format_arguments(self):
        return ["--standalone", "-t", new_cluster_id()]

    def launch(self):
        """Starts the process and doesn't wait for it."""
        assert self.process is None
        self.format()
        with open(self.log, "ab") as log:
            log.write(f"--- start of {self.kind} ---\n".encode())
            log.flush()
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            cwd=self.folder, start_new_session=True, preexec_fn=die_with_parent)
        return self

    def start(self):
        self.launch()
        return self.wait_until_ready()

    def wait_until_ready(self):
        deadline = time.monotonic() + self.ready_seconds
        while not answers(self.port):
            if self.process.poll() is not None:
                status, self.process = self.process.returncode, None
                raise BrokerFailed(f"{self.kind} ended with {status} before it was ready\n{self.log_tail()}")
            if time.monotonic() > deadline:
                self.kill()
                raise BrokerFailed(f"{self.kind} wasn't ready after {self.ready_seconds} s\n{self.log_tail()}")
            # Nothing announces readiness from outside, so the question is asked again shortly.
            time.sleep(0.02)
        return self

    def stop(self):
        """SIGTERM, and wait for the end. Returns the exit status."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BrokerFailed(f"{self.kind} didn't stop within {STOP_SECONDS} s\n{self.log_tail()}") from None
        self.process = None
        return status

    def kill(self):
        """kill -9."""
        if self.process is None:
            return
        self.process.kill()
        self.process.wait()
        self.process = None

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def restart(self, hard):
        if not self.alive():
            raise BrokerFailed(f"{self.kind} has died\n{self.log_tail()}")
        if hard:
            self.kill()
        else:
            self.stop()
        self.start()

    def log_tail(self, lines=60):
        text = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        return "\n".join(f"  {self.kind}| {line[:400]}" for line in text[-lines:])

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
