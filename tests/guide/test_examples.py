"""Every example of the guide, run as a reader would run it. Needs MOLDAU_BIN and MOLDAU_EXAMPLES."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))
import brokers  # noqa: E402

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "guide" / "examples"
SECONDS = 60


class Examples(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="moldau-guide-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.broker = brokers.Broker("moldau", cls.folder, {"moldau.admin.port": "-1"})
        cls.broker.start()
        cls.addClassCleanup(cls.broker.kill)
        cls.ran = set()

    def run_example(self, name, bootstrap=None):
        self.ran.add(name)
        done = subprocess.run([Path(os.environ["MOLDAU_EXAMPLES"]) / name, bootstrap or self.broker.bootstrap],
                              text=True, capture_output=True, timeout=SECONDS)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_first_programs(self):
        self.assertIn("sent to offset 0", self.run_example("first_producer"))
        self.assertIn("greetings: hello", self.run_example("first_consumer"))
        self.assertIn("1000 delivered", self.run_example("callbacks"))
        self.assertEqual(self.run_example("coroutines"), "the cluster answers\nsent\n")
        self.assertEqual(self.run_example("asio"), "sent, told on the loop's thread\n")

    def test_admin(self):
        self.assertEqual(self.run_example("admin"), "orders: made\nretention.ms = 86400000\norders-0 ends at 0\n")

    def test_errors(self):
        lines = self.run_example("errors").splitlines()
        self.assertEqual(lines[0], "request.timeout.ms=soon: must be a whole number")
        self.assertIn("did you mean linger.ms?", lines[1])
        self.assertIn("UNKNOWN_TOPIC_OR_PARTITION", lines[2])
        self.assertEqual(lines[3], "closed")

    def test_serdes(self):
        out = self.run_example("typed")
        self.assertIn("cellar: 11.5", out)
        self.assertRegex(out, r"the value of temperatures-\d+ at offset \d+: a temperature takes 12 bytes")
        lines = self.run_example("json").splitlines()
        self.assertEqual(lines[:2], ['{"amount":3,"customer":"alice"}', "alice"])
        self.assertIn("isn't the JSON that is expected", lines[2])

    def test_statistics_and_properties(self):
        out = self.run_example("statistics")
        self.assertRegex(out, r"\S+:\d+: [1-9]\d* answers")
        self.assertIn('moldau_client_broker_connected{client_id="inspector",kind="admin"', out)
        out = self.run_example("properties")
        self.assertIn("key.deserializer means nothing here", out)
        self.assertIn("group billing", out)

    def test_tracing(self):
        out = self.run_example("tracing")
        self.assertIn("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", out)
        self.assertIn("same trace", out)

    def test_testing(self):
        self.assertEqual(self.run_example("in_memory"), "a crate of apples, after 3 requests\n")

    @classmethod
    def tearDownClass(cls):
        left = {path.stem for path in FOLDER.glob("*.cpp")} - cls.ran
        if left:
            raise AssertionError(f"examples that no test runs: {sorted(left)}")


if __name__ == "__main__":
    unittest.main()
