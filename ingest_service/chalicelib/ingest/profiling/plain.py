"""The first scan: every figure that needs no other figure, of many columns at once."""

# ruff: noqa: S608 - SQL of our own names only

from collections.abc import Sequence
from typing import Any

import msgspec
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.profiling import sketches
from chalicelib.ingest.profiling.model import BINARY, NUMERIC, TEMPORAL, TEXT, Column, Lengths

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
    quantiles: list[float] | None = None
    shortest: int | None = None
    longest: int | None = None
    mean_length: float | None = None
    length_quantiles: list[int] | None = None

    def lengths(self) -> Lengths | None:
        """Return the lengths of texts or of binary values."""
        if self.shortest is None or self.longest is None or self.mean_length is None:
            return None
        quantiles = sketches.named(self.length_quantiles) if self.length_quantiles else {}
        return Lengths(min=self.shortest, mean=self.mean_length, max=self.longest, quantiles=quantiles)


def scan(scratch: Scratch, rows: str, columns: Sequence[Column], k: int) -> list[Plain]:
    """Return the plain figures of each column; quantiles come from one row of *k*."""
    answers = ", ".join(_figures(column, k) for column in columns)
    places = ", ".join(column.place for column in columns)
    chosen = "" if k == 1 else f", {sketches.sampled(k)} AS is_sampled"
    row = scratch.row(f"SELECT {answers} FROM (SELECT {places}{chosen} FROM {rows})")
    return [msgspec.convert(answer, Plain) for answer in row]


def rfc3339(time: str) -> str:
    """Return SQL that spells the SQL *time* as RFC 3339 UTC."""
    return f"strftime(({time})::TIMESTAMP, '{_RFC3339}')"


def _figures(column: Column, k: int) -> str:
    v = column.place
    wanted = {"count": f"count({v})", "distinct": f"approx_count_distinct({v})", **_of_kind(column, k)}
    return "{" + ", ".join(f"'{name}': {sql}" for name, sql in wanted.items()) + "}"


def _of_kind(column: Column, k: int) -> dict[str, Any]:
    v = column.place
    if column.type in NUMERIC:
        moments = {"mean": f"avg({v})", "std": f"stddev_samp({v})", "quantiles": _quantiles(v, k)}
        return {"low": f"min({v})", "high": f"max({v})", **moments}
    if column.type in TEMPORAL:
        ends = {"low": f"epoch_us(min({v})::TIMESTAMP)", "high": f"epoch_us(max({v})::TIMESTAMP)"}
        return {**ends, "first": rfc3339(f"min({v})"), "last": rfc3339(f"max({v})")}
    if column.type not in {TEXT, BINARY}:
        return {}
    length = f"length({v})" if column.type == TEXT else f"octet_length({v})"
    found = {"shortest": f"min({length})", "longest": f"max({length})", "mean_length": f"avg({length})"}
    return {**found, "length_quantiles": _quantiles(length, k)}


def _quantiles(value: str, k: int) -> str:
    only = "" if k == 1 else " FILTER (is_sampled)"
    # As doubles: DuckDB would take 0.1 for a DECIMAL and count ranks in another way than for a DOUBLE.
    return f"quantile_disc({value}, {[f'{q}' for q in sketches.QUANTILES]}::DOUBLE[]){only}"
