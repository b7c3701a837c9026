"""A soak goes on where it stopped, and what failed stays failed until it is begun again."""

import contextlib
import io
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "soak"))
import soak  # noqa: E402


class Soak(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.tally = Path(folder.name) / "tally.json"
        self.runs = []
        self.bad = False
        patches = [
            mock.patch.object(soak, "TALLY", self.tally),
            mock.patch.object(soak, "PARTS", {"some": lambda: [("some.thing", 10, "runs", self.run_slice)]}),
            mock.patch.object(soak, "commit", lambda: "abc"),
        ]
        for patch in patches:
            patch.start()
            self.addCleanup(patch.stop)

    def run_slice(self, left):
        if self.bad:
            raise soak.Failed("it broke")
        self.runs.append(left)
        return min(left, 4)

    def soak(self, *arguments):
        with mock.patch.object(sys, "argv", ["soak.py", *arguments]), contextlib.redirect_stdout(io.StringIO()):
            return soak.main()

    def test_runs_slices_up_to_the_goal(self):
        self.assertEqual(0, self.soak())
        self.assertEqual([10, 6, 2], self.runs)
        self.assertEqual(10, soak.load()["some.thing"]["done"])

    def test_goes_on_where_it_stopped(self):
        soak.save({"some.thing": {"done": 7, "of": 10, "unit": "runs", "commits": ["old"]}})
        self.assertEqual(0, self.soak("some"))
        self.assertEqual([3], self.runs)
        self.assertEqual(["old", "abc"], soak.load()["some.thing"]["commits"])

    def test_keeps_a_failure_until_it_is_begun_again(self):
        self.bad = True
        self.assertEqual(1, self.soak())
        self.bad = False
        self.assertEqual(1, self.soak())
        self.assertEqual([], self.runs)
        self.assertEqual(0, self.soak("--again"))
        self.assertEqual([10, 6, 2], self.runs)


class Seeds(unittest.TestCase):
    """The simulator's part, with a script in the simulator's place."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        binary = self.folder / "bin" / "moldau-sim"
        binary.parent.mkdir()
        binary.write_text(f"""#!/bin/sh
if [ "$1" = list ]; then printf 'storm  all at once\\ncalm  nothing\\nkills  some\\n'; exit; fi
echo "$2 $MOLDAU_SIM_FIRST $MOLDAU_SIM_SEEDS" >>{self.folder}/runs
if [ "$2" = kills ]; then echo 'seed 7 runs it again'; exit 1; fi
""")
        binary.chmod(0o755)
        patch = mock.patch.object(soak, "build", lambda preset, *targets: self.folder)
        patch.start()
        self.addCleanup(patch.stop)
        self.parts = {name: (goal, run_slice) for name, goal, _, run_slice in soak.seeds()}

    def runs(self):
        return (self.folder / "runs").read_text().splitlines()

    def test_are_spread_over_all_scenarios(self):
        self.assertEqual({"seeds.storm": 1667, "seeds.calm": 1667, "seeds.kills": 1666},
                         {name: goal for name, (goal, _) in self.parts.items()})

    def test_go_on_behind_those_that_have_been(self):
        goal, run_slice = self.parts["seeds.calm"]
        self.assertEqual([25, 25, 7], [run_slice(left) for left in (goal, goal - 25, 7)])
        self.assertEqual(["calm 1 25", "calm 26 25", "calm 1661 7"], self.runs())

    def test_tell_the_seed_that_failed(self):
        with self.assertRaisesRegex(soak.Failed, "seed 7 runs it again"):
            self.parts["seeds.kills"][1](100)


if __name__ == "__main__":
    unittest.main()
