"""A small file is made into its dataset in fewer steps, and into the same dataset to the last byte."""

import io
from pathlib import Path
from typing import Any, cast

import pytest
from chalicelib.ingest.formats import compression, feed, stretches
from chalicelib.ingest.raw_objects import RawObjects
from chalicelib.ingest.source import HELD_BYTES, StoredSource

from shared.objects import ObjectInfo
from tests.database import answers
from tests.unit.ingest.world import World

HEADER = b"id,distance,at,late\n"


def dirty() -> bytes:
    good = [
        f"{i},{i * 7919 % 1009 / 4},2026-01-{1 + i % 28:02d}T{i % 24:02d}:00,{'true' if i % 3 else 'false'}\n"
        for i in range(3000)
    ]
    good[700:700] = ["1,far,2026-01-01T10:00,true\n", "1,2\n", '2,"5\n', '5",2026-01-01T10:00,true\n']
    return HEADER + "".join(good).encode()


def made_of(body: bytes) -> dict[str, bytes]:
    world = World()
    world.define(data={"max_bad": "5%", "time": "at"})
    row = world.upload(body)
    assert (row.state, row.rows_bad) == ("READY", 3)
    files = {key.split("/", 3)[3]: key for key in world.data.versions if "manifest" not in key}
    return {name: world.data.read(key) for name, key in files.items()}


def test_rows_held_in_memory_make_the_same_files_as_rows_staged_on_disk(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = made_of(dirty())
    monkeypatch.setattr(compression, "SMALL_BYTES", 0)
    assert made_of(dirty()) == held


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stage a file as if it were large: on disk, by a statement for every 16 kB."""
    monkeypatch.setattr(compression, "SMALL_BYTES", 0)
    monkeypatch.setattr(feed, "CHUNK_BYTES", 4096)
    monkeypatch.setattr(stretches, "STRETCH_BYTES", 2000)


def with_rows(files: dict[str, bytes], folder: Path) -> dict[str, object]:
    """Return *files*, of Parquet ones the rows in their order: how they are packed depends on how they arrive."""
    found: dict[str, object] = {}
    for name, body in files.items():
        path = folder / name.replace("/", "-")
        path.write_bytes(body)
        found[name] = answers(f"FROM read_parquet('{path}')") if name.endswith(".parquet") else body
    return found


def test_rows_staged_by_several_statements_make_the_same_dataset_as_rows_staged_by_one(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    at_once = with_rows(made_of(dirty()), tmp_path)
    request.getfixturevalue("cut")
    assert with_rows(made_of(dirty()), tmp_path) == at_once


def test_what_several_statements_stage_counts_together_against_the_disk(cut: None, world: World) -> None:
    world.define(data={"max_bad": "5%", "time": "at"})
    row = world.handle(world.put(dirty()), disk_bytes=10_000)
    assert (row.state, row.processing_job is None) == ("VALIDATING", False)


def test_where_the_few_rows_looked_at_mislead_a_small_file_is_read_again(world: World) -> None:
    cells = [str(n) if n <= 256 or n % 8 == 0 else f"x{n}" for n in range(1, 2001)]
    lines = "".join(f"{n},{cell},{'true' if n % 3 else 'false'}\n" for n, cell in enumerate(cells, start=1))
    row = world.upload(b"id,distance,late\n" + lines.encode())
    assert (row.rows_good, row.rows_bad) == (2000, 0)
    assert world.types(row)["distance"] == "string"


class Raw:
    """Counts the streams it hands out."""

    def __init__(self, body: bytes) -> None:
        self.body, self.streams = body, 0

    def stream(self, _info: ObjectInfo) -> io.BytesIO:
        self.streams += 1
        return io.BytesIO(self.body)


@pytest.mark.parametrize(("size", "asked"), [(HELD_BYTES, 1), (HELD_BYTES + 1, 3)])
def test_a_small_object_is_asked_for_once_however_often_it_is_read(size: int, asked: int) -> None:
    raw = Raw(b"x" * size)
    info: Any = type("Info", (), {"key": "incoming/trips/a.csv", "size_bytes": size})
    source = StoredSource(cast("RawObjects", raw), info)
    assert [source.open().read() for _ in range(3)] == [raw.body] * 3
    assert raw.streams == asked
