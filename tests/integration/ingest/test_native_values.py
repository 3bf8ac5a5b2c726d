"""A value that a file holds as a number, a date or a boolean is one, however the schema spells it in texts."""

from pathlib import Path

import duckdb
import msgspec
import pytest

from tests.unit.ingest.world import World

FIELDS: list[dict[str, object]] = [
    {"name": "id", "type": "integer"},
    {"name": "price", "type": "number", "decimalChar": ",", "groupChar": "."},
    {"name": "bought", "type": "date", "format": "%d.%m.%Y"},
    {"name": "seen", "type": "datetime", "format": "%s"},
    {"name": "late", "type": "boolean", "trueValues": ["yes"], "falseValues": ["no"]},
]
ROWS = 60


def spelled(row: int) -> dict[str, object]:
    """One row as its texts are spelled."""
    return {
        "id": row,
        "price": f"1.{row:03},5",
        "bought": f"{row % 28 + 1:02}.02.2026",
        "seen": 1767225600 + row,
        "late": "yes" if row % 2 else "no",
    }


def csv(_path: Path) -> bytes:
    lines = [";".join(str(field["name"]) for field in FIELDS)]
    lines += [";".join(str(value) for value in spelled(row).values()) for row in range(ROWS)]
    return "\n".join([*lines, ""]).encode()


def json_lines(_path: Path) -> bytes:
    rows = [spelled(row) | {"price": 1000 + row + 0.5, "late": bool(row % 2)} for row in range(ROWS)]
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def parquet(path: Path) -> bytes:
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT range AS id, 1000.5 + range AS price, DATE '2026-02-01' + (range % 28)::INTEGER AS bought, "
            f"1767225600 + range AS seen, range % 2 = 1 AS late FROM range({ROWS})) TO '{path}' (FORMAT parquet)"
        )
    return path.read_bytes()


@pytest.fixture
def world() -> World:
    world = World()
    world.define(data={"schema": {"fields": FIELDS}}, split={"by": "hash"})
    return world


def test_a_file_of_each_format_gives_the_same_rows(world, tmp_path):
    makers = {"a.csv": csv, "b.jsonl": json_lines, "c.parquet": parquet}
    read = {}
    for name, make in makers.items():
        row = world.upload(make(tmp_path / "made.parquet"), name)
        assert (name, row.reason, world.rejects(row)) == (name, None, [])
        read[name] = sorted(world.good_rows(row, tmp_path))
    assert len(read["a.csv"]) == ROWS
    assert read["a.csv"] == read["b.jsonl"] == read["c.parquet"]


def test_an_integer_that_the_schema_calls_an_instant_stays_one(world, tmp_path):
    row = world.upload(parquet(tmp_path / "made.parquet"), "c.parquet")
    assert str(min(world.good_rows(row, tmp_path))[3]).startswith("2026-01-01 00:00:00")
