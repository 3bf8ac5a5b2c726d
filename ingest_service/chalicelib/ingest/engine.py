"""Adapter: DuckDB in a scratch folder of its own, within stated memory and disk."""

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any, Protocol

import msgspec

from shared.errors import Unavailable

# Beside it a process needs about 100 MB for itself: within 256 MB in all (measured, decision 11).
MEMORY_LIMIT = "150MB"
# What is sorted spills beyond this. To sort in as much as there is would only make large files take more than small ones.
SORTING_LIMIT = "64MB"
# One thread keeps rows in file order and sums in one order: every attempt writes the same bytes. A second one would
# wait for the pump anyway, which is a thread of its own.
THREADS = 1
# Small row groups bound the memory of a writer; both are multiples of DuckDB's vector of 2,048 rows.
ROW_GROUP_ROWS = 61_440
MIN_ROW_GROUP_ROWS = 2_048
# A picture may have 10 MiB; readers hold a whole group, so 2,048 small ones would already be too many.
PICTURES_IN_GROUP = 64
_ROW_GROUP_CELLS = ROW_GROUP_ROWS * 24
PARQUET = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"
PIPE_BYTES = 1 << 20
_NO_DISK = ("No space left on device", "max_temp_directory_size")


class Writable(Protocol):
    """What takes a stream of bytes."""

    def write(self, data: bytes, /) -> int:
        """Take *data*, all of it."""


class Scratch(msgspec.Struct, frozen=True, kw_only=True):
    """A connection and the folder for everything one upload needs on disk."""

    connection: Any
    folder: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Run *query* and return all its rows; for answers that are small."""
        answer: list[tuple[Any, ...]] = self._execute(query).fetchall()
        return answer

    def row(self, query: str) -> tuple[Any, ...]:
        """Run *query* and return its only row."""
        return self.rows(query)[0]

    def run(self, statement: str) -> None:
        """Run a statement that answers nothing."""
        self._execute(statement)

    def copy(self, query: str, target: Path, options: str = PARQUET) -> None:
        """Write the answer of *query* to *target*, in constant memory."""
        self.run(f"COPY ({query}) TO {literal(str(target))} ({options})")

    def stream(self, query: str, options: str, target: Writable) -> None:
        """Write the answer of *query* into *target* while it is made: it never lies on disk.

        DuckDB writes into a pipe; another thread carries what comes out of it. An error of *target* wins over
        DuckDB's, to which it is only a pipe that broke.
        """
        reader, writer = os.pipe()
        widen(writer)
        with ThreadPoolExecutor(max_workers=1) as executor:
            carried = executor.submit(_carry, reader, target)
            try:
                # No temporary name, which would be renamed afterwards: this one is a pipe.
                self.run(f"COPY ({query}) TO '/dev/fd/{writer}' ({options}, USE_TMP_FILE false)")
            finally:
                os.close(writer)
                _raise_first(carried)

    @contextlib.contextmanager
    def sorting(self) -> Iterator[None]:
        """Hold the statements of the block, which sort all rows, to less memory."""
        self.run(f"SET memory_limit = '{SORTING_LIMIT}'")
        try:
            yield
        finally:
            self.run(f"SET memory_limit = '{MEMORY_LIMIT}'")

    def _execute(self, statement: str) -> Any:
        import _duckdb

        try:
            return self.connection.execute(statement)
        except _duckdb.Error as error:
            # What does not fit into memory is spilled; where the disk is full too, a larger machine may help.
            if any(sign in str(error) for sign in _NO_DISK):
                raise DiskFull from error
            raise


def widen(pipe: int) -> None:
    """Let a pipe hold a megabyte instead of 64 KiB: its two threads then wait for each other less often."""
    with contextlib.suppress(OSError):  # an account may be allowed less
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def parquet(columns: int, compression: str = "zstd", *, pictures: bool = False) -> str:
    """Return the options of a Parquet file of so many columns: the wider, the fewer rows in a group."""
    rows = min(ROW_GROUP_ROWS, _ROW_GROUP_CELLS // max(1, columns) // MIN_ROW_GROUP_ROWS * MIN_ROW_GROUP_ROWS)
    rows = PICTURES_IN_GROUP if pictures else max(MIN_ROW_GROUP_ROWS, rows)
    return f"FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE {rows}"


@contextlib.contextmanager
def open_scratch() -> Iterator[Scratch]:
    """Open a DuckDB of its own; whatever happens, its folder is gone afterwards."""
    # Only where a file is read: the REST routes of this app start without it. The package around this module, relations
    # and expressions that nobody here uses, takes five times as long to import as the engine itself.
    import _duckdb

    folder = Path(tempfile.mkdtemp(prefix="headrace-ingest-"))
    try:
        with _duckdb.connect(":memory:", config=_settings(folder)) as connection:
            # A progress bar would be drawn into the function's log.
            connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
            yield Scratch(connection=connection, folder=folder)
    except _duckdb.Error as error:
        # Memory, disk or a bug: nothing the upload's owner could mend. Another attempt may, else it ends FAILED.
        raise Unavailable(f"DuckDB: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def literal(text: str) -> str:
    """Return *text* as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return *name* as an SQL name."""
    return '"' + name.replace('"', '""') + '"'


def tables(paths: Iterable[Path]) -> str:
    """Return Parquet files of the same columns as one thing to select from."""
    return f"read_parquet([{', '.join(literal(str(path)) for path in paths)}])"


def _settings(folder: Path) -> dict[str, Any]:
    return {
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "temp_directory": str(folder / "spill"),
        # An upload is data, never a command: nothing is fetched or installed on its behalf.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        # One thread keeps the order by itself; asked to, DuckDB would hold back more rows than it must.
        "preserve_insertion_order": False,
    }


def _carry(reader: int, target: Writable) -> None:
    with os.fdopen(reader, "rb", buffering=0) as pipe:
        while chunk := pipe.read(PIPE_BYTES):
            target.write(chunk)


def _raise_first(carried: Future[None]) -> None:
    error = carried.exception()
    if error is not None:
        raise error


class CappedFile:
    """A file that refuses to outgrow its limit.

    Raises
    ------
    DiskFull
        At the write that would pass *max_bytes*.
    """

    def __init__(self, file: IO[bytes], max_bytes: int) -> None:
        self._file = file
        self.left_bytes = max_bytes

    def write(self, data: bytes, /) -> int:
        """Write *data* where it still fits."""
        self.left_bytes -= len(data)
        if self.left_bytes < 0:
            raise DiskFull
        try:
            return self._file.write(data)
        except OSError as error:
            # Others use the disk too: a copy of a Parquet file, an aggregate that spills.
            if error.errno == errno.ENOSPC:
                raise DiskFull from error
            raise


class DiskFull(Exception):
    """The rows take more disk than this process may use."""
