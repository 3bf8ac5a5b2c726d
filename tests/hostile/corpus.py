"""Good files of every format, from a seed: what the damages of this room are done to."""

import gzip
import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import msgspec
import zstandard

PLACES = ("Zürich", "Łódź", "São Paulo", "東京", "Oslo", "Rome")
NAMES = ("id", "distance", "place", "late")
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gz": gzip.compress,
    "zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}

Row = tuple[int, float, str, bool]


class Good(msgspec.Struct, frozen=True, kw_only=True):
    """A good file: its rows, and the text of them where it is text."""

    ending: str
    rows: list[Row]
    body: bytes


def table(chance: random.Random, ending: str) -> Good:
    """Return a good file of 40 to 120 rows; ``ending`` is csv, tsv, jsonl or parquet."""
    rows = [
        (i, chance.randrange(10**6) / 8, chance.choice(PLACES), i % 3 == 0)
        for i in range(chance.randrange(40, 120))
    ]
    return Good(ending=ending, rows=rows, body=_WRITERS[ending](rows))


def delimited(rows: list[Row], delimiter: str) -> bytes:
    """Return *rows* below their header."""
    lines = [delimiter.join(NAMES)]
    lines += [delimiter.join((str(i), repr(d), p, str(late).lower())) for i, d, p, late in rows]
    return "".join(line + "\n" for line in lines).encode()


def json_lines(rows: list[Row]) -> bytes:
    """Return *rows* one object a line."""
    texts = (json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=False) for row in rows)
    return "".join(text + "\n" for text in texts).encode()


def parquet(rows: list[Row]) -> bytes:
    """Return *rows* as Parquet, written by DuckDB."""
    values = ", ".join("(?, ?, ?, ?)" for _ in rows)
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        path = Path(folder) / "rows.parquet"
        query = f"SELECT * FROM (VALUES {values}) AS rows({', '.join(NAMES)})"
        connection.execute(f"COPY ({query}) TO '{path}'", [cell for row in rows for cell in row])
        return path.read_bytes()


_WRITERS = {
    "csv": lambda rows: delimited(rows, ","),
    "tsv": lambda rows: delimited(rows, "\t"),
    "jsonl": json_lines,
    "parquet": parquet,
}
