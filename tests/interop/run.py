#!/usr/bin/env python3
"""Runs real clients against a broker and counts what they find.

    run.py [--broker kafka|moldau] [--keep] [NAME...]

NAME is a client (java, confluent, aiokafka, franz, sarama, kafkajs, kcat), `tools` or `directory`; all of these without
one. `moldau` is our own client, `mixed` has it in groups with others, `leaders` runs it on three brokers of Apache Kafka;
they need its program, MOLDAU_CLIENT. The broker is moldau when MOLDAU_BIN names its binary, else Apache Kafka, which has to pass everything too.

A client program gets a bootstrap address and prints a line for each thing that it has found out:

    ok NAME                 fail NAME: TEXT
    broker stop             please stop and start the broker; "done" on standard input tells that it is back
    broker kill             the same with kill -9
    end                     nothing was left out
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import brokers
import install
from report import Report
from tools import ToolFailed

HERE = Path(__file__).resolve().parent
CLIENT_SECONDS = 150


def java_command(program):
    install.ensure("java")
    return ["java", *brokers.JVM, f"-Dlog4j2.configurationFile={HERE}/peers/log4j2-off.properties", "-cp",
            f"{install.JAVA_CLASSES}:{install.KAFKA_CLASSPATH}", program]


def client_command(name):
    clients = HERE / "clients"
    if name == "moldau":
        if "MOLDAU_CLIENT" not in os.environ:
            raise brokers.BrokerFailed("MOLDAU_CLIENT names no interop_client binary")
        return [os.environ["MOLDAU_CLIENT"]]
    if name == "java":
        return java_command("Client")
    if name in ("franz", "sarama"):
        install.ensure("go")
        return [str(install.PEERS / "go" / name)]
    if name == "kafkajs":
        install.ensure("node")
        return [str(install.node()), "--no-deprecation", "--no-warnings", str(clients / "kafkajs_client.js"),
                str(install.PEERS / "node" / "node_modules")]
    install.ensure("python", *(["kcat"] if name == "kcat" else []))
    return [str(install.PYTHON), "-u", str(clients / f"{name}_client.py")]


def run_client(name, broker, report):
    """Runs one client's program to its end, and restarts the broker when it asks for that."""
    process = subprocess.Popen([*client_command(name), broker.bootstrap], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=broker.folder,
                               preexec_fn=brokers.die_with_parent)
    late = threading.Timer(CLIENT_SECONDS, process.kill)
    late.start()
    ended = False
    noise = []
    started = time.monotonic()
    try:
        for raw in process.stdout:
            line = raw.decode(errors="replace").rstrip()
            word, _, rest = line.partition(" ")
            if word == "ok":
                report.passed(f"{name}: {rest}", time.monotonic() - started)
                started = time.monotonic()
            elif word == "fail":
                what, _, why = rest.partition(": ")
                report.failed(f"{name}: {what}", why)
                started = time.monotonic()
            elif line in ("broker stop", "broker kill"):
                broker.restart(hard=line == "broker kill")
                process.stdin.write(b"done\n")
                process.stdin.flush()
            elif line == "end":
                ended = True
            else:
                noise.append(line)
        status = process.wait()
    finally:
        late.cancel()
        process.kill()
        process.wait()
    if not ended or status != 0:
        report.failed(f"{name}: runs to its end", f"exit status {status}\n" + "\n".join(noise[-20:]))
    elif report.verbose:
        print("\n".join(noise[-20:]))
    if not broker.alive():
        report.failed(f"{name}: the broker lives on", "it has died")


def run_suite(name, kind, folder, report):
    if name == "tools":
        import tools_test

        return tools_test.run(kind, folder, report)
    if name == "directory":
        import directory_test

        return directory_test.run(kind, folder, report)
    if name == "mixed":
        import client_mixed

        return client_mixed.run(kind, folder, report)
    if name == "leaders":
        import client_leaders

        return client_leaders.run(folder, report)
    before = report.failures
    with brokers.Broker(kind, folder) as broker:
        try:
            run_client(name, broker, report)
            broker.stop()
        finally:
            if report.failures != before:
                print(broker.log_tail(), flush=True)


CLIENTS = ["java", "confluent", "aiokafka", "franz", "sarama", "kafkajs", "kcat"]
NAMES = [*CLIENTS, "tools", "directory"]
OUR_NAMES = ["moldau", "mixed", "leaders"]


def main():
    parser = argparse.ArgumentParser(description="Real clients against a broker.")
    parser.add_argument("--broker", choices=["kafka", "moldau"],
                        default="moldau" if os.environ.get("MOLDAU_BIN") else "kafka")
    parser.add_argument("--keep", action="store_true", help="keep the broker's folder")
    parser.add_argument("-v", "--verbose", action="store_true", help="print every check and each client's own output")
    parser.add_argument("--only", metavar="TEXT", default="", help="of a client, only the checks that have this in their name")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES + OUR_NAMES))
    options = parser.parse_args()
    for name in options.names:
        if name not in NAMES + OUR_NAMES:
            parser.error(f"no suite is called {name}: choose from {', '.join(NAMES + OUR_NAMES)}")
    if options.only:
        os.environ["MOLDAU_INTEROP_ONLY"] = options.only
    report = Report(options.verbose)
    for name in options.names or NAMES:
        started = time.monotonic()
        folder = Path(tempfile.mkdtemp(prefix=f"moldau-interop-{name}-"))
        try:
            run_suite(name, options.broker, folder, report)
        except (brokers.BrokerFailed, ToolFailed) as failure:
            report.failed(f"{name}: runs to its end", str(failure))
        finally:
            if options.keep:
                print(f"kept: {folder}")
            else:
                shutil.rmtree(folder, ignore_errors=True)
        print(f"{name} against {options.broker}: {time.monotonic() - started:.1f} s", flush=True)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
