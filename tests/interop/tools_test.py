"""Kafka's tools print against moldau what they print against Apache Kafka, error messages included.

The same list of commands runs against each broker in a fresh directory; what differs from run to run is masked, all
else has to be equal. What Kafka printed is kept in the peers' folder until this file changes.
"""

import difflib
import hashlib
import json
import sys
from pathlib import Path

import brokers
import install
from tools import ToolHung, Tools, masked

HERE = Path(__file__).resolve().parent
NUMBERS = [(r"\d+(\.\d+)?", "N")]
SORTED = "sorted"


class Script:
    """Runs commands against one broker and keeps what they print, under the command's own text."""

    def __init__(self, tools, broker):
        self.tools = tools
        self.broker = broker
        self.transcript = {}

    def __call__(self, tool, *arguments, stdin="", mask=(), order=None, keep=None):
        server = ("--bootstrap-server", self.broker.bootstrap)
        # One tool wants its command first.
        given = (*arguments, *server) if tool == "cluster" else (*server, *arguments)
        status, output, errors = self.tools.run(tool, *given, stdin=stdin)
        lines = masked(output, mask)
        if keep:
            lines = [line for line in lines if keep(line)]
        if order == SORTED:
            lines = sorted(lines)
        name = f"kafka-{tool} " + " ".join(arguments).replace(str(self.broker.folder), "FOLDER")
        while name in self.transcript:
            name += " (again)"
        self.transcript[name] = [f"status {status}", *lines, *(f"stderr: {line}" for line in masked(errors, mask))]
        return output

    def file(self, name, content):
        path = self.broker.folder / name
        path.write_text(content)
        return str(path)


def topics(run):
    def topic(*arguments, **more):
        run("topics", *arguments, **more)

    topic("--create", "--topic", "alpha", "--partitions", "3", "--replication-factor", "1")
    topic("--create", "--topic", "alpha", "--partitions", "3", "--replication-factor", "1")
    topic("--create", "--topic", "alpha", "--if-not-exists", "--partitions", "3")
    topic("--create", "--topic", "beta", "--config", "retention.ms=123456", "--config", "cleanup.policy=compact")
    topic("--create", "--topic", "gamma.delta")
    topic("--create", "--topic", "gamma_delta")
    topic("--create", "--topic", "bad name")
    topic("--create", "--topic", "." * 2)
    topic("--create", "--topic", "x" * 250)
    topic("--create", "--topic", "many", "--replication-factor", "3")
    topic("--create", "--topic", "none", "--partitions", "0")
    topic("--create", "--topic", "wrong", "--config", "no.such.config=1")
    topic("--create", "--topic", "wrong", "--config", "retention.ms=soon")
    topic("--create", "--topic", "wrong", "--config", "min.insync.replicas=0")
    topic("--create", "--topic", "assigned", "--replica-assignment", "1,1")
    topic("--create", "--topic", "wrong", "--replica-assignment", "5")
    topic("--list", order=SORTED)
    topic("--list", "--exclude-internal", order=SORTED)
    topic("--describe", "--topic", "alpha")
    topic("--describe", "--topic", "beta")
    topic("--describe", "--topic", "assigned")
    topic("--describe", "--topic", "missing")
    topic("--describe", "--topic", "missing", "--if-exists")
    topic("--describe", "--topics-with-overrides", order=SORTED)
    topic("--describe", "--under-replicated-partitions")
    topic("--describe", "--unavailable-partitions")
    topic("--describe", "--under-min-isr-partitions")
    topic("--describe", "--at-min-isr-partitions", order=SORTED)
    topic("--alter", "--topic", "alpha", "--partitions", "5")
    topic("--alter", "--topic", "alpha", "--partitions", "2")
    topic("--alter", "--topic", "alpha", "--partitions", "5")
    topic("--alter", "--topic", "missing", "--partitions", "5")
    topic("--describe", "--topic", "alpha")
    topic("--delete", "--topic", "assigned")
    topic("--delete", "--topic", "missing")
    topic("--delete", "--topic", "missing", "--if-exists")
    topic("--list", order=SORTED)


