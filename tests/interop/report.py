"""Counts checks, and closes with the line that says how many passed."""


class Report:
    def __init__(self, verbose=False):
        self.passes = 0
        self.failures = 0
        self.verbose = verbose

    def passed(self, name, seconds=0.0):
        self.passes += 1
        if self.verbose:
            print(f"ok    {name} ({seconds:.1f} s)", flush=True)

    def failed(self, name, why):
        self.failures += 1
        print(f"FAIL  {name}\n" + "\n".join(f"      {line}" for line in why.splitlines()), flush=True)

    def check(self, name, good, why=""):
        """`why` may be a function, called only on failure."""
        if good:
            self.passed(name)
        else:
            self.failed(name, why() if callable(why) else why)

    def close(self):
        """Prints the tally and returns an exit status. A run of no check at all has failed."""
        print(f"{self.passes} passed, {self.failures} failed", flush=True)
        return 0 if self.passes and not self.failures else 1
