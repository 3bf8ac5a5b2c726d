"""Fixtures of the profile tests: DuckDB in process, and tables made of Python lists."""

from collections.abc import Iterator
from typing import Any

import pytest
from chalicelib.ingest.engine import Scratch, open_scratch
from chalicelib.ingest.profiling import Column, Profile, profile

SQL_TYPES = {
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "datetime": "TIMESTAMP",
    "string": "VARCHAR",
    "binary": "BLOB",
}


@pytest.fixture(scope="session")
def scratch() -> Iterator[Scratch]:
    with open_scratch() as opened:
        yield opened


@pytest.fixture(scope="session")
def profile_of(scratch: Scratch) -> Any:
    """Return a function from columns, each a type and a list of values, to their profile."""

    def take(**columns: tuple[str, list[Any]]) -> Profile:
        kinds = {name: kind for name, (kind, _) in columns.items()}
        made = ", ".join(f"v{i} {SQL_TYPES[kind]}" for i, kind in enumerate(kinds.values()))
        scratch.connection.execute(f"CREATE OR REPLACE TABLE given ({made})")
        rows = list(zip(*(values for _, values in columns.values()), strict=True))
        marks = ", ".join("?" * len(columns))
        scratch.connection.executemany(f"INSERT INTO given VALUES ({marks})", rows)
        places = [Column(name=name, type=kind, place=f"v{i}") for i, (name, kind) in enumerate(kinds.items())]
        return profile(scratch, "given", places, row_count=len(rows))

    return take
