"""Adapter: the counters of a release's steps, kept in the predictions table beside the log they sum up.

A verdict reads them with one query a version; the log itself is never searched for it.
"""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from chalicelib.inference.tally import Step, Tally

from shared.readers import all_rows
from shared.tables import Change, Table

# One item takes 1,000 writes a second; a busy canary needs more than one.
SHARDS = 8
KEPT = timedelta(days=30)
_LATENCY = "ms_"
# DynamoDB adds integers exactly; errors are kept in millionths.
_MILLIONTHS = 1_000_000


class Traffic:
    """Adds to and sums the counters; every addition is safe beside any other."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, step: Step, tally: Tally, now: datetime) -> None:
        """Add *tally* to what was counted of *step*."""
        numbers = {name: int(value) for name, value in _counts(tally).items() if value}
        # Sandboxes write to different items, so that they do not throttle each other.
        shard = random.randrange(SHARDS)  # noqa: S311 - spreads load, hides nothing
        expires = {"expires_at_s": int((now + KEPT).timestamp())}
        key: Any = (_partition(step), step.step * SHARDS + shard)
        self._table.update(key, Change(set=expires, add=numbers))

    def of(self, step: Step) -> Tally:
        """Return what was counted of *step*."""
        return self.by_step(step).get(step.step, Tally())

    def by_step(self, version: Step) -> dict[int, Tally]:
        """Return what was counted of a version in each step of its generation."""
        found: dict[int, Tally] = {}
        for row in all_rows(self._table, _partition(version)):
            place = int(row["chunk"]) // SHARDS
            found[place] = found.get(place, Tally()) + _tally(row)
        return found


def _partition(step: Step) -> str:
    # No request id has a "#": the log and its sums never meet.
    return f"traffic#{step.pipeline}#{step.gen}#{step.version}"


def _counts(tally: Tally) -> dict[str, float]:
    plain = msgspec.structs.asdict(tally)
    latencies: Mapping[int, int] = plain.pop("latencies")
    absolute = round(plain.pop("absolute_error") * _MILLIONTHS)
    return plain | {"absolute_error": absolute} | {f"{_LATENCY}{k}": n for k, n in latencies.items()}


def _tally(row: Mapping[str, Any]) -> Tally:
    latencies = {
        int(name.removeprefix(_LATENCY)): int(count)
        for name, count in row.items()
        if name.startswith(_LATENCY)
    }
    names = [name for name in Tally.__struct_fields__ if name not in {"latencies", "absolute_error"}]
    return Tally(
        **{name: int(row.get(name, 0)) for name in names},
        absolute_error=int(row.get("absolute_error", 0)) / _MILLIONTHS,
        latencies=latencies,
    )
