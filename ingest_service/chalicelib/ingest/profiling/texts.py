"""The most frequent values of a column."""

# ruff: noqa: S608 - SQL here is made of our own names; values pass through engine.literal.

import heapq
from collections import Counter
from collections.abc import Mapping
from typing import Any

from chalicelib.ingest.engine import Scratch, literal
from chalicelib.ingest.profiling import sketches
from chalicelib.ingest.profiling.model import TopValue

TOP = 10
_SHOWN = 100  # characters


def top_of(counts: Mapping[Any, int]) -> list[TopValue]:
    """Return the most frequent of all values, equally frequent ones in the order of their texts."""
    texts: Counter[str] = Counter()
    for value, count in counts.items():
        texts[_text(value)] += count
    most = heapq.nsmallest(TOP, texts.items(), key=lambda item: (-item[1], item[0]))
    return [TopValue(value=value, count=count) for value, count in most]


def find_top(scratch: Scratch, rows: str, v: str, k: int) -> list[TopValue]:
    """Return the most frequent texts of a column with too many to count them all.

    Candidates come from one row of *k*; their counts from all rows. Where no candidate occurs twice there is
    nothing frequent to show.
    """
    shown = f"left({v}, {_SHOWN})"
    candidates = scratch.rows(
        f"SELECT x, count(*) AS times FROM (SELECT {shown} AS x, {sketches.sampled(k)} AS is_sampled FROM {rows}) "
        f"WHERE is_sampled AND x IS NOT NULL GROUP BY x ORDER BY times DESC, x LIMIT {sketches.CANDIDATES}"
    )
    if k == 1:
        return top_of(dict(candidates))
    if not candidates or candidates[0][1] == 1:
        return []
    among = ", ".join(literal(text) for text, _ in candidates)
    counted = scratch.rows(
        f"SELECT x, count(*) FROM (SELECT {shown} AS x FROM {rows}) WHERE x IN ({among}) GROUP BY x"
    )
    return top_of(dict(counted))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:_SHOWN]
