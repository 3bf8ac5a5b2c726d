"""One DuckDB for the tests' own questions.

Opening one costs more than most answers. It is gone before the interpreter ends, where its binding would complain of
every connection that is left.
"""

import atexit
from collections.abc import Sequence
from typing import Any

import duckdb

_open: list[duckdb.DuckDBPyConnection] = []


def answers(query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of *query*, in file order where it reads one."""
    if not _open:
        _open.append(duckdb.connect(config={"threads": 1}))
        atexit.register(_close)
    found: list[tuple[Any, ...]] = _open[0].execute(query, list(values)).fetchall()
    return found


def _close() -> None:
    _open.pop().close()
