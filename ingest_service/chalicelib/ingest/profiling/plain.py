"""The first scan: every figure that needs no other figure, of many columns at once."""

# ruff: noqa: S608 - SQL of our own names only

from collections.abc import Sequence

import msgspec
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.profiling.model import BINARY, NUMERIC, TEMPORAL, TEXT, Column

_RFC3339 = "%Y-%m-%dT%H:%M:%SZ"


class Plain(msgspec.Struct, frozen=True, kw_only=True):
    """What the first scan found about a column; ``low`` and ``high`` are numbers, or microseconds since 1970."""

    count: int
    distinct: int
    low: int | float | None = None
    high: int | float | None = None
    first: str | None = None
    last: str | None = None
    mean: float | None = None
    std: float | None = None
    shortest: int | None = None
    longest: int | None = None
    mean_length: float | None = None


def scan(scratch: Scratch, rows: str, columns: Sequence[Column]) -> list[Plain]:
    """Return the plain figures of each column."""
    row = scratch.row(f"SELECT {', '.join(_figures(column) for column in columns)} FROM {rows}")
    return [msgspec.convert(answer, Plain) for answer in row]


def measured(column: Column) -> str | None:
    """Return SQL for the number of which *column* has quantiles: its value, or its length; None for others."""
    if column.type in NUMERIC:
        return column.place
    if column.type == TEXT:
        return f"length({column.place})"
    return f"octet_length({column.place})" if column.type == BINARY else None


def rfc3339(time: str) -> str:
    """Return SQL that spells the SQL *time* as RFC 3339 UTC."""
    return f"strftime(({time})::TIMESTAMP, '{_RFC3339}')"


def _figures(column: Column) -> str:
    v = column.place
    wanted = {"count": f"count({v})", "distinct": f"approx_count_distinct({v})", **_of_kind(column)}
    return "{" + ", ".join(f"'{name}': {sql}" for name, sql in wanted.items()) + "}"


def _of_kind(column: Column) -> dict[str, str]:
    v, x = column.place, measured(column)
    if column.type in NUMERIC:
        return {"low": f"min({v})", "high": f"max({v})", "mean": f"avg({v})", "std": f"stddev_samp({v})"}
    if column.type in TEMPORAL:
        ends = {"low": f"epoch_us(min({v})::TIMESTAMP)", "high": f"epoch_us(max({v})::TIMESTAMP)"}
        return {**ends, "first": rfc3339(f"min({v})"), "last": rfc3339(f"max({v})")}
    return {"shortest": f"min({x})", "longest": f"max({x})", "mean_length": f"avg({x})"} if x else {}
