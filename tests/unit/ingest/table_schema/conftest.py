"""A DuckDB of its own that answers what the schema's SQL says of one text."""

from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pytest


@pytest.fixture(scope="session")
def ask() -> Iterator[Callable[[str, str | None], Any]]:
    """Yield what says what an SQL expression over ``x`` is for one text."""
    # Hypothesis keeps what it calls tests with until the interpreter ends, where DuckDB's binding complains of every
    # connection that is left.
    held = [duckdb.connect(":memory:", config={"threads": 1})]
    held[0].execute("SET TimeZone = 'UTC'")

    def answer(expression: str, x: str | None) -> Any:
        found = held[0].execute(f"SELECT {expression} FROM (SELECT ?::VARCHAR AS x)", [x]).fetchone()
        assert found
        return found[0]

    yield answer
    held.pop().close()
