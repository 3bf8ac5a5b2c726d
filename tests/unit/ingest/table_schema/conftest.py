"""A DuckDB of its own that answers what the schema's SQL says of one text."""

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest


@pytest.fixture(scope="session")
def engine() -> Iterator[Any]:
    with duckdb.connect(":memory:", config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


@pytest.fixture(scope="session")
def ask(engine: Any) -> Callable[[str, str | None], Any]:
    """Return what an SQL expression over ``x`` is for one text."""

    def answer(expression: str, x: str | None) -> Any:
        return engine.execute(f"SELECT {expression} FROM (SELECT ?::VARCHAR AS x)", [x]).fetchone()[0]

    return answer
