"""EventBridge: what is put on the bus reaches each target at least once, in any order, sometimes late or never."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from tests.fakes import FakeBus
from tests.simulation.faults import Calls
from tests.simulation.functions import Function, Functions
from tests.simulation.scheduler import Scheduler
from tests.simulation.trace import Trace

Handler = Callable[[dict[str, Any], str], None]  # is given the event's detail and the id of the request


class SimBus(FakeBus):
    """One bus for AWS's own events and ours; rules are by detail-type alone."""

    def __init__(
        self, scheduler: Scheduler, chance: random.Random, calls: Calls, functions: Functions, trace: Trace
    ) -> None:
        super().__init__("test")
        self.watchers: list[Callable[[str, dict[str, Any]], None]] = []
        self._rules: dict[str, list[tuple[Function, Handler]]] = {}
        self._scheduler = scheduler
        self._chance = chance
        self._calls = calls
        self._functions = functions
        self._trace = trace

    def rule(self, detail_type: str, function: Function, handler: Handler) -> None:
        """Let *function* hear events of one type."""
        self._rules.setdefault(detail_type, []).append((function, handler))

    def call(self, _operation: str, request: dict[str, Any]) -> dict[str, Any]:
        for entry in request["Entries"]:
            self.publish(entry["DetailType"], msgspec.json.decode(entry["Detail"]))
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"} for _ in request["Entries"]]}

    def publish(self, detail_type: str, detail: dict[str, Any]) -> None:
        """Put one event on the bus."""
        for watcher in self.watchers:
            watcher(detail_type, detail)
        for function, handler in self._rules.get(detail_type, ()):
            self._deliver(detail_type, detail, function, handler)

    def _deliver(
        self, detail_type: str, detail: dict[str, Any], function: Function, handler: Handler
    ) -> None:
        rates, chance = self._calls.rates, self._chance
        if chance.random() < rates.lost:
            self._trace.note(self._scheduler.now, "bus", f"LOST {detail_type} {detail}")
            return
        for _ in range(2 if chance.random() < rates.duplicated else 1):
            delay_s = chance.expovariate(1 / rates.event_s)
            if chance.random() < rates.late:
                delay_s += chance.random() * rates.late_s
            self._scheduler.at(delay_s, partial(self._functions.invoke, function, partial(handler, detail)))
