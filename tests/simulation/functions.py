"""Lambda: each invocation is a process with a time limit; one that failed is begun again, twice, then a dead letter."""

import random
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from typing import Any

import msgspec

from shared.errors import HeadraceError
from tests.simulation.faults import Calls
from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.trace import Trace

RETRIES_AFTER_S = (60.0, 120.0)
Work = Callable[[str], object]  # is given the id of the request


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """One function: its name, what it does, and its time limit as ``.chalice/config.json`` has it."""

    name: str
    timeout_s: float


class Functions:
    """Runs functions; ``dead_letters`` are the events that no attempt could handle."""

    def __init__(self, scheduler: Scheduler, chance: random.Random, calls: Calls, trace: Trace) -> None:
        self.dead_letters: list[tuple[str, str]] = []
        self.invocations = 0
        self._scheduler = scheduler
        self._chance = chance
        self._calls = calls
        self._trace = trace

    def invoke(self, function: Function, work: Work) -> None:
        """Handle an event, as often as Lambda does for asynchronous invocations."""
        self.invocations += 1
        self._attempt(function, work, f"{function.name}-{self.invocations}", 0)

    def ask(self, function: Function, work: Work) -> None:
        """Answer a request: whoever asked hears of an error, and nothing tries again."""
        self.invocations += 1
        self._begin(function, work, f"{function.name}-{self.invocations}", lambda _: None)

    @contextmanager
    def beside(self, work: Callable[[], bool], every_s: float = 30.0) -> Any:
        """Call *work* beside the block, as a thread of the same invocation; it dies with it."""
        parent, is_done = self._scheduler.current, False
        assert parent is not None

        def again() -> None:
            if is_done or parent.is_dead or parent.is_over:
                return
            thread = Process(f"{parent.name}+", run, ends_at=parent.ends_at, skew_s=parent.skew_s)
            self._scheduler.start(thread)

        def run() -> None:
            if work():
                self._scheduler.at(every_s, again)

        self._scheduler.at(every_s, again)
        try:
            yield
        finally:
            is_done = True

    def _attempt(self, function: Function, work: Work, request_id: str, attempt: int) -> None:
        self._begin(function, work, request_id, partial(self._failed, function, work, request_id, attempt))

    def _begin(self, function: Function, work: Work, request_id: str, failed: Callable[[str], None]) -> None:
        scheduler = self._scheduler

        def run() -> None:
            is_done = False
            try:
                work(request_id)
                is_done = True
            except HeadraceError as error:
                self._trace.note(scheduler.now, request_id, f"FAILED {type(error).__name__}: {error}")
                failed(str(error))
                is_done = True
            finally:
                if not is_done:
                    failed("killed")

        skew_s = self._calls.rates.skew_s * (2 * self._chance.random() - 1)
        scheduler.start(Process(request_id, run, ends_at=scheduler.now + function.timeout_s, skew_s=skew_s))

    def _failed(self, function: Function, work: Work, request_id: str, attempt: int, why: str) -> None:
        if attempt < len(RETRIES_AFTER_S):
            wait_s = RETRIES_AFTER_S[attempt]
            self._scheduler.at(wait_s, lambda: self._attempt(function, work, request_id, attempt + 1))
        else:
            self._trace.note(self._scheduler.now, request_id, f"DEAD LETTER {why}")
            self.dead_letters.append((request_id, why))
