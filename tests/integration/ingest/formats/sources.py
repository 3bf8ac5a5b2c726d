"""Sources in memory and on disk, and the rows that a reader makes of it."""

import io
from pathlib import Path
from typing import IO, Any

import msgspec
from chalicelib.ingest.engine import PARQUET, Scratch, open_scratch, tables
from chalicelib.ingest.formats.detect import open_reader
from chalicelib.ingest.formats.reader import Limits, Reader

from shared.entities.pipeline import Data

LIMITS = Limits(max_bytes=1 << 30, hard_max_bytes=1 << 30)


class Bytes(msgspec.Struct, frozen=True):
    """An object whose stream may break off after ``arriving`` bytes."""

    body: bytes
    name: str = "data.csv"
    arriving: int | None = None

    @property
    def size_bytes(self) -> int:
        """The bytes that the object has."""
        return len(self.body)

    def open(self) -> IO[bytes]:
        """Return a stream of what arrives."""
        return io.BytesIO(self.body[: self.arriving])


class OnDisk(msgspec.Struct, frozen=True):
    """A file on local disk."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def size_bytes(self) -> int:
        """The file's length."""
        return self.path.stat().st_size

    def open(self) -> IO[bytes]:
        """Return a new stream of the file."""
        return self.path.open("rb")


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader said and gave."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    malformed: list[tuple[Any, ...]]
    sampled: list[tuple[Any, ...]]
    sha256: str
    size_bytes: int
    encoding: str


def read(body: bytes, name: str = "data.csv", *, arriving: int | None = None, **data: Any) -> Table:
    """Read *body* as an upload called *name*, as the ingest core does."""
    return read_source(Bytes(body, name, arriving), LIMITS, **data)


def drain(scratch: Scratch, reader: Reader, options: str = PARQUET) -> tuple[str, int]:
    """Return where all rows of *reader* are, read as often as it asks for, and their number."""
    accepted = None
    while accepted is None:
        paths: list[Path] = []
        with reader.rows(scratch) as queries:
            for query in queries:
                paths.append(scratch.folder / f"staged-{len(paths)}.parquet")
                scratch.copy(query, paths[-1], options)
        accepted = reader.accepted(scratch, tables(paths))
    return tables(paths), accepted


def read_source(source: Any, limits: Limits, **data: Any) -> Table:
    """Read *source* as the ingest core does."""
    reader = open_reader(source, Data(**data), limits)
    with open_scratch() as scratch:
        sampled = scratch.rows(reader.sample(scratch))
        staged, accepted = drain(scratch, reader)
        rows = scratch.rows(f"FROM {staged} ORDER BY n")
        malformed = scratch.rows("SELECT row, rule, value, rank, before FROM malformed ORDER BY rank")
    assert accepted == len(rows)
    assert [row[0] for row in rows] == list(range(1, accepted + 1))
    return Table(
        columns=reader.columns,
        rows=[row[1:] for row in rows],
        malformed=malformed,
        sampled=[row[1:] for row in sampled],
        sha256=reader.sha256,
        size_bytes=reader.size_bytes,
        encoding=getattr(reader, "encoding", ""),
    )
