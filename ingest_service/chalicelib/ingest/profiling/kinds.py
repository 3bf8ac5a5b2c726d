"""From what the scans found to the profile of a column, for each kind of column."""

from typing import Any

import msgspec
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.profiling import counting, sketches, texts, times
from chalicelib.ingest.profiling.model import (
    BINARY,
    NUMERIC,
    TEMPORAL,
    TEXT,
    Column,
    ColumnProfile,
    Lengths,
    Method,
)
from chalicelib.ingest.profiling.plain import Plain

_FEW_BYTES = 16 << 20  # of the different texts of one column, in memory at a time


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The relation to profile."""

    scratch: Scratch
    rows: str
    row_count: int

    def stride(self, wanted: int) -> int:
        """Return ``k`` so that one row of ``k`` makes about *wanted* rows."""
        return sketches.stride(self.row_count, wanted)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What the scans found about a column; ``counts`` by purpose: ``value``, ``bin``, ``period``."""

    column: Column
    plain: Plain
    counts: dict[str, dict[Any, int]]
    quantiles: dict[str, float]
    quantile_method: Method


def to_count(column: Column, plain: Plain) -> dict[str, str]:
    """Return what the second scan shall count of *column*: purpose and SQL."""
    v, wanted = column.place, {}
    if not plain.count:
        return {}
    if column.type in TEMPORAL:
        # Times as numbers: to spell that of every row costs more than all the rest.
        wanted["period"] = f"epoch_us(date_trunc('{_unit(column, plain)}', {v}::TIMESTAMP))"
    elif _has_few(column, plain):
        wanted["value"] = v
    elif column.type in NUMERIC:
        wanted["bin"] = _bins(plain).sql(v)
    return wanted


def profile_column(table: Table, found: Found) -> ColumnProfile:
    """Return the profile of a column."""
    plain, values = found.plain, found.counts.get("value")
    further = _further(table, found) if plain.count else {}
    # The sketch may say more than there are values.
    about = min(plain.distinct, plain.count)
    exactly = further.pop("distinct", 0 if not plain.count else None if values is None else len(values))
    method = sketches.HYPERLOGLOG if exactly is None else sketches.EXACT
    methods: dict[str, Method] = {"distinct": method, **further.pop("methods", {})}
    return ColumnProfile(
        name=found.column.name,
        type=found.column.type,
        count=plain.count,
        missing=table.row_count - plain.count,
        distinct=about if exactly is None else exactly,
        distinct_is_approximate=exactly is None,
        methods=methods,
        **further,
    )


def _further(table: Table, found: Found) -> dict[str, Any]:
    """Return the figures that only columns of this kind have; ``methods`` says how they were found."""
    if found.column.type in NUMERIC:
        return _numeric(found)
    return _temporal(table, found) if found.column.type in TEMPORAL else _other(table, found)


def _numeric(found: Found) -> dict[str, Any]:
    plain, values = found.plain, found.counts.get("value")
    bins = found.counts.get("bin", {}) if values is None else _bins(plain).place(values)
    # A number of few values is a category in disguise: with all of them, drift is compared value by value.
    top = texts.top_of(values) if values is not None and len(values) <= texts.TOP else []
    return {
        "min": plain.low,
        "max": plain.high,
        "mean": plain.mean,
        "std": plain.std,
        "quantiles": found.quantiles,
        "histogram": _bins(plain).histogram(bins),
        "top": top,
        "methods": {"quantiles": found.quantile_method, **({"top": sketches.EXACT} if top else {})},
    }


def _temporal(table: Table, found: Found) -> dict[str, Any]:
    plain, counts = found.plain, found.counts.get("period", {})
    k = table.stride(sketches.QUANTILE_ROWS)
    gaps = times.find_gaps(table.scratch, table.rows, found.column.place, k)
    return {
        "min": plain.first,
        "max": plain.last,
        "distinct": gaps.count + 1 if gaps else 1,  # a gap lies between two different times
        "gaps": gaps,
        "periods": times.periods_of(_unit(found.column, plain), counts),
        "methods": {"gaps.quantiles": sketches.quantile_method(gaps.count, k)} if gaps else {},
    }


def _other(table: Table, found: Found) -> dict[str, Any]:
    plain, values = found.plain, found.counts.get("value")
    methods: dict[str, Method] = {}
    further: dict[str, Any] = {"methods": methods}
    if plain.shortest is not None and plain.longest is not None and plain.mean_length is not None:
        further["lengths"] = Lengths(
            min=plain.shortest, mean=plain.mean_length, max=plain.longest, quantiles=found.quantiles
        )
        methods["lengths.quantiles"] = found.quantile_method
    if values is not None:
        further["top"], methods["top"] = texts.top_of(values), sketches.EXACT
    elif found.column.type == TEXT:
        k = table.stride(sketches.CANDIDATE_ROWS)
        further["top"] = texts.find_top(table.scratch, table.rows, found.column.place, k)
        methods["top"] = sketches.top_method(k)
    return further


def _has_few(column: Column, plain: Plain) -> bool:
    if column.type == BINARY or plain.distinct > sketches.FEW:
        return False
    return plain.distinct * (plain.longest or 0) <= _FEW_BYTES


def _bins(plain: Plain) -> counting.Bins:
    return counting.Bins(low=float(plain.low or 0), high=float(plain.high or 0))


def _unit(column: Column, plain: Plain) -> str:
    return times.unit_of(int(plain.low or 0), int(plain.high or 0), has_time=column.type == "datetime")
