"""What every bench does with its figures: keeps them by name and by whose they are, one a round."""

import fnmatch
import json
import statistics
from pathlib import Path


def add_options(parser):
    parser.add_argument("--quick", action="store_true", help="small and one round: for development, not for reports")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--rows", action="append", default=[], metavar="PATTERN")
    parser.add_argument("--keep-figures", metavar="FILE", help="every round's figures, as JSON")


class Figures:
    def __init__(self, options):
        self.options = options
        self.figures = {}

    def wanted(self, name):
        return not self.options.rows or any(fnmatch.fnmatch(name, row) for row in self.options.rows)

    def any_wanted(self, *names):
        return any(self.wanted(name) for name in names)

    def note(self, name, who, figure):
        self.figures.setdefault(name, {}).setdefault(who, []).append(figure)
        print(f"# {name} {who} {figure:.6g}", flush=True)

    def median(self, name, who):
        found = self.figures.get(name, {}).get(who)
        return statistics.median(found) if found else None

    def keep(self):
        if self.options.keep_figures:
            Path(self.options.keep_figures).write_text(json.dumps(self.figures, indent=1))


def leaves_no_room(targets, name, bound):
    """Whether what is possible at all, as a ratio, is too little for the target of that row."""
    for pattern, direction, target in targets:
        if fnmatch.fnmatch(name, pattern):
            return bound * 0.9 < target if direction == ">=" else bound / 0.9 > target
    return False
