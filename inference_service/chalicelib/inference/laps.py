"""How long each hop of one request took, told to the caller as ``Server-Timing``."""

import time
from collections.abc import Callable


class Laps:
    """A stopwatch: :meth:`end` names what has just ended."""

    def __init__(self, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._seconds = seconds
        self._began = self._last = seconds()
        self._hops: list[tuple[str, float]] = []

    def end(self, hop: str) -> None:
        """Give *hop* the time since the one before."""
        now = self._seconds()
        self._hops.append((hop, (now - self._last) * 1000))
        self._last = now

    def total_ms(self) -> float:
        """Return the time since the start."""
        return (self._seconds() - self._began) * 1000

    def header(self) -> str:
        """Return the hops in the order in which they came, and their sum, in milliseconds."""
        hops = [f"{hop};dur={spent_ms:.2f}" for hop, spent_ms in self._hops]
        return ", ".join([*hops, f"total;dur={self.total_ms():.2f}"])