def configs(run):
    def config(*arguments, **more):
        run("configs", *arguments, **more)

    of_topic = ("--entity-type", "topics", "--entity-name", "alpha")
    of_broker = ("--entity-type", "brokers", "--entity-name", "1")
    of_all = ("--entity-type", "brokers", "--entity-default")
    config("--describe", *of_topic)
    config("--describe", "--all", *of_topic, order=SORTED)
    config("--alter", *of_topic, "--add-config", "retention.ms=7777,segment.bytes=1048576")
    config("--alter", *of_topic, "--add-config", "cleanup.policy=[compact,delete]")
    config("--describe", *of_topic, order=SORTED)
    config("--alter", *of_topic, "--delete-config", "retention.ms")
    config("--alter", *of_topic, "--delete-config", "never.set")
    config("--alter", *of_topic, "--add-config", "no.such.config=1")
    config("--alter", *of_topic, "--add-config", "retention.ms=soon")
    config("--alter", *of_topic, "--add-config", "segment.bytes=1")
    config("--alter", *of_topic, "--add-config", "compression.type=rar")
    config("--alter", *of_topic, "--add-config", "min.insync.replicas=0")
    config("--describe", *of_topic, order=SORTED)
    config("--describe", "--entity-type", "topics", "--entity-name", "missing")
    config("--alter", "--entity-type", "topics", "--entity-name", "missing", "--add-config", "retention.ms=1")
    config("--describe", *of_broker, order=SORTED)
    config("--alter", *of_broker, "--add-config", "log.cleaner.threads=2")
    config("--alter", *of_all, "--add-config", "message.max.bytes=2000000")
    config("--describe", *of_broker, order=SORTED)
    config("--describe", *of_all, order=SORTED)
    config("--alter", *of_broker, "--delete-config", "log.cleaner.threads")
    config("--alter", *of_all, "--delete-config", "message.max.bytes")
    config("--alter", *of_broker, "--add-config", "node.id=7")
    config("--alter", *of_broker, "--add-config", "log.cleaner.threads=many")
    config("--alter", *of_broker, "--add-config", "message.max.bytes=-5")
    config("--describe", "--entity-type", "brokers", "--entity-name", "9")
    config("--alter", *of_topic, "--delete-config", "cleanup.policy")
    config("--describe", "--all", *of_topic, keep=lambda line: "segment.bytes" in line)


def records(run):
    folder = run.broker.folder
    run("console-producer", "--topic", "alpha", stdin="".join(f"line {i}\n" for i in range(20)))
    run("console-producer", "--topic", "beta", "--reader-property", "parse.key=true", "--reader-property",
        "key.separator=:", "--compression-codec", "zstd", stdin="a:1\nb:2\na:3\n")
    run("console-producer", "--topic", "gamma.delta", "--reader-property", "parse.headers=true", "--reader-property",
        "parse.key=true", stdin="h1:v1,h2:v2\tk\tvalue\n")
    run("console-consumer", "--topic", "alpha", "--from-beginning", "--max-messages", "20", "--timeout-ms", "20000", order=SORTED)
    show = ("--formatter-property", "print.key=true", "--formatter-property", "print.offset=true",
            "--formatter-property", "print.partition=true", "--formatter-property", "print.headers=true",
            "--formatter-property", "print.timestamp=true")
    run("console-consumer", "--topic", "beta", "--from-beginning", "--max-messages", "3", *show)
    run("console-consumer", "--topic", "gamma.delta", "--partition", "0", "--offset", "0", "--max-messages", "1", *show)
    run("console-consumer", "--topic", "beta", "--partition", "0", "--offset", "1", "--max-messages", "2")
    run("console-consumer", "--topic", "beta", "--partition", "7", "--offset", "1", "--timeout-ms", "2000")
    for time in ("-1", "-2", "-4", "-5", "latest", "earliest", "0", "99999999999999"):
        run("get-offsets", "--topic", "beta", "--time", time)
    run("get-offsets", "--topic", "missing")
    run("get-offsets", "--topic-partitions", "beta:0,gamma.*:0")
    run("get-offsets", "--topic", "beta", "--partitions", "0,5")
    run("delete-records", "--offset-json-file", run.file("some.json", json.dumps(
        {"version": 1, "partitions": [{"topic": "gamma.delta", "partition": 0, "offset": 1}]})))
    run("delete-records", "--offset-json-file", run.file("wrong.json", json.dumps(
        {"version": 1, "partitions": [{"topic": "gamma.delta", "partition": 0, "offset": 100},
                                      {"topic": "beta", "partition": 0, "offset": 1}]})), order=SORTED)
    run("get-offsets", "--topic", "gamma.delta", "--time", "earliest")
    run("get-offsets", "--topic", "gamma.delta", "--time", "latest")
    assert folder.exists()


