"""Kafka's command-line tools, run in one JVM (clients/java/Tools.java), and their output made comparable."""

import base64
import re
import select
import signal
import subprocess

import brokers
import install

TOOL_SECONDS = 40

CLASSES = {
    "topics": "org.apache.kafka.tools.TopicCommand",
    "configs": "kafka.admin.ConfigCommand",
    "acls": "org.apache.kafka.tools.AclCommand",
    "consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "groups": "org.apache.kafka.tools.GroupsCommand",
    "get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "producer-perf": "org.apache.kafka.tools.ProducerPerformance",
    "consumer-perf": "org.apache.kafka.tools.ConsumerPerformance",
    "e2e-latency": "org.apache.kafka.tools.EndToEndLatency",
    "verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
    "verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
    "log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "features": "org.apache.kafka.tools.FeatureCommand",
    "metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "cluster": "org.apache.kafka.tools.ClusterTool",
    "delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "transactions": "org.apache.kafka.tools.TransactionsCommand",
    "dump-log": "org.apache.kafka.tools.DumpLogSegments",
}


class ToolFailed(Exception):
    """A tool that must work didn't, or none came back."""


class ToolHung(ToolFailed):
    """A tool didn't end; the text ends with what its JVM's threads were doing."""

    def __init__(self, tool, text):
        super().__init__(text)
        self.tool = tool


class Tools:
    """A JVM that runs tools until it is closed."""

    def __init__(self):
        install.ensure("java")
        self.process = subprocess.Popen(
            ["java", *brokers.JVM, f"-Dlog4j2.configurationFile={brokers.HERE}/peers/log4j2-off.properties", "-cp",
             f"{install.JAVA_CLASSES}:{install.KAFKA_CLASSPATH}", "Tools"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, preexec_fn=brokers.die_with_parent)

    def run(self, tool, *arguments, stdin=""):
        """Returns (status, standard output, standard error)."""
        command = "\0".join([CLASSES[tool], stdin, *arguments])
        self.process.stdin.write(base64.b64encode(command.encode()) + b"\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], TOOL_SECONDS)[0]:
            asked = f"kafka-{tool} {' '.join(arguments)}"
            raise ToolHung(tool, f"{asked} ran for more than {TOOL_SECONDS} s\n{self.threads()}")
        answer = self.process.stdout.readline().split(b" ")
        if len(answer) != 3:
            raise ToolFailed(f"the tools' JVM ended in {tool} {arguments}")
        return int(answer[0]), base64.b64decode(answer[1]).decode(), base64.b64decode(answer[2]).decode()

    def threads(self):
        """Ends the JVM and returns the stacks of its threads."""
        self.process.send_signal(signal.SIGQUIT)
        try:
            return self.process.communicate(timeout=5)[0].decode()
        except subprocess.TimeoutExpired as late:
            self.process.kill()
            return (late.stdout or b"").decode()

    def must(self, tool, *arguments, stdin=""):
        status, output, errors = self.run(tool, *arguments, stdin=stdin)
        if status != 0:
            raise ToolFailed(f"kafka-{tool} {' '.join(arguments)}: status {status}\n{output}\n{errors}")
        return output

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


MASKS = [
    (r"console-consumer-\d+", "console-consumer-N"),
    (r"\bat (org|kafka|java|scala|jdk)\S*\([^)]*\)", "at …"),
    (r"127\.0\.0\.1:\d+", "HOST:PORT"),
    (r"\bTopicId: \S+", "TopicId: ID"),
    (r"\b[A-Za-z0-9_-]{22}\b(?=[\s,.\])\"]|$)", "UUID"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[,.:]?\d*(Z|[+-]\d\d:?\d\d)?\]?", "TIME"),
    (r"\b1[5-9]\d{11}\b", "MILLIS"),
    (r"/tmp/\S*?/data", "DATA"),
]


def masked(text, more=()):
    """Output without what differs from run to run."""
    for pattern, instead in (*MASKS, *more):
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.splitlines()]
    # Stack traces, and what unwinds a tool that exits in our JVM.
    unwanted = re.compile(r"^at (…|Tools)|^\.\.\. \d+ more|Tools exited")
    return [line for line in lines if line and not unwanted.search(line)]
