"""CloudWatch's time, which a test may advance: an alarm that waits an hour needs no hour."""

import time
from collections.abc import Callable, Iterator

MINUTE_S = 60


class Clock:
    """The real time, and what has been added to it."""

    def __init__(self, real: Callable[[], float] = time.time) -> None:
        self._real = real
        self._added_s = 0.0
        self.started_at = real()

    def time(self) -> float:
        """Return seconds since the epoch; of the same name as `time.time`, for which it stands in."""
        return self._real() + self._added_s

    def shifted(self, at_s: float) -> float:
        """Return the time here at which something happened that somebody else dated by the real clock."""
        return at_s + self._added_s

    def until_next_minute(self) -> float:
        """Return the seconds left of the running minute."""
        return MINUTE_S - self.time() % MINUTE_S

    def advance(self, seconds: float) -> Iterator[float]:
        """Let time pass; yields each end of a minute when it is reached, as if it had been waited for."""
        goal = self._added_s + seconds
        while (left := self.until_next_minute()) <= goal - self._added_s:
            self._added_s += left
            yield self.time() // MINUTE_S * MINUTE_S
        self._added_s = goal


# One cloud is one process, and its services have one clock for what they measure.
CLOCK = Clock()
