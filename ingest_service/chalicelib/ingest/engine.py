"""Adapter: DuckDB in a scratch folder of its own, within stated memory."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from shared.errors import Unavailable

MEMORY_LIMIT = "400MB"  # of the function's 1,769 MB; larger work spills to /tmp
THREADS = 2  # 1,769 MB is one vCPU; the second thread fills the waits for the pump
# Small row groups bound the memory of a writer; 61,440 is a multiple of DuckDB's vector of 2,048 rows.
ROW_GROUP_ROWS = 61_440
PARQUET = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP_ROWS}"


class Scratch(msgspec.Struct, frozen=True, kw_only=True):
    """A connection and the folder for everything one upload needs on disk."""

    connection: Any
    folder: Path

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Run *query* and return all its rows; for answers that are small."""
        answer: list[tuple[Any, ...]] = self.connection.execute(query).fetchall()
        return answer

    def row(self, query: str) -> tuple[Any, ...]:
        """Run *query* and return its only row."""
        return self.rows(query)[0]

    def copy(self, query: str, target: Path, options: str = PARQUET) -> None:
        """Write the answer of *query* to *target*, in constant memory."""
        self.connection.execute(f"COPY ({query}) TO {literal(str(target))} ({options})")


@contextlib.contextmanager
def open_scratch() -> Iterator[Scratch]:
    """Open a DuckDB of its own; whatever happens, its folder is gone afterwards."""
    import duckdb  # 0.26 s of CPU: the REST routes of this app start without it

    folder = Path(tempfile.mkdtemp(prefix="headrace-ingest-"))
    try:
        with duckdb.connect(":memory:", config=_settings(folder)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield Scratch(connection=connection, folder=folder)
    except duckdb.Error as error:
        # Memory, disk or a bug: nothing the upload's owner could mend. Another attempt may, else it ends FAILED.
        raise Unavailable(f"DuckDB: {error}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settings(folder: Path) -> dict[str, Any]:
    return {
        "memory_limit": MEMORY_LIMIT,
        "threads": THREADS,
        "temp_directory": str(folder / "spill"),
        # An upload is data, never a command: nothing is fetched or installed on its behalf.
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        # The order of rows is kept, so that the same upload gives the same bytes in every attempt.
        "preserve_insertion_order": True,
    }


def literal(text: str) -> str:
    """Return *text* as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return *name* as an SQL name."""
    return '"' + name.replace('"', '""') + '"'


def table(path: Path) -> str:
    """Return the Parquet file at *path* as something to select from."""
    return f"read_parquet({literal(str(path))})"
