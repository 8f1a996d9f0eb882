"""How far a long job is, for its log."""

import time
from collections.abc import Callable

SECONDS = 60.0  # between two lines; a job that takes less says nothing


class Progress:
    """Says how many of so many parts are done, at most once a minute.

    what: what is counted, as "steps of training". clock: seconds, for tests.
    """

    def __init__(self, what: str, total: int, clock: Callable[[], float] = time.monotonic):
        self.what, self.total, self.clock = what, total, clock
        self.begun = self.last = clock()

    def at(self, done: int, more: str = "") -> None:
        """Say that `done` parts are done, with what is left by the pace so far. more: added."""
        now = self.clock()
        if now - self.last < SECONDS or not done:
            return
        self.last = now
        left = (now - self.begun) * (self.total - done) / done
        text = f"{done:,} of {self.total:,} {self.what}, about {left / 60:.0f} minutes left"
        print(f"{text}; {more}" if more else text, flush=True)
