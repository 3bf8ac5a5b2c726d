"""The Parquet reader: the file is copied to local disk once, hashed on the way, and read there by DuckDB.

One transfer serves the hash, the footer and both passes, and nothing a hostile footer says makes us fetch more.
Every value becomes the text that reads back as the same value: floats in their shortest form, decimals with
all digits, times in UTC with microseconds (nanoseconds are cut off). NaN and infinities become texts that are no
numbers, so their rows are bad. Lists, maps, structs and bytes are refused, unless ``data.drop`` names the column.
"""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal.

import contextlib
from collections.abc import Iterator, Mapping

from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.formats.column_names import check_names
from chalicelib.ingest.formats.compression import check_size
from chalicelib.ingest.formats.local_copy import LocalCopy
from chalicelib.ingest.formats.parquet_file import ParquetColumn, check_readable, read_footer, scan
from chalicelib.ingest.formats.reader import Limits, Source
from chalicelib.ingest.reasons import rejection

from shared.entities.pipeline import Data

SAMPLE_BYTES = 1 << 20
_INTEGERS = {f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")} | {
    "INTEGER",
    "UINTEGER",
}
_TYPES = {
    **dict.fromkeys(_INTEGERS, "integer"),
    "FLOAT": "number",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "VARCHAR": "string",
    "UUID": "string",
    "TIME": "string",
    "TIME WITH TIME ZONE": "string",
    "INTERVAL": "string",
    "JSON": "string",
}
# An integer may be the epoch of a datetime: that is for the schema to say.
_READ_AS = {
    "integer": frozenset({"integer", "number"}),
    "number": frozenset({"number"}),
    "boolean": frozenset({"boolean"}),
    "date": frozenset({"date", "datetime"}),
    "datetime": frozenset({"datetime"}),
}
_MALFORMED = "row BIGINT, rule VARCHAR, value VARCHAR, rank BIGINT, before BIGINT"


class Parquet:
    """Reads one Parquet file; see :class:`~chalicelib.ingest.formats.reader.Reader`."""

    first_row = 1
    decimal_comma = False
    is_small = False

    def __init__(self, source: Source, data: Data, limits: Limits) -> None:
        self._copy = LocalCopy(source, limits)
        self.sha256, self.size_bytes = self._copy.sha256, self._copy.size_bytes
        self._footer = read_footer(self._copy.path)
        check_size(self._footer.text_bytes, limits)
        self.columns = tuple(column.name for column in self._footer.columns)
        check_names(self.columns)
        _check_types(self._footer.columns, data.drop)
        self.declared: Mapping[str, str] = {
            column.name: kind for column in self._footer.columns if (kind := type_of(column.type)) is not None
        }
        self.native: Mapping[str, frozenset[str]] = {
            name: _READ_AS[kind] for name, kind in self.declared.items() if kind in _READ_AS
        }

    def sample(self, scratch: Scratch) -> str:
        """Return a query of about the first MiB of rows."""
        row_bytes = self._footer.text_bytes // max(1, self._footer.row_count) + 1
        count = min(10_000, SAMPLE_BYTES // row_bytes + 1)
        with self._blaming():
            scratch.connection.execute(
                f"CREATE OR REPLACE TEMP TABLE parquet_sample AS {self._query(f'LIMIT {count}')}"
            )
        return "SELECT * FROM parquet_sample"

    @contextlib.contextmanager
    def rows(self, scratch: Scratch) -> Iterator[Iterator[str]]:
        """Read the local copy; a file that turns out broken is rejected."""
        scratch.connection.execute(f"CREATE OR REPLACE TABLE malformed ({_MALFORMED})")
        with self._blaming():
            yield iter([self._query()])

    def accepted(self, scratch: Scratch, staged: str) -> int:
        """Return the rows of *staged*: all are the file's own."""
        return int(scratch.row(f"SELECT count(*) FROM {staged}")[0])

    def _query(self, limit: str = "") -> str:
        places = range(len(self.columns))
        cells = ", ".join(
            f"{_text(f'c{place}', column.type)} AS c{place}"
            for place, column in enumerate(self._footer.columns)
        )
        aliases = ", ".join(f"c{place}" for place in places)
        return (
            f"SELECT row_number() OVER () AS n, {cells} "
            f"FROM (SELECT * FROM {scan(self._footer.path)} {limit}) AS cells({aliases})"
        )

    @contextlib.contextmanager
    def _blaming(self) -> Iterator[None]:
        """Reject the file where DuckDB fails because of it; an error of another cause stays what it is."""
        import _duckdb

        try:
            yield
        except _duckdb.Error:
            check_readable(self._query())
            raise


def type_of(kind: str) -> str | None:
    """Return our type for DuckDB's *kind*, None for one that no table has."""
    if kind.endswith("]"):
        return None  # a list, whatever of
    if kind.startswith("DECIMAL"):
        return "number"
    if kind.startswith("TIMESTAMP"):
        return "datetime"
    return "string" if kind.startswith("ENUM") else _TYPES.get(kind)


def _text(name: str, kind: str) -> str:
    """Return the SQL of the text that reads back as the value of column *name*."""
    if type_of(kind) is None:
        return "NULL::VARCHAR"  # data.drop names it, else the file had been refused
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {name})::VARCHAR"
    if kind == "TIMESTAMP_NS":
        return f"left({name}::VARCHAR, {len('2026-01-02 03:04:05.678901')})"
    return f"nullif({name}::VARCHAR, '')"


def _check_types(columns: tuple[ParquetColumn, ...], dropped: tuple[str, ...]) -> None:
    for column in columns:
        if type_of(column.type) is None and column.name not in dropped:
            raise rejection(
                "unsupported_column",
                f"Column {column.name!r} has the type {column.type[:80]}; flatten or remove it, or name it in "
                "data.drop.",
            )
