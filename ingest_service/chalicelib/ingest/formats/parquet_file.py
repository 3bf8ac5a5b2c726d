"""Adapter: look into a local Parquet file with DuckDB, as into something that may be made to harm."""

# ruff: noqa: S608 - the path is our own; what users wrote passes through engine.literal and identifier.

import contextlib
import os
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from chalicelib.ingest.engine import literal
from chalicelib.ingest.reasons import rejection

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
# 1,000 columns in 1,000 row groups have a footer of about 100 MB with statistics; 64 MiB is beyond use.
MAX_FOOTER_BYTES = 64 << 20
_PROBE_MEMORY = "300MB"


class ParquetColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One top-level column: its name as written, its type as DuckDB names it."""

    name: str
    type: str


class ParquetFile(msgspec.Struct, frozen=True, kw_only=True):
    """What the footer says; ``text_bytes`` is about what the cells have as texts."""

    path: str
    columns: tuple[ParquetColumn, ...]
    row_count: int
    text_bytes: int


def read_footer(path: str) -> ParquetFile:
    """Return what the Parquet file at *path* says of itself.

    Raises
    ------
    InvalidDataset
        ``corrupt_parquet``.
    """
    size_bytes = _check_frame(path)
    with _probing() as connection:
        types = [str(row[1]) for row in _ask(connection, f"DESCRIBE SELECT * FROM {scan(path)}")]
        schema = _ask(
            connection, f"SELECT name, coalesce(num_children, 0) FROM parquet_schema({literal(path)})"
        )
        row_count, chunks_bytes = _check_chunks(connection, path, size_bytes)
    # DuckDB renames a second column of one name in silence: the names come from the footer itself.
    names = _top_level(schema)
    if len(names) != len(types):
        raise _corrupt(f"its schema has {len(names)} columns, of which {len(types)} can be read")
    columns = [ParquetColumn(name=name, type=kind) for name, kind in zip(names, types, strict=True)]
    # A run of a billion equal values is a few bytes of file, but a billion cells.
    text_bytes = max(chunks_bytes, 2 * row_count * len(names))
    return ParquetFile(path=path, columns=tuple(columns), row_count=row_count, text_bytes=text_bytes)


def scan(path: str) -> str:
    """Return the file at *path* as something to select from."""
    return f"read_parquet({literal(path)}, file_row_number=false, hive_partitioning=false)"


def check_readable(query: str) -> None:
    """Run *query* to its end in a DuckDB of its own, keeping nothing.

    Raises
    ------
    InvalidDataset
        ``corrupt_parquet``: the file itself cannot be read, whatever was done with its rows.
    """
    with _probing() as connection:
        _ask(connection, f"SELECT bit_xor(hash(COLUMNS(*))) FROM ({query})")


def _check_frame(path: str) -> int:
    """Check the marks at both ends and the footer's length; return the file's size."""
    with open(path, "rb") as file:  # noqa: PTH123 - a descriptor's path, not a file's
        size_bytes = os.fstat(file.fileno()).st_size
        head = file.read(4)
        file.seek(max(0, size_bytes - 8))
        tail = file.read(8)
    if ENCRYPTED in (head, tail[4:]):
        raise rejection("corrupt_parquet", "The Parquet file is encrypted; write it without a key.")
    if size_bytes < 12 or head != MAGIC or tail[4:] != MAGIC:
        raise _corrupt("it does not begin and end with PAR1; it may have been cut off")
    footer_bytes = int.from_bytes(tail[:4], "little")
    if footer_bytes > min(MAX_FOOTER_BYTES, size_bytes - 12):
        raise _corrupt(f"its footer claims {footer_bytes:,} bytes")
    return size_bytes


def _check_chunks(connection: Any, path: str, size_bytes: int) -> tuple[int, int]:
    """Check that what the footer claims lies within the file; return the rows and the uncompressed bytes."""
    ((row_count, groups),) = _ask(
        connection, f"SELECT num_rows, num_row_groups FROM parquet_file_metadata({literal(path)})"
    )
    start = "coalesce(least(dictionary_page_offset, data_page_offset), data_page_offset)"
    # Sums of what a footer claims may exceed 64 bits: as doubles they cannot overflow.
    ((lowest, end, smallest, chunks_bytes),) = _ask(
        connection,
        f"SELECT min(data_page_offset), max(data_page_offset::HUGEINT + 0), "
        f"min(least(total_compressed_size, total_uncompressed_size, num_values, row_group_num_rows)), "
        f"coalesce(sum(total_uncompressed_size::DOUBLE), 0) FROM parquet_metadata({literal(path)})",
    )
    ((beyond,),) = _ask(
        connection,
        f"SELECT count(*) FROM parquet_metadata({literal(path)}) "
        f"WHERE {start} < 0 OR {start}::HUGEINT + total_compressed_size > {size_bytes}",
    )
    if row_count < 0 or (groups and min(lowest, smallest) < 0) or beyond or (end or 0) > size_bytes:
        raise _corrupt("its footer claims data outside of the file")
    return int(row_count), int(chunks_bytes)


def _top_level(schema: list[tuple[Any, ...]]) -> list[str]:
    """Return the names of the root's children; *schema* lists all elements depth first."""
    names: list[str] = []
    inner = 0  # elements still to come below the current top-level column
    for name, children in schema[1:]:
        if inner == 0:
            names.append(str(name))
            inner = 1
        inner += children - 1
    return names


def _ask(connection: Any, query: str) -> list[tuple[Any, ...]]:
    answer: list[tuple[Any, ...]] = connection.execute(query).fetchall()
    return answer


@contextlib.contextmanager
def _probing() -> Iterator[Any]:
    """Open a small DuckDB; an error of it says that the file is broken: nothing else is asked of it."""
    import _duckdb

    config: dict[str, Any] = {"memory_limit": _PROBE_MEMORY, "threads": 1, "temp_directory": ""}
    try:
        with _duckdb.connect(":memory:", config=config) as connection:
            yield connection
    except _duckdb.Error as error:
        # A page that claims gigabytes ends here too: as DuckDB's own limit of memory.
        raise _corrupt(_sentence(error)) from None


def _sentence(error: Exception) -> str:
    """Return the first line of DuckDB's message, without the name of our file."""
    return re.sub(r"/proc/\S+", "it", str(error).splitlines()[0])[:200]


def _corrupt(problem: str) -> Exception:
    return rejection("corrupt_parquet", f"The Parquet file cannot be read: {problem}.")
