"""CloudWatch Logs: what functions write arrives at the log's writer a little later, some of it twice."""

import random
from functools import partial

from chalicelib.inference.log_lines import LogLine, spell
from chalicelib.inference.workflow import writing
from chalicelib.inference.workflow.context import Logging

from tests.simulation.functions import Function
from tests.simulation.neighbours import Neighbours

WRITER = Function(name="prediction-log", timeout_s=60)


class SimLog:
    """Takes lines, and delivers them by the few; ``lines`` are all that was written, ``lines_of`` those of a version by their request."""

    def __init__(self, around: Neighbours, chance: random.Random, adapters: Logging) -> None:
        self.lines: list[LogLine] = []
        self.lines_of: dict[tuple[str, str], dict[str, LogLine]] = {}
        self._around = around
        self._chance = chance
        self._adapters = adapters
        self._waiting: list[str] = []
        self._unwritten: dict[int, list[str]] = {}
        self._deliveries = 0

    def write(self, line: LogLine) -> None:
        """Take one line; what comes in the next seconds travels with it."""
        if not self._waiting:
            self._around.scheduler.at(self._later(), self._deliver)
        self.lines.append(line)
        self.lines_of.setdefault((line.pipeline, line.model_version), {})[line.request_id] = line
        self._waiting += spell(line)

    def redrive(self) -> None:
        """Deliver again what was never written: somebody looks at the dead letters."""
        for number in list(self._unwritten):
            self._invoke(number)

    def _deliver(self) -> None:
        self._deliveries += 1
        number, self._unwritten[self._deliveries], self._waiting = self._deliveries, self._waiting, []
        self._invoke(number)
        if self._chance.random() < self._around.calls.rates.duplicated:
            self._around.scheduler.at(self._later(), partial(self._invoke, number, self._unwritten[number]))

    def _invoke(self, number: int, lines: list[str] | None = None) -> None:
        told = lines or self._unwritten[number]
        self._around.functions.invoke(WRITER, lambda _: self._write(number, told))

    def _write(self, number: int, lines: list[str]) -> None:
        writing.write(self._adapters, lines)
        self._unwritten.pop(number, None)

    def _later(self) -> float:
        return self._chance.expovariate(1 / self._around.calls.rates.event_s)
