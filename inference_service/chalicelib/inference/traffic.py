"""Adapter: the counters of a release's steps, kept in the predictions table beside the log they sum up.

A verdict reads them with one query a version; the log itself is never searched for it.
"""

import random
from datetime import datetime, timedelta
from typing import Any

from chalicelib.inference.counting import of_counts, to_counts
from chalicelib.inference.tally import Step, Tally

from shared.readers import all_rows
from shared.tables import Change, Table, Write

# One item takes 1,000 writes a second; a busy canary needs more than one.
SHARDS = 8
KEPT = timedelta(days=30)


class Traffic:
    """Adds to and sums the counters; every addition is safe beside any other."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, step: Step, tally: Tally, now: datetime) -> None:
        """Add *tally* to what was counted of *step*."""
        self._table.update(*self._addition(step, to_counts(tally), now))

    def adding(self, step: Step, counts: dict[str, int], now: datetime) -> Write:
        """Return the addition of *counts* (of tallies, also negative ones) as a part of a transaction."""
        return self._table.updating(*self._addition(step, counts, now))

    def _addition(self, step: Step, counts: dict[str, int], now: datetime) -> tuple[Any, Change]:
        # Sandboxes write to different items, so that they do not throttle each other.
        shard = random.randrange(SHARDS)  # noqa: S311 - spreads load, hides nothing
        expires = {"expires_at_s": int((now + KEPT).timestamp())}
        key: Any = (_partition(step), step.step * SHARDS + shard)
        return key, Change(set=expires, add=counts)

    def of(self, step: Step) -> Tally:
        """Return what was counted of *step*."""
        return self.by_step(step).get(step.step, Tally())

    def by_step(self, version: Step) -> dict[int, Tally]:
        """Return what was counted of a version in each step of its generation."""
        found: dict[int, Tally] = {}
        for row in all_rows(self._table, _partition(version)):
            place = int(row["chunk"]) // SHARDS
            found[place] = found.get(place, Tally()) + of_counts(row)
        return found


def _partition(step: Step) -> str:
    # No request id has a "#": the log and its sums never meet.
    return f"traffic#{step.pipeline}#{step.gen}#{step.version}"
