"""Know when calls may have changed something, and when they pause."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Shorter than a person needs between the end of `headrace up` and the next step; a pause in the calls is
# also when services contradict each other least.
QUIET_S = 1.0
# A console that polls, or a long upload, never pauses. What a kill may cost against 20 ms a snapshot.
LONGEST_S = 3.0
# While calls never pause: a stage with thousands of rows takes longer to save, and is still there for its calls.
SHARE_OF_TIME = 0.1
# They change nothing, except through a function, whose own calls arrive here too.
_READING = ("GET", "HEAD", "OPTIONS")


class Calls:
    """Counts the calls that may have changed something, and knows how many are running."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._running = 0
        self._last = self._saved = clock()
        self._rests_until = 0.0
        self._changed = False

    @contextmanager
    def count(self, method: str) -> Iterator[None]:
        """Note a call for the length of a block."""
        if method in _READING:
            yield
            return
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self._last = self._clock()
            self._changed = True

    def is_due(self) -> bool:
        """Tell whether something changed and now is the time to save it."""
        now = self._clock()
        is_quiet = not self._running and now - self._last >= QUIET_S
        is_time = now - self._saved >= LONGEST_S and now >= self._rests_until
        return self._changed and (is_quiet or is_time)

    def failed(self) -> None:
        """Count what could not be saved as changed just now: the next try waits for the next pause."""
        self._changed = True
        self._last = self._clock()

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Begin to count anew; read the state inside, so that what comes meanwhile counts for the next time."""
        self._changed = False
        self._saved = self._clock()
        try:
            yield
        finally:
            ended = self._clock()
            self._rests_until = ended + (ended - self._saved) * (1 / SHARE_OF_TIME - 1)
