"""Our client on three brokers of Apache Kafka, while leaders change: one killed, one stopped, both started again."""

import subprocess
import threading
import time

import brokers
from run import client_command

PARTITIONS = 6
SECONDS = 60
REPLICATED = {"offsets.topic.replication.factor": "3", "default.replication.factor": "3", "min.insync.replicas": "2"}


class Node(brokers.Broker):
    """A broker of a cluster whose first node is its controller."""

    # Three JVMs on two cores.
    ready_seconds = 150

    def __init__(self, folder, number, controller=None):
        self.cluster = controller.cluster if controller else brokers.new_cluster_id()
        self.role_flag = "--no-initial-controllers" if controller else "--standalone"
        ports = brokers.free_ports(2 * number)[-2:]
        properties = {**REPLICATED, "node.id": str(number)}
        if controller:
            properties |= {"process.roles": "broker",
                           "controller.quorum.bootstrap.servers": f"127.0.0.1:{controller.controller_port}",
                           "listeners": f"PLAINTEXT://127.0.0.1:{ports[0]}"}
        super().__init__("kafka", folder / str(number), properties, ports)

    def format_arguments(self):
        return [self.role_flag, "-t", self.cluster]


class Load:
    """The program that sends and reads, and the lines it says."""

    def __init__(self, nodes, topic):
        servers = ",".join(node.bootstrap for node in nodes)
        self.process = subprocess.Popen([*client_command("moldau"), servers, "steady", topic, str(PARTITIONS)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                        preexec_fn=brokers.die_with_parent)
        self.late = threading.Timer(200, self.process.kill)
        self.late.start()

    def progress(self):
        self.process.stdin.write("tell\n")
        self.process.stdin.flush()
        words = self.process.stdout.readline().split()
        if len(words) != 4:
            raise brokers.BrokerFailed(f"the client says {words}")
        return int(words[1]), int(words[3])

    def goes_on(self):
        """Until records are acknowledged and read that were not before."""
        sent, read = self.progress()
        deadline = time.monotonic() + SECONDS
        while True:
            now_sent, now_read = self.progress()
            if now_sent > sent + 100 and now_read > read + 100:
                return
            if time.monotonic() > deadline:
                raise brokers.BrokerFailed(f"stuck for {SECONDS} s at {now_sent} sent and {now_read} read")
            time.sleep(0.05)

    def finish(self):
        self.process.stdin.write("stop\n")
        self.process.stdin.flush()
        out, _ = self.process.communicate(timeout=120)
        return out.splitlines()

    def close(self):
        self.late.cancel()
        self.process.kill()
        self.process.communicate()


def create(node, topic):
    deadline = time.monotonic() + SECONDS
    while True:
        done = subprocess.run([*client_command("moldau"), node.bootstrap, "create", topic, str(PARTITIONS), "3"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        if done.returncode == 0:
            return
        # The other brokers may not have registered yet.
        if time.monotonic() > deadline:
            raise brokers.BrokerFailed(f"no topic: {done.stdout}")
        time.sleep(0.2)


def run(folder, report):
    first = Node(folder, 1)
    nodes = [first, Node(folder, 2, first), Node(folder, 3, first)]
    load = None
    try:
        first.start()
        for node in nodes[1:]:
            node.launch()
        for node in nodes[1:]:
            node.wait_until_ready()
        create(first, "leaders")
        load = Load(nodes, "leaders")
        steps = ((nodes[1].kill, "kill -9 of a broker"), (nodes[1].start, "its start"), (nodes[2].stop, "the stop of another"),
                 (nodes[2].start, "its start"))
        load.goes_on()
        for step, what in steps:
            begun = time.monotonic()
            step()
            try:
                load.goes_on()
            except brokers.BrokerFailed as why:
                report.failed(f"leaders: it goes on after {what}", str(why))
                return
            report.passed(f"leaders: it goes on after {what}", time.monotonic() - begun)
        for line in load.finish():
            word, _, rest = line.partition(" ")
            if word == "ok":
                report.passed(f"leaders: {rest}")
            elif word == "fail":
                report.failed("leaders", rest)
    finally:
        if load:
            load.close()
        for node in nodes:
            node.kill()
