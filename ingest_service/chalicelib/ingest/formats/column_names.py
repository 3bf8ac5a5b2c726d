"""What a column may be called, in whatever format it arrives."""

import re
from collections import Counter
from collections.abc import Sequence

from chalicelib.ingest.reasons import rejection

MAX_COLUMNS = 1000
MAX_NAME_CHARS = 128
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def check_names(columns: Sequence[str]) -> None:
    """Refuse names that could not be told apart, or not be written.

    Raises
    ------
    InvalidDataset
        ``too_many_columns``, ``empty_column_name``, ``bad_header`` or ``duplicate_columns``.
    """
    if len(columns) > MAX_COLUMNS:
        raise rejection(
            "too_many_columns", f"The file has {len(columns)} columns; the limit is {MAX_COLUMNS}."
        )
    for place, name in enumerate(columns, start=1):
        _check_name(name, f"column {place} of {len(columns)}")
    # DuckDB, as most databases, does not tell Late from late; a second column would be renamed in silence.
    folded = Counter(name.casefold() for name in columns)
    twice = [name for name in columns if folded[name.casefold()] > 1]
    if twice:
        names = ", ".join(repr(name) for name in twice[:10])
        raise rejection("duplicate_columns", f"These column names occur more than once: {names}.")


def _check_name(name: str, where: str) -> None:
    if not name.strip():
        raise rejection("empty_column_name", f"There is no name for {where}.")
    if len(name) > MAX_NAME_CHARS or _CONTROL.search(name):
        raise rejection("bad_header", f"The name of {where}, {name[:40]!r}, is too long or not text.")
