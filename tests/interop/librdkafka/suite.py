#!/usr/bin/env python3
"""Runs librdkafka's own regression suite against Apache Kafka, moldau or a broker by its address, by hand.

    suite.py kafka|moldau [TEST...]    starts the broker, runs the tests by number (all that fit without one), stops it
    suite.py HOST:PORT [TEST...]       runs them against a broker that is there, left as it is
    suite.py table                     compares what is kept of kafka and moldau

`run.sh` builds the suite, in the peers' folder; results and logs stay there too. The last result of a test is what
counts, so a table is made from short runs as well as from one long one. MOLDAU_BIN names the moldau binary and
SUITE_SECONDS the longest that one test may take; with SUITE_QUICK each does less.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import brokers  # noqa: E402

PEERS = Path(os.environ.get("MOLDAU_PEERS_DIR") or HERE.parents[2] / "build/peers").resolve()
WORK = PEERS / "librdkafka"
RUNNER = WORK / "build/tests/test-runner"
KAFKA_VERSION = "4.3.1"
SECONDS = int(os.environ.get("SUITE_SECONDS", "900"))

# In the runner's quick mode most subtests are left out.
QUICK = [] if os.environ.get("SUITE_QUICK") is None else ["-Q"]

# What a single broker without these can't show. The tests of the client's own mock cluster are left out by the runner.
LEFT_OUT = {
    "0098": "transactions", "0103": "transactions", "0129": "transactions",
    "0097": "TLS", "0115": "ACLs", "0119": "ACLs", "0126": "SASL", "0135": "SASL", "0142": "SASL",
    "0016": "trivup", "0101": "several brokers",
    "0139": "mock cluster", "0150": "mock cluster",
}
# The suite's scenarios; these tests are for a broker that creates no topic by itself.
NO_AUTO_CREATE = {"0107", "0111"}
# Tests that count assignments and want both members in the first one: without Kafka's own delay, who comes first is luck.
JOINED = {"0089", "0102", "0113", "0118"}
BOTH_SCENARIOS = {"0045"}
# These end at their first failure, and some of their parts need an authorizer or transactions: each of the others runs
# alone. A part is a function of the test, or words of its title.
PARTS = {"0061": ["without transactions"], "0137": [
    "consume_batch_with_seek", "consume_batch_store_offset", "consume_batch_with_pause_and_resume_different_batch",
    "consume_batch_with_pause_and_resume_same_batch",
], "0081": [
    "unclean_destroy", "CreateTopics", "DeleteTopics", "CreatePartitions", "AlterConfigs", "IncrementalAlterConfigs",
    "DescribeConfigs", "DescribeConfigs_groups", "DeleteRecords", "ListConsumerGroups", "DescribeConsumerGroups",
    "DescribeTopics", "DescribeCluster", "DeleteGroups", "DeleteConsumerGroupOffsets", "ListOffsets",
    "AlterConsumerGroupOffsets", "ListConsumerGroupOffsets",
]}
OUTCOME = re.compile(r"=+ Test (\S+) (PASSED|FAILED|SKIPPED) =+")
RUNNING = re.compile(r"=+ Running test (\S+) =+")


def numbers():
    found = {name[:4] for name in os.listdir(WORK / "source/tests") if re.match(r"0\d\d\d-.*\.(c|cpp)$", name)}
    return sorted(found - LEFT_OUT.keys())


def kafka_path():
    """A folder as of Kafka's distribution, with the one tool in it that the suite calls."""
    brokers.install.ensure("kafka")
    tool = WORK / "kafka/bin/kafka-topics.sh"
    tool.parent.mkdir(parents=True, exist_ok=True)
    tool.write_text("#!/bin/sh\nexec java " + " ".join(brokers.JVM) + f" -Dlog4j2.configurationFile={HERE.parent}"
                    f"/peers/log4j2-off.properties -cp '{brokers.install.KAFKA_CLASSPATH}' "
                    "org.apache.kafka.tools.TopicCommand \"$@\"\n")
    tool.chmod(0o755)
    return tool.parent.parent


