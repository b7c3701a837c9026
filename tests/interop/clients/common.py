"""What the Python client programs share: the lines exchanged with run.py, and the records of README.md."""

import os
import sys
import threading
import time
import traceback

BASE_MS = 1_700_000_000_000
COUNT = 200


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def failed(name, error):
    where = traceback.extract_tb(error.__traceback__)
    places = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(where) if "_client.py" in frame.filename)
    say(f"fail {name}: {type(error).__name__} {error}".replace("\n", " ") + f" at {places}")


def wanted(name):
    return os.environ.get("MOLDAU_INTEROP_ONLY", "") in name


def check(name, step):
    """Runs one check: what it raises is its failure."""
    if not wanted(name):
        return
    try:
        step()
    except Exception as error:
        failed(name, error)
    else:
        say(f"ok {name}")


def broker(how):
    """Asks for `broker stop` or `broker kill` with a start after it, and waits until the broker is back."""
    say(f"broker {how}")
    answer = sys.stdin.readline().strip()
    if answer != "done":
        raise RuntimeError(f"no broker: {answer!r}")


def same(what, wanted, got):
    if wanted != got:
        raise AssertionError(f"{what}: wanted {str(wanted)[:200]}, got {str(got)[:200]}")


def wait_for(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def key(i):
    return None if i % 7 == 6 and i % 11 != 10 else b"key-%d" % i


def value(i):
    if i % 11 == 10:
        return None
    return bytes((i * 31 + j * 7 + j // 251) & 0xFF for j in range(60_000 if i == 50 else (i * i * 37) % 2000))


def headers(i, null=None):
    """`null` stands for a missing header value in clients that can't send one."""
    result = [("number", b"%d" % i)]
    if i % 3 == 0:
        result.append(("number", b""))
    if i % 5 == 0:
        result.append(("nothing", null))
    return result


def timestamp(i):
    return BASE_MS + i * 1000


class Member(threading.Thread):
    """A consumer that a thread of its own polls. `open` is called in the thread and yields (values, owned) forever."""

    def __init__(self, loop):
        super().__init__(daemon=True)
        self.owned = frozenset()
        self.stopping = threading.Event()
        self.failure = None
        self.loop = loop
        self.start()

    def run(self):
        try:
            self.loop(self)
        except Exception as error:
            self.failure = error

    def close(self):
        self.stopping.set()
        self.join(30)
        if self.failure:
            raise self.failure
        if self.is_alive():
            raise AssertionError("the member doesn't close")


def once(seen):
    """Every value was read exactly once."""
    twice = {name: times for name, times in seen.items() if times != 1}
    same("read more than once", {}, twice)
