import os
import shutil
import signal
import subprocess
import unittest

from tool import WithFolder, brokers, run


class Usage(unittest.TestCase):
    def test_typos_get_the_nearest_name(self):
        for words, meant in ((["topik"], "topic"), (["topic", "lst"], "list"), (["topic", "list", "--outptu", "x"], "--output"),
                             (["consume", "t", "--fromat", "x"], "--format"), (["cluster", "qurum"], "quorum")):
            with self.subTest(" ".join(words)):
                done = run(*words)
                self.assertEqual(done.code, 2)
                self.assertIn(f"did you mean '{meant}'?", done.err)

    def test_help_names_every_command(self):
        text = run("--help").out
        for command in ("start", "topic", "produce", "consume", "group", "config", "cluster", "log", "perf", "mirror", "completion"):
            self.assertIn(command, text)
        self.assertEqual(run("topic", "create", "--help").code, 0)

    def test_mistakes_are_told_before_anything_is_asked(self):
        self.assertEqual(run().code, 2)
        self.assertEqual(run("produce", "t", "-z", "brotli").code, 2)
        self.assertEqual(run("-b", "nonsense", "topic", "list").code, 2)
        self.assertEqual(run("topic", "alter", "t").code, 2)
        self.assertEqual(run("-X", "request.timeout.ms=soon", "topic", "list").code, 2)


class FullDisk(WithFolder):
    def test_output_that_cannot_be_written_is_a_failure(self):
        # What goes out at the end, and what is more than a buffer holds.
        for words in (["config", "show"], ["completion", "fish"], ["log", "dump", self.index()]):
            with self.subTest(" ".join(words)), open("/dev/full", "w") as full:
                done = subprocess.run([os.environ["MOLDAU_BIN"], *words], stdout=full, stderr=subprocess.PIPE,
                                      text=True, timeout=60)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn("No space left on device", done.stderr)

    def index(self):
        """One with one entry."""
        path = self.folder / f"{0:020}.index"
        path.write_bytes(bytes(4) + (1).to_bytes(4, "big"))
        return str(path)

    def test_a_reader_that_has_seen_enough_is_none(self):
        done = subprocess.run(["bash", "-c", f"set -o pipefail; '{os.environ['MOLDAU_BIN']}' completion fish | head -1"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Start(WithFolder):
    def test_a_folder_is_no_properties_file(self):
        for words in (["start"], ["config", "show"]):
            with self.subTest(" ".join(words)):
                done = run(*words, self.folder)
                self.assertIn(done.code, (1, 2))
                self.assertIn("Is a directory", done.err)

    def test_a_hangup_stops_as_a_termination_does(self):
        broker = brokers.Broker("moldau", self.folder, {"moldau.admin.port": "-1"})
        broker.start()
        self.addCleanup(broker.kill)
        broker.process.send_signal(signal.SIGHUP)
        self.assertEqual(broker.process.wait(timeout=60), 0)


class Completion(WithFolder):
    def test_shells_accept_their_scripts(self):
        for shell in ("bash", "zsh", "fish"):
            done = run("completion", shell)
            self.assertEqual(done.code, 0)
            for word in ("--bootstrap-server", "delete-records", "--format"):
                self.assertIn(word if shell != "fish" else word.lstrip("-"), done.out)
            if shutil.which(shell):
                path = self.folder / shell
                path.write_text(done.out)
                self.assertEqual(subprocess.run([shell, "-n", path]).returncode, 0)

    def complete(self, *words):
        script = run("completion", "bash").out
        line = f"COMP_WORDS=(moldau {' '.join(words)}); COMP_CWORD={len(words)}; _moldau; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        done = subprocess.run(["bash", "-c", script + line], text=True, capture_output=True, timeout=30,
                              env={**os.environ, "LC_ALL": "C"})
        return done.stdout.split()

    def test_bash_completes_commands_and_options(self):
        self.assertEqual(self.complete("top"), ["topic"])
        self.assertEqual(self.complete("topic", "delete-"), ["delete-records"])
        self.assertIn("--if-not-exists", self.complete("topic", "create", "--if"))
        self.assertIn("--output", self.complete("consume", "--outp"))
