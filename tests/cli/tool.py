"""A broker for a test case, and the tool run against it. Needs MOLDAU_BIN."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))
import brokers  # noqa: E402

SECONDS = 60


class Done:
    """How a run of the tool ended."""

    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr

    @property
    def lines(self):
        return self.out.splitlines()

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def rows(self):
        """A table's cells, the header left out."""
        return [line.split() for line in self.lines[1:]]


def run(*words, stdin="", bootstrap=None):
    environment = {key: value for key, value in os.environ.items() if key != "MOLDAU_BOOTSTRAP_SERVER"}
    if bootstrap:
        environment["MOLDAU_BOOTSTRAP_SERVER"] = bootstrap
    return Done(subprocess.run([os.environ["MOLDAU_BIN"], *map(str, words)], input=stdin, text=True,
                               capture_output=True, timeout=SECONDS, env=environment))


class WithFolder(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="moldau-cli-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)


class WithBroker(unittest.TestCase):
    """One broker for all tests of a class; each uses topics of its own."""

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="moldau-cli-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.broker = brokers.Broker("moldau", cls.folder, {"moldau.admin.port": "-1", "num.partitions": "2"})
        cls.broker.start()
        cls.addClassCleanup(cls.broker.kill)

    def tool(self, *words, stdin=""):
        return run(*words, stdin=stdin, bootstrap=self.broker.bootstrap)

    def ok(self, *words, stdin=""):
        done = self.tool(*words, stdin=stdin)
        self.assertEqual(done.code, 0, done.out + done.err)
        return done

    def fails(self, code, *words, stdin=""):
        done = self.tool(*words, stdin=stdin)
        self.assertEqual(done.code, code, done.out + done.err)
        return done
