"""One simulated stage, from the first upload until nothing is left to do."""

import contextlib
import gc
import io
import logging
import random
from collections.abc import Iterator
from unittest import mock

import msgspec
from chalicelib.inference.workflow import batch_transform, batch_work

from tests.simulation.batches import BatchUsers
from tests.simulation.callers import Callers
from tests.simulation.deletions import Deleters
from tests.simulation.faults import CALM, Rates
from tests.simulation.functions import Function, Work
from tests.simulation.invariants import Invariants
from tests.simulation.neighbours import Neighbours
from tests.simulation.people import People
from tests.simulation.services import Services
from tests.simulation.trace import Trace

MINUTE_S = 60.0
# Two transform jobs at a time take four hours for the batches of ten thousand uploads.
MOST_TICKS_TO_REST = 240
QUIET_MINUTES = 4  # what a gate or the end of a grace sets going, a tick finds


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Something the services rely on: ``attributes`` of a table that conditions see, until a test takes it away."""

    table: str
    attributes: frozenset[str]


class World:
    """A run of one seed: disturbed while people use the stage, then calm until all is at rest."""

    def __init__(
        self,
        seed: int,
        uploads: int,
        *,
        rates: Rates | None = None,
        without: Guard | None = None,
        traced: bool = False,
    ) -> None:
        self.seed = seed
        self.uploads = uploads
        self._chance = chance = random.Random(seed)
        self.trace = Trace(is_kept=traced)
        self.around = Neighbours(chance, rates or Rates(), self.trace)
        self.services = Services(self.around, chance)
        self.callers = Callers(self.around, self.services, chance)
        self.people = People(self.around, self.services, self.callers, chance)
        self.batch_users = BatchUsers(self.around, self.services, chance)
        self.deleters = Deleters(self.around, self.services, self.people, self.callers, chance)
        self.invariants = Invariants(self.around, self.people, self.callers, self.batch_users)
        if without:
            self.around.tables[without.table].blind = without.attributes

    def run(self) -> "World":
        """Live through it all."""
        with _quiet(self.seed), _small_portions():
            end_s = self.people.begin(self.uploads)
            self.deleters.begin(self.uploads, end_s)
            self.batch_users.begin(self.uploads, self.people.names, end_s)
            for number, (function, work) in enumerate(self.services.ticks):
                self._tick(function, work, MINUTE_S + number)
            self.around.scheduler.run(end_s)
            self.around.calls.rates = CALM
            self.callers.log.redrive()
            self._come_to_rest()
            self.invariants.check_at_the_end()
        return self

    def _tick(self, function: Function, work: Work, delay_s: float) -> None:
        def tick() -> None:
            # A schedule tells at least once, and what Lambda could not take within the minute is dropped.
            fate, rates = self._chance.random(), self.around.calls.rates
            for _ in range(0 if fate < rates.lost else 2 if fate < rates.lost + rates.late else 1):
                self.around.functions.ask(function, work)
            self.around.scheduler.at(MINUTE_S, tick)

        self.around.scheduler.at(delay_s, tick)

    def _come_to_rest(self) -> None:
        """Let the ticks mend what is left; a stage that needs more than four hours of them is not mended."""
        scheduler, quiet_minutes = self.around.scheduler, 0
        for _ in range(MOST_TICKS_TO_REST):
            # Until just before the next ticks: those of a large stage take most of a minute.
            scheduler.run(((scheduler.now + 1) // MINUTE_S + 1) * MINUTE_S - 1)
            quiet_minutes = quiet_minutes + 1 if self._is_at_rest() else 0
            if quiet_minutes == QUIET_MINUTES:
                break

    def _is_at_rest(self) -> bool:
        """Say whether nothing is left but the next ticks: no late event, no process, no row that needs anything."""
        is_idle = self.around.scheduler.count_due == len(self.services.ticks)
        return is_idle and not any(self.invariants.at_rest())


@contextlib.contextmanager
def _small_portions() -> Iterator[None]:
    """Cut batches into portions of three rows, so that a file of ten is the work of several invocations."""
    with (
        mock.patch.object(batch_work, "PORTION_ROWS", 3),
        mock.patch.object(batch_transform, "PAYLOAD_ROWS", 3),
    ):
        yield


@contextlib.contextmanager
def _quiet(seed: int) -> Iterator[None]:
    """Keep logs and metric lines to ourselves, and make the shards of counters the seed's."""
    state = random.getstate()
    random.seed(seed)
    logging.disable(logging.CRITICAL)
    gc.disable()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        gc.enable()
        logging.disable(logging.NOTSET)
        random.setstate(state)
