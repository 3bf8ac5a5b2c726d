"""The second scan: how often each value occurs, of several columns at once."""

# ruff: noqa: S608 - SQL of our own names only

from collections.abc import Mapping, Sequence
from itertools import batched
from typing import Any

import msgspec
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.profiling.model import Histogram

BINS = 10  # as PSI is commonly computed
_COUNTED_TOGETHER = 8  # expressions: the groups of all of them are held at a time, each as wide as all


class Bins(msgspec.Struct, frozen=True, kw_only=True):
    """Ten bins of equal width between the least and the greatest value."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """Return the width of one bin; 0 where there is but one value, or a range too small to part."""
        return (self.high - self.low) / BINS

    def sql(self, value: str) -> str:
        """Return SQL for the number of the bin of the SQL *value*."""
        if not self.width:
            return f"CASE WHEN {value} IS NOT NULL THEN 0 END"
        return f"least(floor(({value} - {self.low!r}::DOUBLE) / {self.width!r}), {BINS - 1})::INTEGER"

    def place(self, values: Mapping[float, int]) -> dict[int, int]:
        """Return the counts by number of bin of *values*, which are counted one by one."""
        if not self.width:
            return {0: sum(values.values())}
        # Bound once: asked for each value, they took as long as the placing itself.
        low, width, last = self.low, self.width, BINS - 1
        placed = [0] * BINS
        for value, count in values.items():
            place = int((value - low) / width)
            placed[place if place < last else last] += count
        return dict(enumerate(placed))

    def histogram(self, counts: Mapping[int, int]) -> Histogram:
        """Return the histogram of *counts* by number of bin."""
        edges = [self.low + self.width * i for i in range(BINS)] + [self.high]
        return Histogram(edges=edges, counts=[counts.get(i, 0) for i in range(BINS)])


def count_values(scratch: Scratch, rows: str, values: Sequence[str]) -> list[dict[Any, int]]:
    """Return for each SQL expression how many rows have which value; rows without one count nowhere."""
    found: list[dict[Any, int]] = []
    for batch in batched(values, _COUNTED_TOGETHER):
        found += _count_together(scratch, rows, batch)
    return found


def _count_together(scratch: Scratch, rows: str, values: Sequence[str]) -> list[dict[Any, int]]:
    names = [f"x{i}" for i in range(len(values))]
    columns = ", ".join(f"{value} AS {name}" for value, name in zip(values, names, strict=True))
    # Grouping sets: one scan for all, and memory for the different values only.
    grouped = (
        f"SELECT {', '.join(names)}, count(*) AS times FROM (SELECT {columns} FROM {rows}) "
        f"GROUP BY GROUPING SETS ({', '.join(f'({name})' for name in names)})"
    )
    # A row has a value in the column it is grouped by, and nowhere where that value is NULL. As lists: most of what
    # rows would hand over is nothing.
    lists = ", ".join(
        f"list({x}) FILTER ({x} IS NOT NULL), list(times) FILTER ({x} IS NOT NULL)" for x in names
    )
    found = scratch.row(f"WITH grouped AS MATERIALIZED ({grouped}) SELECT {lists} FROM grouped")
    return [dict(zip(found[at] or (), found[at + 1] or (), strict=True)) for at in range(0, len(found), 2)]
