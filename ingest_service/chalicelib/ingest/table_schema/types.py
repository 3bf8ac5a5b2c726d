"""The types of a column, the formats they come in, and how temporal formats look as text."""

import re
from enum import StrEnum


class Type(StrEnum):
    """What the cells of a column are, in the names of Frictionless Table Schema; ``binary`` is ours."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    STRING = "string"
    BINARY = "binary"  # image bytes, travelling as base64 text


NUMERIC = (Type.INTEGER, Type.NUMBER)
TEMPORAL = (Type.DATE, Type.DATETIME)

DEFAULT = "default"
MISSING = "missing"  # label of a cell without a value; "missing:NA" of one that says so
IDENTIFIER = "identifier"  # 007, or more digits than an integer holds: arithmetic on it would lose digits

# "1,5" is a number where a comma parts no cells; "1,500" may be one and a half or fifteen hundred.
DECIMAL_COMMA = "number:,"
COMMA_OR_GROUP = "number:, or group"

# Texts that say "no value" in a column of numbers, truth values or times; in lower case.
# "nan" is not among them: it is what a division by zero leaves, and its owner should hear of it.
MISSING_TOKENS = ("na", "n/a", "#n/a", "null", "none", "-", "?")

EPOCH_S = "%s"
EPOCH_MS = "%Q"
# Only declared, never inferred: 20260131 and 1767225600 are integers until their owner says otherwise.
EPOCHS = {EPOCH_S: 1_000_000, EPOCH_MS: 1_000}  # microseconds in one unit

# No years before 1000: they are typing errors far more often than history.
_DIRECTIVES = {
    "%Y": "[12][0-9]{3}",
    "%y": "[0-9]{2}",
    "%m": "[0-9]{1,2}",
    "%d": "[0-9]{1,2}",
    "%H": "[0-9]{1,2}",
    "%I": "[0-9]{1,2}",
    "%M": "[0-9]{2}",
    "%S": "[0-9]{2}",
    "%f": "[0-9]{1,6}",
    "%p": "([AaPp][Mm])",
    "%b": "[A-Za-z]{3}",
    "%B": "[A-Za-z]{3,9}",
    "%z": "[+-][0-9]{2}:?[0-9]{2}",
}
_DATE_PARTS = frozenset({"%Y", "%y", "%m", "%d", "%b", "%B"})
_TIME_SUFFIXES = ("", " %H:%M", " %H:%M:%S")
_DOTTED = "%d.%m.%Y"
_YEAR_FIRST = "%Y/%m/%d"
DAY_FIRST = "%d/%m/%Y"
MONTH_FIRST = "%m/%d/%Y"

# Inferred formats that no other can be mistaken for, and those where day and month can.
PLAIN_FORMATS = tuple(date + time for date in (_DOTTED, _YEAR_FIRST) for time in _TIME_SUFFIXES)
DAY_MONTH_FORMATS = tuple((DAY_FIRST + time, MONTH_FIRST + time) for time in _TIME_SUFFIXES)


def format_label(pattern: str) -> str:
    """Return the label of cells in the strptime *pattern*, such as ``date:%d.%m.%Y``."""
    kind = Type.DATETIME if re.search("%[HISQs]", pattern) else Type.DATE
    return f"{kind}:{pattern}"


def ambiguous_label(day_first: str, month_first: str) -> str:
    """Return the label of cells such as 03/04/2026 that both patterns read."""
    return f"{format_label(day_first)}|{month_first}"


def text_pattern(pattern: str) -> str:
    """Return the regular expression of texts in the strptime *pattern*."""
    # Where numbers touch, as in %Y%m%d, only full widths tell one from the next.
    width = "{2}" if re.search("%.%", pattern) else "{1,2}"
    pieces = re.findall(r"%.|[^%]", pattern)
    return "".join(_DIRECTIVES.get(piece, _escape(piece)) for piece in pieces).replace("{1,2}", width)


def wrong_format(kind: Type, pattern: str) -> str | None:
    """Return what is wrong with a declared temporal format, None where nothing is."""
    if pattern == DEFAULT or (pattern in EPOCHS and kind is Type.DATETIME):
        return None
    found = re.findall(r"%.?", pattern)
    if not found or not set(found) <= set(_DIRECTIVES):
        known = ", ".join(_DIRECTIVES)
        return f"{pattern!r} is not 'default' or a pattern of {known} (a datetime also takes %s or %Q alone)"
    if len(found) != len(set(found)):
        return f"{pattern!r} names a part twice"
    return _wrong_parts(kind, pattern, set(found))


def _wrong_parts(kind: Type, pattern: str, parts: set[str]) -> str | None:
    if not _names_a_day(parts):
        return f"{pattern!r} does not say year, month and day"
    if kind is Type.DATE and not parts <= _DATE_PARTS:
        return f"{pattern!r} has a time of day; declare 'datetime'"
    return None


def _names_a_day(parts: set[str]) -> bool:
    return "%d" in parts and bool(parts & {"%Y", "%y"}) and bool(parts & {"%m", "%b", "%B"})


def _escape(character: str) -> str:
    # re.escape would also escape what RE2 refuses to see escaped.
    return f"\\{character}" if character in r"\.^$*+?{}[]()|" else character
