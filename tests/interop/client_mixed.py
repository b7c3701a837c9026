"""Our client in groups with members of kafka-clients and confluent-kafka, its partitioner beside Java's, and Java's
transactions as it reads them."""

import collections
import subprocess
import threading
import time

import brokers
import install
from report import Report
from run import client_command, java_command

SECONDS = 40
PARTITIONS = 6
# librdkafka has no sticky assignor of the eager kind: there Java sends two members.
GROUPS = {"range": ("ours", "java", "confluent"), "roundrobin": ("ours", "java", "confluent"),
          "sticky": ("ours", "java", "java"), "cooperative-sticky": ("ours", "java", "confluent")}


class Members:
    """One program of a client: sends it lines, and keeps what it says."""

    def __init__(self, command, broker):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        text=True, cwd=broker.folder, preexec_fn=brokers.die_with_parent)
        self.changed = threading.Condition()
        self.owned = {}
        self.reads = collections.defaultdict(list)
        self.said = []
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        for line in self.process.stdout:
            what, name, *rest = line.split(maxsplit=2) + [""]
            with self.changed:
                if what == "owned":
                    self.owned[name] = set() if rest[0].strip() == "-" else set(map(int, rest[0].split(",")))
                elif what == "read":
                    self.reads[name].append(rest[0].split()[1])
                elif what == "left":
                    self.owned.pop(name, None)
                self.said.append(line.rstrip())
                self.changed.notify_all()

    def tell(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def failures(self, prefix):
        return [line for line in list(self.said) if line.startswith(f"failed {prefix}")]

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.thread.join()
        self.process.stdout.close()


class NotSoon(Exception):
    pass


class Group:
    """Members of several programs in one group; each step waits until all agree on who owns what."""

    def __init__(self, programs, strategy):
        self.programs = programs
        self.strategy = strategy
        self.name = f"mixed-{strategy}"
        self.members = {}
        self.count = 0
        self.sent = 0

    def join(self, program):
        self.count += 1
        name = f"{self.strategy}-{program}-{self.count}"
        self.members[name] = self.programs[program]
        self.programs[program].tell("join", name, self.name, self.strategy, self.name)
        return name

    def leave(self, name):
        self.members.pop(name).tell("leave", name)

    def wait(self, what, condition):
        deadline = time.monotonic() + SECONDS
        while not condition():
            failed = [line for program in self.programs.values() for line in program.failures(f"{self.strategy}-")]
            if failed or time.monotonic() > deadline:
                raise NotSoon(f"{what}: {self.ownership()}; {failed}; reads {self.reads()}")
            time.sleep(0.02)

    def ownership(self):
        return {name: sorted(program.owned.get(name, ())) for name, program in self.members.items()}

    def shared_evenly(self):
        """All partitions are owned, each by one, and nobody owns two more than another."""
        owned = list(self.ownership().values())
        sizes = [len(each) for each in owned]
        return sorted(sum(owned, [])) == list(range(PARTITIONS)) and max(sizes) - min(sizes) <= 1

    def reads(self):
        return sum(len(reads) for program in set(self.programs.values()) for name, reads in list(program.reads.items())
                   if name.startswith(f"{self.strategy}-") and name.split("-")[-2] in self.programs)

    def produce(self, broker, count=30):
        lines = "".join(f"{n}\n" for n in range(self.sent, self.sent + count))
        for partition in range(PARTITIONS):
            part = "".join(f"{line}\n" for line in lines.split()[partition::PARTITIONS])
            subprocess.run(["kcat", "-b", broker.bootstrap, "-P", "-t", self.name, "-p", str(partition)], input=part,
                           text=True, check=True, timeout=30)
        self.sent += count

    def settle(self, broker, what):
        self.wait(f"{what}: shared evenly", self.shared_evenly)
        self.produce(broker)
        self.wait(f"{what}: all is read", lambda: self.reads() >= self.sent)

    def run(self, broker):
        first, second, third = GROUPS[self.strategy]
        leader = self.join(first)
        self.settle(broker, "ours alone")
        other = self.join(second)
        self.settle(broker, "with a second member")
        self.join(third)
        self.settle(broker, "with a third member")
        # Another client's member leads from here on, and divides with what ours says of itself.
        self.leave(leader)
        self.settle(broker, "led by another")
        self.join(first)
        self.settle(broker, "ours again, led by another")
        self.leave(other)
        self.settle(broker, "after another has left")
        values = collections.Counter(value for program in set(self.programs.values())
                                     for name, reads in program.reads.items() if name.startswith(f"{self.strategy}-")
                                     for value in reads)
        twice = {value: times for value, times in values.items() if times != 1}
        if twice or len(values) != self.sent:
            raise NotSoon(f"{len(values)} of {self.sent} values, not once: {dict(list(twice.items())[:10])}")


def create(broker, topic, partitions):
    subprocess.run([client_command("moldau")[0], broker.bootstrap, "create", topic, str(partitions)], check=True,
                   timeout=60)


def run_groups(broker, programs, report):
    def one(strategy):
        started = time.monotonic()
        group = Group(programs, strategy)
        try:
            create(broker, group.name, PARTITIONS)
            group.run(broker)
            report.passed(f"mixed: group, {strategy}", time.monotonic() - started)
        except (NotSoon, subprocess.SubprocessError) as why:
            report.failed(f"mixed: group, {strategy}", str(why))

    threads = [threading.Thread(target=one, args=(strategy,)) for strategy in GROUPS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def wait_for_line(program, start):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for line in list(program.said):
            if line.startswith(start):
                return line
        time.sleep(0.02)
    return f"nothing in 60 s; {program.said[-3:]}"


def run_keys(broker, programs, report):
    create(broker, "keys", 17)
    sent = subprocess.run([client_command("moldau")[0], broker.bootstrap, "keys", "keys", "100000"], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    programs["java"].tell("keys", "keys", 100000)
    found = wait_for_line(programs["java"], "keys ")
    report.check("mixed: 100,000 keys lie where Java puts them", found == "keys keys 100000 seen 0 elsewhere",
                 f"{found}; {sent.stdout}")


def run_transactions(broker, programs, report):
    create(broker, "transactions", 1)
    programs["java"].tell("transactions", "transactions")
    wait_for_line(programs["java"], "written ")

    def values(level):
        done = subprocess.run([client_command("moldau")[0], broker.bootstrap, "values", "transactions", level], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return done.stdout.splitlines()

    kept = [f"kept {i}" for i in range(0, 20, 2) for _ in range(3)]
    everything = [f"{'aborted' if i % 2 else 'kept'} {i}" for i in range(20) for _ in range(3)]
    got = values("read_committed")
    report.check("mixed: read_committed leaves out what was aborted", got == kept, f"{got[:8]} of {len(got)}")
    got = values("read_uncommitted")
    report.check("mixed: read_uncommitted shows everything", got == everything, f"{got[:8]} of {len(got)}")


def run(kind, folder, report: Report):
    install.ensure("java", "python", "kcat")
    with brokers.Broker(kind, folder) as broker:
        programs = {"ours": Members([*client_command("moldau"), broker.bootstrap, "members"], broker),
                    "java": Members([*java_command("Members"), broker.bootstrap], broker),
                    "confluent": Members([str(install.PYTHON), "-u", str(brokers.HERE / "clients/confluent_members.py"),
                                          broker.bootstrap], broker)}
        failures = report.failures
        try:
            run_groups(broker, programs, report)
            run_keys(broker, programs, report)
            # moldau's broker has no transactions yet.
            if kind == "kafka":
                run_transactions(broker, programs, report)
        finally:
            for program in programs.values():
                program.close()
            if report.failures != failures:
                print(broker.log_tail(), flush=True)
