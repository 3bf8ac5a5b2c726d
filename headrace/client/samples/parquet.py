"""Parquet, by whichever reader is installed: the format needs one, and nothing else here does."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from headrace.client.samples.table import MAX_ROWS, Sample, unique_header
from headrace.failures import BadData

# Names of columns, names of their types, rows.
_Read = tuple[list[str], list[str], list[tuple[Any, ...]]]
# How pyarrow and DuckDB spell types, by their beginnings.
_TYPES = (
    ("bool", "boolean"),
    ("int", "integer"),
    ("hugeint", "integer"),
    ("uint", "integer"),
    ("tinyint", "integer"),
    ("smallint", "integer"),
    ("bigint", "integer"),
    ("float", "number"),
    ("double", "number"),
    ("decimal", "number"),
    ("half", "number"),
    ("date", "date"),
    ("timestamp", "datetime"),
)


def read_parquet(file: Path) -> Sample:
    """Return the sample of a Parquet file, with the types it declares.

    Raises
    ------
    BadData
        It is broken, has no rows, or no reader is installed.
    """
    reader = _reader()
    if reader is None:
        raise BadData(f"{file} is Parquet, which cannot be read here: `pip install duckdb`, or give a CSV")
    names, kinds, rows = reader(file)
    if not rows:
        raise BadData(f"{file} has columns and no rows")
    header = unique_header(names, file)
    texts = tuple(tuple(map(_cell, row)) for row in rows)
    return Sample(header=header, rows=texts, types=dict(zip(header, map(_type, kinds), strict=True)))


def _reader() -> Callable[[Path], _Read] | None:
    try:
        import duckdb  # noqa: F401

        return _by_duckdb
    except ImportError:
        pass
    try:
        import pyarrow  # noqa: F401

        return _by_pyarrow
    except ImportError:
        return None


def _by_duckdb(file: Path) -> _Read:
    import duckdb

    with duckdb.connect() as connection:
        try:
            found = connection.execute(
                f"SELECT * FROM read_parquet(?) LIMIT {MAX_ROWS}",  # noqa: S608 - a number of ours
                [str(file)],
            )
        except duckdb.Error as error:
            raise _broken(file, error) from error
        columns = found.description or []
        return [column[0] for column in columns], [str(column[1]) for column in columns], found.fetchall()


def _by_pyarrow(file: Path) -> _Read:
    import pyarrow
    from pyarrow import parquet

    try:
        batch = next(parquet.ParquetFile(file).iter_batches(MAX_ROWS), None)
    except (pyarrow.ArrowException, OSError) as error:
        raise _broken(file, error) from error
    if batch is None:
        return [], [], []
    columns = [column.to_pylist() for column in batch.columns]
    return batch.schema.names, [str(kind) for kind in batch.schema.types], list(zip(*columns, strict=True))


def _broken(file: Path, error: Exception) -> BadData:
    return BadData(f"{file} is broken Parquet: {str(error).splitlines()[0]}")


def _type(kind: str) -> str:
    lowered = kind.lower()
    return next((ours for start, ours in _TYPES if lowered.startswith(start)), "string")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
