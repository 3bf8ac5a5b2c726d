"""What a cell of a CSV means for an input of a model: spelled as in the files it was trained on, or as in JSON."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
# Seconds and milliseconds since 1970, as schemas name them.
_EPOCHS = {"%s": 1, "%Q": 1000}


def read_cell(cell: str, given: Mapping[str, Any]) -> Any:
    """Return the value of a cell; one that does not fit stays text, and the service names it.

    Parameters
    ----------
    given
        An input of the model's signature: its `type`, and its `spelling` where the model states one.
    """
    spelling = given.get("spelling") or {}
    if cell == "" or cell in spelling.get("missingValues", ()):
        return None
    kind = given.get("type", "")
    if kind in {"integer", "number"}:
        return _number(cell, spelling)
    if kind == "boolean":
        return _boolean(cell, spelling)
    return _time(cell, kind, spelling["format"]) if "format" in spelling else cell


def _number(cell: str, spelling: Mapping[str, Any]) -> Any:
    text = cell.replace(spelling.get("groupChar", ""), "") if spelling.get("groupChar") else cell
    text = text.replace(spelling.get("decimalChar", "."), ".")
    if not _NUMBER.fullmatch(text):
        return cell
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def _boolean(cell: str, spelling: Mapping[str, Any]) -> Any:
    own = {"trueValues": True, "falseValues": False}
    for name, value in own.items():
        if cell in spelling.get(name, ()):
            return value
    return _BOOLEANS.get(cell.lower(), cell)


def _time(cell: str, kind: str, pattern: str) -> str:
    try:
        if pattern in _EPOCHS:
            moment = datetime.fromtimestamp(int(cell) / _EPOCHS[pattern], UTC)
        else:
            moment = datetime.strptime(cell, pattern)  # noqa: DTZ007 - without an offset times are UTC
    except (ValueError, OverflowError, OSError):
        return cell
    return moment.date().isoformat() if kind == "date" else moment.isoformat()
