"""The clocks of the simulated machines: whole seconds, as ours are, and each a little wrong."""

from datetime import UTC, datetime, timedelta

from tests.simulation.scheduler import Scheduler

START = datetime(2026, 1, 1, tzinfo=UTC)


class SimClock:
    """The time as the process that asks has it; outside of one, the true time."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def __call__(self) -> datetime:
        process = self._scheduler.current
        skew_s = process.skew_s if process else 0.0
        return START + timedelta(seconds=int(self._scheduler.now + skew_s))