def groups(run):
    def group(*arguments, **more):
        run("consumer-groups", *arguments, **more)

    for name, topic in (("readers", "alpha"), ("others", "beta")):
        run("console-consumer", "--topic", topic, "--group", name, "--from-beginning", "--max-messages", "3",
            "--timeout-ms", "20000", keep=lambda line: line.startswith("Processed"))
    group("--list", order=SORTED)
    group("--list", "--state", order=SORTED)
    group("--list", "--state", "Stable")
    group("--list", "--type", order=SORTED)
    run("groups", "--list", order=SORTED)
    group("--describe", "--group", "others")
    group("--describe", "--group", "others", "--state")
    group("--describe", "--group", "others", "--members")
    group("--describe", "--group", "others", "--members", "--verbose")
    group("--describe", "--group", "others", "--offsets", "--verbose")
    group("--describe", "--group", "missing")
    group("--describe", "--group", "missing", "--state")
    group("--describe", "--group", "missing", "--members")
    reset = ("--reset-offsets", "--group", "others", "--topic", "beta")
    for how in (("--to-earliest",), ("--to-latest",), ("--to-offset", "1"), ("--to-offset", "100"), ("--shift-by", "-1"),
                ("--shift-by", "50"), ("--to-datetime", "2020-01-01T00:00:00.000"), ("--by-duration", "PT0H1M"),
                ("--to-current",)):
        group(*reset, *how, "--dry-run")
    group(*reset, "--to-offset", "1", "--execute")
    group(*reset, "--to-earliest", "--export", "--dry-run")
    group("--reset-offsets", "--group", "others", "--from-file", run.file("reset.csv", "beta,0,2\n"), "--execute")
    group("--describe", "--group", "others")
    group("--reset-offsets", "--group", "brand-new", "--topic", "beta", "--to-earliest", "--execute")
    group("--describe", "--group", "brand-new")
    group("--reset-offsets", "--group", "others", "--topic", "missing", "--to-earliest", "--execute")
    group("--delete-offsets", "--group", "others", "--topic", "beta")
    group("--delete-offsets", "--group", "missing", "--topic", "beta")
    group("--delete", "--group", "others")
    group("--delete", "--group", "others")
    group("--delete", "--group", "missing", "--group", "brand-new", order=SORTED)
    group("--list", order=SORTED)


