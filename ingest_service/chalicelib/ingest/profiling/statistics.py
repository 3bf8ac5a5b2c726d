"""The profile of a relation in few scans: all plain figures, then all counts by value, then what is left.

1. One scan for counts, sketches, extremes, moments, sampled quantiles and lengths of many columns.
2. One scan for the values of columns that have few, the histograms of others, and the rows per period.
3. For each time its gaps (a sort), for each text of many values its top values.
"""

from collections.abc import Sequence
from itertools import batched

from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.profiling import counting, plain, sketches
from chalicelib.ingest.profiling.kinds import Found, Table, profile_column, to_count
from chalicelib.ingest.profiling.model import Column, ColumnProfile, Profile

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
        profiled += [profile_column(table, found) for found in _scan_twice(table, batch)]
    return Profile(row_count=row_count, columns=profiled)


def _scan_twice(table: Table, columns: Sequence[Column]) -> list[Found]:
    figures = plain.scan(table.scratch, table.rows, columns, table.stride(sketches.QUANTILE_ROWS))
    wanted = [to_count(column, found) for column, found in zip(columns, figures, strict=True)]
    # All expressions in one list, their answers dealt out again in the same order.
    answers = iter(
        counting.count_values(table.scratch, table.rows, [sql for each in wanted for sql in each.values()])
    )
    return [
        Found(column=column, plain=found, counts={purpose: next(answers) for purpose in each})
        for column, found, each in zip(columns, figures, wanted, strict=True)
    ]
