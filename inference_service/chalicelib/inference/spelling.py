"""How cells of a CSV request become values: as in the files that the model was trained on, or as JSON spells them."""

import datetime as dt
import re
from collections.abc import Callable

import msgspec

# What JSON itself accepts as a number, and a leading + or zeros; never inf, nan or other digits than 0-9.
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_EPOCHS = {"%s": 1, "%Q": 1000}
_DEFAULT = "default"

type Value = str | float | bool | None


class Spelling(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """How the training data's files spell a column, in the terms of a Frictionless Table Schema."""

    format: str = _DEFAULT
    missing_values: tuple[str, ...] = ()
    true_values: tuple[str, ...] = ()
    false_values: tuple[str, ...] = ()
    decimal_char: str = "."
    group_char: str = ""


def reader_of(kind: str, spelling: Spelling) -> Callable[[str], Value]:
    """Return what turns a cell into a value; what does not fit stays text and is refused by its type."""
    missing = frozenset(("", *spelling.missing_values))
    read = _typed(kind, spelling)
    return lambda cell: None if cell in missing else read(cell)


def _typed(kind: str, spelling: Spelling) -> Callable[[str], Value]:
    if kind in {"integer", "number"}:
        return lambda cell: _number(cell, spelling)
    if kind == "boolean":
        own = dict.fromkeys(spelling.true_values, True) | dict.fromkeys(spelling.false_values, False)
        return lambda cell: own.get(cell, _BOOLEANS.get(cell.lower(), cell))
    if kind in {"date", "datetime"} and spelling.format != _DEFAULT:
        return lambda cell: _time(cell, kind, spelling.format)
    return lambda cell: cell


def _number(cell: str, spelling: Spelling) -> float | str:
    text = cell
    if spelling.group_char:
        text = text.replace(spelling.group_char, "")
    if spelling.decimal_char != ".":
        text = text.replace(spelling.decimal_char, ".")
    if not _NUMBER.fullmatch(text):
        return cell
    number = float(text)
    return cell if number in {float("inf"), float("-inf")} else number


def _time(cell: str, kind: str, pattern: str) -> str:
    try:
        moment = _moment(cell, pattern)
    except (ValueError, OverflowError, OSError):
        return cell
    return moment.date().isoformat() if kind == "date" else moment.isoformat()


def _moment(cell: str, pattern: str) -> dt.datetime:
    if pattern in _EPOCHS:
        return dt.datetime.fromtimestamp(int(cell) / _EPOCHS[pattern], dt.UTC)
    return dt.datetime.strptime(cell, pattern)  # noqa: DTZ007 - without an offset times are UTC