def cluster(run):
    run("cluster", "cluster-id")
    run("cluster", "list-endpoints", mask=[(r" \d{5} ", " PORT ")])
    run("features", "describe", keep=lambda line: "Feature:" in line, mask=[(r"Epoch: \d+", "Epoch: N")])
    run("features", "upgrade", "--feature", "metadata.version=99")
    run("features", "upgrade", "--feature", "no.such.feature=1")
    run("features", "downgrade", "--feature", "metadata.version=1")
    run("metadata-quorum", "describe", "--status", mask=[(r"(Offset|Epoch|Watermark|Lag|TimeMs): +\d+", r"\1: N"),
                                                         (r"HOST:PORT", "HOST")])
    run("metadata-quorum", "describe", "--replication",
        mask=[(r"^(1\s+\S+\s+)\d+(\s+0\s+)-?\w+(\s+)-?\w+", r"\1N\2T\3T")])
    run("log-dirs", "--describe", "--topic-list", "alpha,beta", order=SORTED,
        mask=[(r'"size":\d+', '"size":N'), (r"(?<=\{)?\"partition\":\"(alpha|beta)-\d\"", r'"partition":"\1-N"')])
    run("log-dirs", "--describe", "--broker-list", "1,9")
    run("transactions", "describe-producers", "--topic", "beta", "--partition", "0",
        mask=[(r"^\d+(\s+\d+\s)", r"ID\1"), (r"^ID(\s+\d+\s+)-?\d+", r"ID\1-1")])


def load(run):
    run("topics", "--create", "--topic", "load", "--partitions", "2")
    run("producer-perf", "--topic", "load", "--num-records", "2000", "--record-size", "100", "--throughput", "-1",
        mask=NUMBERS)
    run("consumer-perf", "--topic", "load", "--num-records", "2000", mask=[*NUMBERS, (r"TIME.*", "LINE")])
    run("e2e-latency", "--topic", "load", "--num-records", "20", "--producer-acks", "all", "--record-size", "100",
        mask=NUMBERS, keep=lambda line: "Avg" in line or "Percentiles" in line)
    run("verifiable-producer", "--topic", "load", "--max-messages", "5", "--acks", "-1", order=SORTED,
        mask=[(r'"(timestamp|offset|partition|avg_throughput|target_throughput)":[-\d.]+', r'"\1":N')])
    run("verifiable-consumer", "--topic", "load", "--group-id", "verifiable", "--max-messages", "2005", "--reset-policy",
        "earliest", "--enable-autocommit", keep=lambda line: '"offsets_committed"' not in line and '"records_consumed"' not in line,
        mask=[(r'"(timestamp|count|minOffset|maxOffset|offset)":\d+', r'"\1":N'),
                                 (r'"offset":N,"topic":"load","partition":\d', '"offset":N')], order=SORTED)


SECTIONS = [topics, configs, records, groups, cluster, load]


def transcript(kind, folder):
    """Kafka's producer-perf has hung once against each broker, and not again in 34 whole runs, for no reason found yet: a
    run in which that tool hangs says where it stood and is repeated once, from an empty folder. No other tool may."""
    try:
        return one_transcript(kind, folder / "first")
    except ToolHung as hung:
        if hung.tool != "producer-perf":
            raise
        print(f"REPEATED  {hung}", file=sys.stderr, flush=True)
        return one_transcript(kind, folder / "second")


def one_transcript(kind, folder):
    with brokers.Broker(kind, folder) as broker, Tools() as tools:
        run = Script(tools, broker)
        for section in SECTIONS:
            section(run)
        tools.close()
        return run.transcript


def wanted(folder):
    """What the commands print against Kafka."""
    sources = [HERE / "tools_test.py", HERE / "tools.py", HERE / "brokers.py", HERE / "peers" / "pom.xml"]
    key = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    kept = install.PEERS / f"tools-{key}.json"
    if not kept.exists():
        text = json.dumps(transcript("kafka", folder), indent=1)
        kept.write_text(text)
    return json.loads(kept.read_text())


def run(kind, folder, report):
    golden = wanted(folder / "kafka")
    found = transcript(kind, folder / kind / "again")
    for name, lines in golden.items():
        got = found.get(name, [])
        report.check(f"tools: {name}", lines == got, lambda: "\n".join(
            difflib.unified_diff(lines, got, "Apache Kafka", kind, lineterm="", n=1)))
