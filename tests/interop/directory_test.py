"""One directory, two brokers: each opens what the other wrote, and nothing is lost on the way.

Against Kafka alone (`--broker kafka`) the same steps run with Kafka in both parts, which shows that the test is right.
"""

import json
import re
import subprocess

import brokers
import install
from tools import ToolFailed, Tools, masked

AUTHORIZED = {"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "super.users": "User:ANONYMOUS"}
# Snapshots of the metadata log must come in seconds, so that both brokers read one that the other wrote.
SNAPSHOTS = {"metadata.log.max.record.bytes.between.snapshots": "200"}
COUNT = 300
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def kcat(broker, *arguments, data=None):
    try:
        done = subprocess.run(["kcat", "-b", broker.bootstrap, "-X", "log_level=0", *arguments], input=data,
                              capture_output=True, timeout=20)
    except subprocess.TimeoutExpired:
        raise brokers.BrokerFailed(f"kcat {' '.join(arguments)} ran for more than 20 s\n{broker.log_tail()}") from None
    if done.returncode != 0:
        raise brokers.BrokerFailed(f"kcat {' '.join(arguments)}: {done.stderr.decode()}\n{broker.log_tail()}")
    return done.stdout


def lines(topic, first, count):
    return "".join(f"{topic}-{i}\t" + "v" * (i * 37 % 700) + f"{i}\n" for i in range(first, first + count)).encode()


def write(broker, first):
    """Keyed records of every codec, from an idempotent producer."""
    for codec in CODECS:
        kcat(broker, "-P", "-t", f"data-{codec}", "-p", "0", "-K", "\t", "-z", codec, "-H", "from=test", "-X",
             "enable.idempotence=true", data=lines(codec, first, COUNT))


def check_data(report, name, broker, count):
    for codec in CODECS:
        got = kcat(broker, "-C", "-t", f"data-{codec}", "-p", "0", "-o", "beginning", "-e", "-q", "-K", "\t")
        report.check(f"directory: {name}: {codec} records", got == lines(codec, 0, count),
                     f"{len(got)} bytes differ from {len(lines(codec, 0, count))}")


def group_offsets(broker, tools, group):
    output = tools.must("consumer-groups", "--bootstrap-server", broker.bootstrap, "--describe", "--group", group)
    return sorted(re.findall(rf"^{group}\s+(\S+)\s+(\d+)\s+(\d+)\s", output, re.MULTILINE))


def description(broker, tools):
    """Topics with their ids and configs."""
    output = tools.must("topics", "--bootstrap-server", broker.bootstrap, "--describe")
    return sorted(line for line in output.splitlines() if line.startswith("Topic:") and "__" not in line)


def populate(broker, tools):
    """What both parts start with: configs, a deleted topic, a compacted one, deleted records, a classic group."""
    server = ("--bootstrap-server", broker.bootstrap)
    for codec in CODECS:
        tools.must("topics", *server, "--create", "--topic", f"data-{codec}", "--partitions", "2")
    tools.must("topics", *server, "--create", "--topic", "gone")
    tools.must("topics", *server, "--create", "--topic", "compacted", "--config", "cleanup.policy=compact", "--config",
               "retention.ms=987654321")
    tools.must("topics", *server, "--alter", "--topic", "compacted", "--partitions", "3")
    tools.must("configs", *server, "--alter", "--entity-type", "brokers", "--entity-default", "--add-config",
               "message.max.bytes=2222222")
    tools.must("topics", *server, "--delete", "--topic", "gone")
    write(broker, 0)
    kcat(broker, "-P", "-t", "compacted", "-p", "0", "-K", ":", "-Z", data=b"a:1\nb:2\na:\n")
    tools.must("consumer-groups", *server, "--group", "classic", "--reset-offsets", "--topic", "data-gzip:0", "--to-offset",
               "123", "--execute")


def dump(report, tools, broker, kind):
    """kafka-dump-log reads every file of a stopped broker's directory."""
    bad = re.compile(r"Found timestamp mismatch|Non-consecutive|Index mismatch|Could not|Exception|isvalid: false", re.IGNORECASE)
    for path in sorted(broker.data.rglob("*")):
        if path.suffix not in (".log", ".index", ".timeindex", ".snapshot", ".checkpoint") or path.name == "bootstrap.checkpoint":
            continue
        decoder = []
        if path.parent.name.startswith("__cluster_metadata"):
            decoder = ["--cluster-metadata-decoder"]
        elif path.parent.name.startswith("__consumer_offsets"):
            decoder = ["--offsets-decoder"]
        extra = ["--print-data-log"] if path.suffix in (".log", ".checkpoint") else ["--index-sanity-check"] if "index" in path.suffix else []
        status, output, errors = tools.run("dump-log", "--files", str(path), "--deep-iteration", *extra, *decoder)
        trouble = [line[:300] for line in (output + errors).splitlines() if bad.search(line)]
        report.check(f"directory: kafka-dump-log reads {kind}'s {path.relative_to(broker.data)}", status == 0 and not trouble,
                     "\n".join([f"status {status}", *trouble[:5], *masked(errors)[:5]]))


def first_part(kind, folder, report):
    """The broker under test writes, Kafka reads and goes on, the broker under test reads that."""
    with Tools() as tools:
        ours = brokers.Broker(kind, folder, SNAPSHOTS)
        with ours:
            populate(ours, tools)
            described = description(ours, tools)
            ours.stop()
        dump(report, tools, ours, kind)
        for name, how in (("after a clean stop", "stop"), ("after kill -9", "kill")):
            theirs = ours.reopened_as("kafka", SNAPSHOTS)
            with theirs:
                part = f"Kafka opens {kind}'s directory {name}"
                check_data(report, part, theirs, COUNT if how == "stop" else 3 * COUNT)
                now = description(theirs, tools)
                report.check(f"directory: {part}: topics", now == described, lambda: f"{described}\n{now}")
                offsets = group_offsets(theirs, tools, "classic")
                report.check(f"directory: {part}: group offsets", offsets == [("data-gzip", "0", "123")], str(offsets))
                write(theirs, COUNT if how == "stop" else 3 * COUNT)
                theirs.stop()
            ours = theirs.reopened_as(kind, SNAPSHOTS)
            with ours:
                part = f"{kind} opens Kafka's directory {name}"
                check_data(report, part, ours, 2 * COUNT if how == "stop" else 4 * COUNT)
                now = description(ours, tools)
                report.check(f"directory: {part}: topics", now == described, lambda: f"{described}\n{now}")
                write(ours, 2 * COUNT if how == "stop" else 4 * COUNT)
                if how == "stop":
                    ours.kill()
                else:
                    ours.stop()
        tools.close()


def unbuilt(broker, tools):
    """What moldau doesn't serve yet and must keep: ACLs, SCRAM users, quotas, and what is in consumer groups of KIP-848."""
    server = ("--bootstrap-server", broker.bootstrap)
    found = {
        "ACLs": sorted(masked(tools.must("acls", *server, "--list"))),
        "SCRAM users": sorted(", ".join(sorted(re.split(", | are ", line))) for line in
                              masked(tools.must("configs", *server, "--describe", "--entity-type", "users"))),
        "client quotas": sorted(masked(tools.must("configs", *server, "--describe", "--entity-type", "clients"))),
        "topics": description(broker, tools),
        "offsets of a KIP-848 group": group_offsets(broker, tools, "modern"),
        "offsets of a classic group": group_offsets(broker, tools, "classic"),
        "groups": sorted(masked(tools.must("groups", *server, "--list"))),
        "features": sorted(line for line in masked(tools.must("features", *server, "describe"), [(r"Epoch: \d+", "")])
                           if line.startswith("Feature")),
    }
    return found


def modern_group(broker):
    """A group of the new consumer protocol that has committed."""
    script = (
        "import sys, time\n"
        "from confluent_kafka import Consumer\n"
        "c = Consumer({'bootstrap.servers': sys.argv[1], 'group.id': 'modern', 'group.protocol': 'consumer',"
        " 'auto.offset.reset': 'earliest', 'enable.auto.commit': False, 'log_level': 0})\n"
        "c.subscribe(['data-zstd'])\n"
        "got = 0\n"
        "late = time.monotonic() + 30\n"
        "while got < 50 and time.monotonic() < late:\n"
        "    m = c.poll(0.5)\n"
        "    if m is not None and not m.error():\n"
        "        got += 1\n"
        "        c.commit(m, asynchronous=False)\n"
        "c.close()\n"
        "sys.exit(0 if got == 50 else 1)\n")
    done = subprocess.run([str(install.PYTHON), "-c", script, broker.bootstrap], capture_output=True, timeout=60)
    if done.returncode != 0:
        raise brokers.BrokerFailed(f"no KIP-848 group: {done.stderr.decode()[-500:]}")


def second_part(kind, folder, report):
    """Kafka writes what moldau can't serve yet; moldau works on that directory; Kafka finds all of it again."""
    with Tools() as tools:
        theirs = brokers.Broker("kafka", folder, {**SNAPSHOTS, **AUTHORIZED})
        with theirs:
            server = ("--bootstrap-server", theirs.bootstrap)
            populate(theirs, tools)
            tools.must("acls", *server, "--add", "--allow-principal", "User:alice", "--operation", "Read", "--topic", "data-gzip")
            tools.must("acls", *server, "--add", "--deny-principal", "User:mallory", "--operation", "All", "--group", "*",
                       "--resource-pattern-type", "literal")
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
                tools.must("configs", *server, "--alter", "--entity-type", "users", "--entity-name", "alice", "--add-config",
                           f"{mechanism}=[iterations=4096,password=secret]")
            tools.must("configs", *server, "--alter", "--entity-type", "users", "--entity-name", "bob", "--add-config",
                       "producer_byte_rate=1024")
            tools.must("configs", *server, "--alter", "--entity-type", "clients", "--entity-name", "app", "--add-config",
                       "consumer_byte_rate=2048,request_percentage=50")
            modern_group(theirs)
            before = unbuilt(theirs, tools)
            theirs.stop()
        properties = SNAPSHOTS if kind == "moldau" else {**SNAPSHOTS, **AUTHORIZED}
        ours = theirs.reopened_as(kind, properties)
        with ours:
            check_data(report, f"{kind} opens a full directory of Kafka's", ours, COUNT)
            offsets = group_offsets(ours, tools, "classic")
            report.check(f"directory: {kind} finds a classic group of Kafka's", offsets == before["offsets of a classic group"],
                         str(offsets))
            write(ours, COUNT)
            for i in range(12):
                tools.must("configs", "--bootstrap-server", ours.bootstrap, "--alter", "--entity-type", "topics",
                           "--entity-name", "data-none", "--add-config", f"retention.ms={10**9 + i}")
            tools.must("configs", "--bootstrap-server", ours.bootstrap, "--alter", "--entity-type", "topics", "--entity-name",
                       "data-none", "--delete-config", "retention.ms")
            ours.stop()
        theirs = ours.reopened_as("kafka", {**SNAPSHOTS, **AUTHORIZED})
        with theirs:
            after = unbuilt(theirs, tools)
            for name, wanted in before.items():
                report.check(f"directory: Kafka finds its {name} after {kind}", wanted and wanted == after[name],
                             lambda: f"before: {wanted}\nafter:  {after[name]}")
            check_data(report, f"Kafka opens its directory after {kind}", theirs, 2 * COUNT)
            theirs.stop()
        tools.close()


SPREAD = 6


def directory_ids(broker):
    """The log directories by the ids that the metadata has for them."""
    return {re.search(r"^directory\.id=(.*)$", (path / "meta.properties").read_text(), re.MULTILINE)[1].replace("\\", ""): path
            for path in (broker.data, broker.folder / "more")}


def places(broker):
    """Where each partition of topic "spread" lies, by the directory's id."""
    return {int(found.name.rpartition("-")[2]): id for id, path in directory_ids(broker).items()
            for found in path.glob("spread-?")}


def assignments(broker, tools):
    """Each assignment of a partition to directories that the metadata log of a stopped broker holds, in its order."""
    found = []
    for path in sorted((broker.data / "__cluster_metadata-0").glob("*.log")):
        output = tools.must("dump-log", "--files", str(path), "--cluster-metadata-decoder")
        for record in map(json.loads, re.findall(r"payload: (\{.*\})", output)):
            if record["type"] in ("PARTITION_RECORD", "PARTITION_CHANGE_RECORD") and record["data"].get("directories"):
                found.append((record["data"]["topicId"], record["data"]["partitionId"], record["data"]["directories"]))
    return found


def third_part(kind, folder, report):
    """Two log directories: each broker finds the partitions where the other's metadata says they are."""
    properties = {"log.dirs": f"{folder}/data,{folder}/more"}
    with Tools() as tools:
        ours = brokers.Broker(kind, folder, properties)
        with ours:
            tools.must("topics", "--bootstrap-server", ours.bootstrap, "--create", "--topic", "spread", "--partitions", str(SPREAD))
            for partition in range(SPREAD):
                kcat(ours, "-P", "-t", "spread", "-p", str(partition), data=f"record of {partition}\n".encode())
            ours.stop()
        at_first = places(ours)
        report.check(f"directory: {kind} uses both directories", len(at_first) == SPREAD and len(set(at_first.values())) == 2,
                     str(at_first))
        told = assignments(ours, tools)
        topic = told[-1][0]
        report.check(f"directory: {kind}'s metadata says where each partition lies",
                     {partition: ids[0] for id, partition, ids in told if id == topic} == at_first, lambda: f"{told}\n{at_first}")
        for other in ("kafka", kind):
            ours = ours.reopened_as(other, properties)
            with ours:
                for partition in range(SPREAD):
                    got = kcat(ours, "-C", "-t", "spread", "-p", str(partition), "-o", "beginning", "-e", "-q")
                    report.check(f"directory: {other} finds partition {partition} of two directories",
                                 got == f"record of {partition}\n".encode(), repr(got))
                ours.stop()
            report.check(f"directory: {other} leaves the partitions where they are", places(ours) == at_first,
                         lambda: f"{at_first}\n{places(ours)}")
            now = assignments(ours, tools)
            report.check(f"directory: {other} has nothing to correct in the metadata", now == told, lambda: str(now[len(told):]))
        tools.close()


def run(kind, folder, report):
    install.ensure("java", "python", "kcat")
    for part, steps in (("first", first_part), ("second", second_part), ("third", third_part)):
        try:
            steps(kind, folder / part, report)
        except (brokers.BrokerFailed, ToolFailed) as failure:
            report.failed(f"directory: the {part} part runs to its end", str(failure))
