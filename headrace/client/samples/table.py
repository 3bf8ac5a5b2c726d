"""What every format is read into."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from headrace.failures import BadData

# A draft needs the shape of the data, not its extremes; the ingest service judges every row later.
SAMPLE_BYTES = 1024 * 1024
MAX_ROWS = 5000
# What the service takes for no value in a column of numbers, truth values or times. Not "nan": that is what a
# division by zero leaves, and its owner should hear of it.
MISSING = frozenset({"", "na", "n/a", "#n/a", "null", "none", "-", "?"})


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """The header and the first rows of a table, as texts; rows of another width are not among them.

    ``types`` are those the file itself declares, by column: only Parquet does.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    delimiter: str | None = None
    types: Mapping[str, str] = {}

    def cells(self, column: str) -> list[str]:
        """Return the cells of a column without spaces around them."""
        place = self.header.index(column)
        return [row[place].strip() for row in self.rows]

    def values(self, column: str) -> list[str]:
        """Return the cells of a column that are not missing."""
        return [cell for cell in self.cells(column) if cell.lower() not in MISSING]


def unique_header(cells: Sequence[str], file: Path) -> tuple[str, ...]:
    """Return the names of the columns without spaces around them.

    Raises
    ------
    BadData
        One is there twice.
    """
    header = tuple(name.strip() for name in cells)
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadData(f"{file} names a column twice: {', '.join(map(repr, twice))}")
    return header
