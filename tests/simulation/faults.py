"""What goes wrong, and how often: decided by the seed before each call of an adapter and for each event.

A call that fails is tried again up to three times, as our clients and botocore do: one that failed before it was
carried out is then late and no more, one whose answer was lost happens twice. Of ten that fail one goes on failing,
and its caller hears of it.
"""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from shared.errors import Unavailable
from tests.simulation.scheduler import Killed, Process, Scheduler
from tests.simulation.trace import Trace


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Probabilities, and seconds: how wrong clocks are and how long calls and events take."""

    duplicated: float = 0.2
    lost: float = 0.02
    late: float = 0.05
    failing: float = 0.1
    killed: float = 0.002
    failed_training: float = 0.05
    failed_endpoint: float = 0.02
    alarming: float = 0.2
    skew_s: float = 10.0
    call_s: float = 0.04
    event_s: float = 2.0
    late_s: float = 300.0


CALM = Rates(
    duplicated=0,
    lost=0,
    late=0,
    failing=0,
    killed=0,
    failed_training=0,
    failed_endpoint=0,
    alarming=0,
    skew_s=0,
)
GIVES_UP = 0.1  # of the calls that fail


class Calls:
    """Stands before every call of an adapter: lets time pass, and lets it fail or end the process."""

    def __init__(self, scheduler: Scheduler, chance: random.Random, rates: Rates, trace: Trace) -> None:
        self.rates = rates
        self._scheduler = scheduler
        self._chance = chance
        self._trace = trace
        self._inside = False

    def through(self, adapter: Any, label: str, *names: str, retries: bool = True) -> Any:
        """Return *adapter* with the methods *names* called through here."""
        for name in names:
            setattr(adapter, name, self._around(f"{label}.{name}", getattr(adapter, name), retries))
        return adapter

    def _around(self, what: str, work: Callable[..., Any], retries: bool) -> Callable[..., Any]:
        scheduler, draw = self._scheduler, self._chance.random

        def call(*args: Any, **named: Any) -> Any:
            process = scheduler.current
            # A fake may be built of its own methods; and what the test asks itself is no call.
            if process is None or self._inside:
                return work(*args, **named)
            # As in _wait: it is done half a million times.
            if process.is_dead:
                raise Killed
            rates = self.rates
            scheduler.sleep(rates.call_s * draw())
            if process.is_dead or scheduler.now > process.ends_at:
                self._kill(process, f"out of time before {what}")
            fate = draw()
            if fate < rates.killed + rates.failing:
                do = partial(self._do, work, args, named)
                return self._disturbed(process, fate, what, do, retries)
            if self._trace.is_kept:
                self._trace.note(scheduler.now, process.name, f"{what} {_told(args)}")
            self._inside = True
            try:
                return work(*args, **named)
            finally:
                self._inside = False

        return call

    def _wait(self, process: Process, what: str) -> None:
        """Let the time of a call pass."""
        if process.is_dead:
            raise Killed
        self._scheduler.sleep(self.rates.call_s * self._chance.random())
        if process.is_dead or self._scheduler.now > process.ends_at:
            self._kill(process, f"out of time before {what}")

    def _do(self, work: Callable[..., Any], args: Any, named: Any) -> Any:
        self._inside = True
        try:
            return work(*args, **named)
        finally:
            self._inside = False

    def _disturbed(
        self, process: Process, fate: float, what: str, do: Callable[[], Any], retries: bool
    ) -> Any:
        is_done_first = self._chance.random() < 0.5
        if fate < self.rates.killed:
            if is_done_first:
                self._quietly(do)
            self._kill(process, f"{'after' if is_done_first else 'before'} {what}")
        gives_up = not retries or self._chance.random() < GIVES_UP
        how = f"{what}: {'answer lost' if is_done_first else 'not carried out'}, {'given up' if gives_up else 'again'}"
        self._trace.note(self._scheduler.now, process.name, how)
        answer = self._quietly(do) if is_done_first else None
        if gives_up:
            raise Unavailable(f"{what}: no answer")
        self._wait(process, what)
        # A transaction carries a token: sent again it is the same one.
        is_same = is_done_first and what.endswith(".transact") and not isinstance(answer, Exception)
        return answer if is_same else do()

    def _quietly(self, do: Callable[[], Any]) -> Any:
        """Carry the call out for an answer that never arrives; a refusal never arrives either."""
        try:
            return do()
        except Exception as error:  # noqa: BLE001
            return error

    def _kill(self, process: Process, where: str) -> None:
        self._trace.note(self._scheduler.now, process.name, f"KILLED {where}")
        process.is_dead = True
        raise Killed


def _told(args: Any) -> str:
    return " ".join(str(arg)[:60] for arg in args if isinstance(arg, str | tuple))
