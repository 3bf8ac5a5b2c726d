"""What the good rows look like, column by column: read by people now, the drift baseline later."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

from typing import Any

import msgspec
from chalicelib.ingest.column_types import NUMERIC, TEMPORAL, Type
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.schema import Field, TableSchema

QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
BINS = 10  # as PSI is commonly computed
TOP = 10
_RFC3339 = "%Y-%m-%dT%H:%M:%SZ"


class Histogram(msgspec.Struct, frozen=True, kw_only=True):
    """Ten bins of equal width from the least to the greatest value."""

    edges: list[float]
    counts: list[int]


class TopValue(msgspec.Struct, frozen=True, kw_only=True):
    """A frequent value."""

    value: str
    count: int


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """One column. ``distinct`` is approximate (HyperLogLog) above a thousand or so.

    ``min`` and ``max`` are numbers, RFC 3339 times, or absent for texts; quantiles are approximate (t-digest).
    """

    name: str
    type: Type
    count: int
    missing: int
    distinct: int
    distinct_is_approximate: bool = True
    min: float | str | None = None
    max: float | str | None = None
    mean: float | None = None
    std: float | None = None
    quantiles: dict[str, float] = {}
    histogram: Histogram | None = None
    top: list[TopValue] = []


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """``profile.json`` of a dataset version."""

    format: int = 1
    row_count: int
    columns: list[ColumnProfile]


def profile(scratch: Scratch, rows: str, schema: TableSchema, places: dict[str, str]) -> Profile:
    """Return the profile of *rows*, whose column for each field is named by *places*."""
    # One thread: the last digits of a mean depend on the order of adding, and every attempt must write the same.
    scratch.connection.execute("SET threads = 1")
    (row_count,) = scratch.row(f"SELECT count(*) FROM {rows}")
    columns = [_profile_column(scratch, rows, field, places[field.name]) for field in schema.fields]
    return Profile(row_count=row_count, columns=columns)


def _profile_column(scratch: Scratch, rows: str, field: Field, v: str) -> ColumnProfile:
    count, missing, distinct = scratch.row(
        f"SELECT count({v}), count(*) - count({v}), approx_count_distinct({v}) FROM {rows}"
    )
    further: dict[str, Any] = {}
    if count and field.type in NUMERIC:
        further = _numeric(scratch, rows, v)
    elif count and field.type in TEMPORAL:
        further = _temporal(scratch, rows, v)
    elif count:
        further = {"top": _top(scratch, rows, v)}
    return ColumnProfile(
        name=field.name, type=field.type, count=count, missing=missing, distinct=distinct, **further
    )


def _numeric(scratch: Scratch, rows: str, v: str) -> dict[str, Any]:
    low, high, mean, std, quantiles = scratch.row(
        f"SELECT min({v})::DOUBLE, max({v})::DOUBLE, avg({v}), stddev_samp({v}), "
        f"approx_quantile({v}::DOUBLE, {list(QUANTILES)}) FROM {rows}"
    )
    named = {f"{100 * q:g}%": value for q, value in zip(QUANTILES, quantiles, strict=True)}
    return {
        "min": low,
        "max": high,
        "mean": mean,
        "std": std,
        "quantiles": named,
        "histogram": _histogram(scratch, rows, v, (low, high)),
    }


def _histogram(scratch: Scratch, rows: str, v: str, bounds: tuple[float, float]) -> Histogram:
    low, high = bounds
    width = (high - low) / BINS
    place = f"least(floor(({v} - {low!r}) / {width!r}), {BINS - 1})::INTEGER" if width else "0"
    found = dict(
        scratch.rows(f"SELECT {place} AS bin, count(*) FROM {rows} WHERE {v} IS NOT NULL GROUP BY bin")
    )
    edges = [low + width * i for i in range(BINS)] + [high]
    return Histogram(edges=edges, counts=[found.get(i, 0) for i in range(BINS)])


def _temporal(scratch: Scratch, rows: str, v: str) -> dict[str, Any]:
    low, high = scratch.row(f"SELECT {rfc3339(f'min({v})')}, {rfc3339(f'max({v})')} FROM {rows}")
    return {"min": low, "max": high}


def _top(scratch: Scratch, rows: str, v: str) -> list[TopValue]:
    query = (
        f"SELECT substr({v}::VARCHAR, 1, 100) AS value, count(*) AS times FROM {rows} "
        f"WHERE {v} IS NOT NULL GROUP BY value ORDER BY times DESC, value LIMIT {TOP}"
    )
    return [TopValue(value=value, count=count) for value, count in scratch.rows(query)]


def rfc3339(time: str) -> str:
    """Return SQL that spells the SQL *time* as RFC 3339 UTC."""
    return f"strftime(({time})::TIMESTAMP, '{_RFC3339}')"
