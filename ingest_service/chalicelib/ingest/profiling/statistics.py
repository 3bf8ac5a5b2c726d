"""The profile of a relation in few scans: all plain figures, then all counts by value, then what is left.

1. One scan for counts, sketches, extremes, moments and lengths of many columns.
2. One scan for the values of columns that have few, the histograms of others, and the rows per period.
3. One scan for the quantiles of columns that have many values.
4. For each time its gaps (a sort), for each text of many values its top values.
"""

from collections.abc import Sequence
from itertools import batched
from typing import Any

from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.profiling import counting, plain, sketches
from chalicelib.ingest.profiling.kinds import Found, Table, profile_column, to_count
from chalicelib.ingest.profiling.model import NUMERIC, Column, ColumnProfile, Method, Profile
from chalicelib.ingest.profiling.plain import Plain

Counts = dict[Any, int]
_SCANNED_TOGETHER = 32  # columns: 32 sorted samples are 64 MiB


def profile(scratch: Scratch, rows: str, columns: Sequence[Column], *, row_count: int) -> Profile:
    """Return the profile of *rows*: something to select from, of *row_count* rows in a fixed order.

    The same rows give the same bytes. Numbers must be finite and at most 1e38, as the schema makes sure.
    Afterwards the connection of *scratch* has one thread.
    """
    # The last digits of a mean depend on the order of adding, and every attempt must write the same.
    scratch.connection.execute("SET threads = 1")
    table = Table(scratch=scratch, rows=rows, row_count=row_count)
    profiled: list[ColumnProfile] = []
    for batch in batched(columns, _SCANNED_TOGETHER):
        profiled += [profile_column(table, found) for found in _scan(table, batch)]
    return Profile(row_count=row_count, columns=profiled)


def _scan(table: Table, columns: Sequence[Column]) -> list[Found]:
    figures = plain.scan(table.scratch, table.rows, columns)
    counts = _count(table, columns, figures)
    quantiles = _quantiles(table, columns, figures, counts)
    found = zip(columns, figures, counts, quantiles, strict=True)
    return [
        Found(column=column, plain=each, counts=counted, quantiles=quantile, quantile_method=method)
        for column, each, counted, (quantile, method) in found
    ]


def _count(table: Table, columns: Sequence[Column], figures: Sequence[Plain]) -> list[dict[str, Counts]]:
    wanted = [to_count(column, found) for column, found in zip(columns, figures, strict=True)]
    # All expressions in one list, their answers dealt out again in the same order.
    every = [sql for each in wanted for sql in each.values()]
    answers = iter(counting.count_values(table.scratch, table.rows, every))
    return [{purpose: next(answers) for purpose in each} for each in wanted]


def _quantiles(
    table: Table, columns: Sequence[Column], figures: Sequence[Plain], counts: Sequence[dict[str, Counts]]
) -> list[tuple[dict[str, float], Method]]:
    """Return quantiles of values or lengths: exact where all values are counted already, else of a sample."""
    k = table.stride(sketches.QUANTILE_ROWS)
    known = [each.get("value") for each in counts]
    unknown = [
        plain.measured(column) for column, values in zip(columns, known, strict=True) if values is None
    ]
    answers = iter(sketches.find_quantiles(table.scratch, table.rows, [x for x in unknown if x], k))
    found: list[tuple[dict[str, float], Method]] = []
    for column, each, values in zip(columns, figures, known, strict=True):
        if plain.measured(column) is None:
            found.append(({}, sketches.EXACT))
        elif values is None:
            found.append((next(answers), sketches.quantile_method(each.count, k)))
        else:
            found.append((sketches.quantiles_of(_measure(column, values)), sketches.EXACT))
    return found


def _measure(column: Column, values: Counts) -> Counts:
    """Return the counts of *values* by what their quantiles are of: numbers themselves, texts by length."""
    if column.type in NUMERIC:
        return values
    lengths: Counts = {}
    for value, count in values.items():
        lengths[len(value)] = lengths.get(len(value), 0) + count
    return lengths