def run_test(number, scenario, bootstrap, folder, part=None):
    """Outcomes by test name: a number may stand for several tests."""
    (folder / "test.conf").write_text(f"bootstrap.servers={bootstrap}\n")
    environment = {**os.environ, "TESTS": number, "TEST_KAFKA_VERSION": KAFKA_VERSION, "TEST_SCENARIO": scenario,
                   "CI": "true", "RDKAFKA_TEST_CONF": str(folder / "test.conf"),
                   "BROKERS": bootstrap, "KAFKA_PATH": str(kafka_path())}
    only = f"do_test_{part}:" if part and " " not in part else part
    if only:
        environment["SUBTESTS"] = only
    log = folder / "-".join([number, *([part.replace(" ", "-")] if part else []), f"{scenario}.log"])
    with open(log, "wb") as out:
        runner = subprocess.Popen([RUNNER, "-L", "-p1", *QUICK], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=out, start_new_session=True, preexec_fn=brokers.die_with_parent)
        try:
            ended = f"exit {runner.wait(SECONDS)}"
        except subprocess.TimeoutExpired:
            ended = "too slow"
            os.killpg(runner.pid, signal.SIGKILL)
            runner.wait()
    text = log.read_text(errors="replace")
    outcomes = {name: word.lower() for name, word in OUTCOME.findall(text)}
    for name in RUNNING.findall(text):
        outcomes.setdefault(name, ended if ended == "too slow" else "failed")
    if only and not re.search(re.escape(only) + r".*PASS \(", text):
        # Without one that runs, the runner calls it passed.
        outcomes = {name: "failed" for name in outcomes}
    return {f"{name} {part}" if part else name: outcome for name, outcome in outcomes.items()}


def run_tests(wanted, scenario, bootstrap, folder, after_each=lambda: None):
    for number in wanted:
        for part in PARTS.get(number, [None]):
            began = time.monotonic()
            outcomes = run_test(number, scenario, bootstrap, folder, part)
            spent = time.monotonic() - began
            with open(folder / "results.txt", "a") as results:
                for name, outcome in outcomes.items():
                    results.write(f"{name}\t{outcome}\n")
                    print(f"{name} {outcome} ({spent:.0f} s)", flush=True)
            after_each()


def run(kind, chosen):
    folder = WORK / f"run-{kind}"
    for name, scenario, properties, fits in (
            ("plain", "default", {}, lambda n: n not in NO_AUTO_CREATE | JOINED),
            ("joined", "default", {"group.initial.rebalance.delay.ms": "3000"}, lambda n: n in JOINED),
            ("noautocreate", "noautocreate", {"auto.create.topics.enable": "false"},
             lambda n: n in NO_AUTO_CREATE | BOTH_SCENARIOS)):
        wanted = [n for n in chosen or numbers() if fits(n)]
        if not wanted:
            continue
        shutil.rmtree(folder / f"broker-{name}", ignore_errors=True)
        broker = brokers.Broker(kind, folder / f"broker-{name}", {"num.partitions": "4", **properties})

        def revive():
            if not broker.alive():
                print(f"{kind} has died\n{broker.log_tail()}", flush=True)
                broker.kill()
                broker.start()

        try:
            broker.start()
            run_tests(wanted, scenario, broker.bootstrap, folder, revive)
            print(f"{kind} stopped with {broker.stop()}", flush=True)
        finally:
            broker.kill()


def run_at(bootstrap, chosen):
    folder = WORK / f"run-{bootstrap.replace(':', '-')}"
    folder.mkdir(parents=True, exist_ok=True)
    run_tests(chosen or [n for n in numbers() if n not in NO_AUTO_CREATE], "default", bootstrap, folder)


def table():
    last = {}
    for kind in ("kafka", "moldau"):
        for line in (WORK / f"run-{kind}/results.txt").read_text().splitlines():
            name, outcome = line.split("\t")
            last.setdefault(name, {})[kind] = outcome
    print("| Test | Kafka | moldau |\n|---|---|---|")
    for name in sorted(last):
        print(f"| {name} | {last[name].get('kafka', '-')} | {last[name].get('moldau', '-')} |")


if __name__ == "__main__":
    if sys.argv[1:] == ["table"]:
        table()
    elif sys.argv[1:2] in (["kafka"], ["moldau"]):
        run(sys.argv[1], sys.argv[2:])
    elif ":" in "".join(sys.argv[1:2]):
        run_at(sys.argv[1], sys.argv[2:])
    else:
        sys.exit(__doc__)
