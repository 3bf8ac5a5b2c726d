"""What makes CloudWatch look: the end of every minute, waited for or skipped to."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from localcloud.cloudwatch.clock import Clock

# A function that ended with the minute may still be writing its log.
_GRACE_S = 0.2


class Watch:
    """Calls *judge* with each minute that has ended. On the server's loop: it meets no half-made call."""

    def __init__(self, clock: Clock, judge: Callable[[float], None]) -> None:
        self._clock = clock
        self._judge = judge

    async def keep(self, stop: asyncio.Event) -> None:
        """Wait for minute after minute, until told to stop."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._clock.until_next_minute() + _GRACE_S)
            if not stop.is_set():
                self._judge(self._clock.time() // 60 * 60)

    def advance(self, seconds: float) -> dict[str, float]:
        """Let time pass for metrics and alarms alone, and look at each minute that ends meanwhile."""
        minutes = 0
        for minute in self._clock.advance(seconds):
            self._judge(minute)
            minutes += 1
        return {"time": self._clock.time(), "minutes": minutes}
