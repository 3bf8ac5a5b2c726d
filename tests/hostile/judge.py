"""One upload through the whole service, with the real engine: what became of it."""

import io
import random
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import msgspec
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.reasons import CODES

from shared.entities.dataset import DatasetState
from shared.objects import ObjectInfo
from tests.attack_report import Attacks
from tests.hostile.confined import Used
from tests.hostile.corpus import table
from tests.unit.ingest.world import World


class Streamed(msgspec.Struct, frozen=True, kw_only=True):
    """Content that is made while it is read: larger than the process that reads it may grow."""

    size_bytes: int
    chunks: Callable[[], Iterator[bytes]]


class File(msgspec.Struct, frozen=True, kw_only=True):
    """An upload: its bytes, or what makes them in the child that reads them; ``definition`` is the pipeline's beyond the usual."""

    name: str
    body: bytes | Streamed
    definition: dict[str, Any] = {}
    key: str | None = None


class Fate(msgspec.Struct, frozen=True, kw_only=True):
    """What became of an upload; ``rows`` are the good ones, where they were asked for, and ``types`` their columns'."""

    state: str
    reason: str | None
    detail: str | None
    read: int
    good: int
    bad: int
    rejects: list[dict[str, Any]]
    types: dict[str, str] = {}
    sides: dict[str, list[tuple[Any, ...]]] = {}


def note(attacks: Attacks, kind: str, used: Used, *, wrong: bool) -> None:
    """Count what became of a file of *kind*, and what that cost."""
    is_wrong = wrong or used.is_over
    attacks.note(kind, told(used.answer), wrong=is_wrong, peak_bytes=used.peak_bytes, took_s=used.cpu_s)


def told(fate: Fate | None) -> str:
    """Return an outcome in a word; None is that of a process that died."""
    if fate is None:
        return "crashed"
    if fate.state != "READY":
        return f"`{fate.reason}`"
    return "`READY`, bad rows set apart" if fate.bad else "`READY`"


def warm_up() -> None:
    """Take a good file of each format through the service."""
    for ending in ("csv", "jsonl", "parquet"):
        judge(File(name=f"a.{ending}", body=table(random.Random(1), ending).body))
    judge(File(name="a.zip", body=b"PK", definition={"task": "image", "target": "label"}))
    judge(File(name="a.csv", body="naïve,late\n".encode("latin-1")))
    judge(File(name="a.csv.zst", body=b""))


def judge(file: File) -> Fate:
    """Upload *file* and return what became of it; any error that is no outcome flies."""
    return _judge(file, with_rows=False)


def judge_with_rows(files: list[File]) -> list[Fate]:
    """Upload *files*, each into a world of its own; a fate also has every row that the Parquet parts hold."""
    return [_judge(file, with_rows=True) for file in files]


def _judge(file: File, *, with_rows: bool) -> Fate:
    world = World()
    world.define(**file.definition)
    if isinstance(file.body, Streamed):
        upload = world.put(b"", file.name, key=file.key)
        row = world.handle(upload, raw=_StreamedObjects(world.incoming, file.body))
    else:
        row = world.upload(file.body, file.name, key=file.key)
    if row.state is not DatasetState.READY:
        assert row.state is DatasetState.REJECTED, row.state
        assert row.reason in CODES, row.reason
        assert row.detail
        return _fate(row, [])
    manifest = world.manifest(row)
    assert manifest.rows.read == manifest.rows.good + manifest.rows.bad
    rejects = world.rejects(row)
    assert len(rejects) == manifest.rows.bad
    if not with_rows:
        return _fate(row, rejects)
    with tempfile.TemporaryDirectory() as folder:
        sides = {part.side: world.rows(row, part.side, Path(folder)) for part in manifest.parts}
    return msgspec.structs.replace(_fate(row, rejects), types=world.types(row), sides=sides)


def _fate(row: Any, rejects: list[dict[str, Any]]) -> Fate:
    return Fate(
        state=row.state.value,
        reason=row.reason,
        detail=row.detail,
        read=row.row_count or 0,
        good=row.rows_good or 0,
        bad=row.rows_bad or 0,
        rejects=rejects,
    )


class _StreamedObjects(RawObjects):
    """The incoming bucket with one object that lies nowhere."""

    def __init__(self, bucket: Any, body: Streamed) -> None:
        super().__init__(bucket)
        self._body = body

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo:
        return ObjectInfo(key=key, size_bytes=self._body.size_bytes, version_id=version_id)

    def stream(self, info: ObjectInfo, *, part_bytes: int = 0) -> Any:
        return io.BufferedReader(cast("io.RawIOBase", _Chunks(self._body.chunks())), 1 << 16)


class _Chunks(io.RawIOBase):
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._held = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        held = self._held or next(self._chunks, b"")
        taken = held[: len(buffer)]
        self._held = held[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)
