"""What the texts of a column are: the rules by which the ingest service infers types, for a sample."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

# As in the service: as many odd cells are typing errors, to be set aside, and no reason for another type.
TOLERANCE = 0.01
# ASCII only, here and below: Python's digits also are Arabic and full-width digits.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})", re.ASCII)
_NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)
# 007, or more digits than an integer holds: arithmetic on it would lose digits.
_IDENTIFIER = re.compile(r"-?(0[0-9]+|[0-9]{19,})", re.ASCII)
_DATE = re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}", re.ASCII)
_DATETIME = re.compile(
    rf"{_DATE.pattern}[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?(Z|[+-][0-9]{{2}}(:?[0-9]{{2}})?)?",
    re.ASCII,
)
_DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d %b %Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A type of Frictionless Table Schema; ``format`` and ``or_format`` are the strptime patterns that fit."""

    type: str
    format: str | None = None
    or_format: str | None = None

    @property
    def is_time(self) -> bool:
        """Whether rows can be ordered by it."""
        return self.type in {"date", "datetime"}


def infer_kind(values: Sequence[str]) -> Kind:
    """Return what a column's present values are; one without any is a string."""
    counts = Counter(values)
    if not counts or any(map(_IDENTIFIER.fullmatch, counts)):
        return Kind(type="string")
    for narrow, wide, fits, is_narrow in (
        ("integer", "number", _NUMBER.fullmatch, _INTEGER.fullmatch),
        ("boolean", "boolean", _is_boolean, _is_boolean),
        ("date", "datetime", is_iso_time, _DATE.fullmatch),
    ):
        members = [value for value in counts if fits(value)]
        if _is_most(counts, members):
            return Kind(type=narrow if all(map(is_narrow, members)) else wide)
    return _by_pattern(counts) or Kind(type="string")


def is_iso_time(value: str) -> bool:
    """Say whether the text is an ISO 8601 date or time that exists."""
    if not (_DATE.fullmatch(value) or _DATETIME.fullmatch(value)):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _by_pattern(counts: Counter[str]) -> Kind | None:
    """Return the kind of times that are not ISO; two patterns that both fit are left to a person."""
    fitting = _fitting(counts)
    if not fitting:
        return None
    kind = "datetime" if "%H" in fitting[0] or "%I" in fitting[0] else "date"
    return Kind(type=kind, format=fitting[0], or_format=fitting[1] if fitting[1:] else None)


def _fitting(counts: Counter[str]) -> list[str]:
    first = next(iter(counts))
    patterns = [day + time for day in _DAYS for time in _TIMES]
    # The first value rules most of them out, and spares the rest of the column.
    likely = [pattern for pattern in patterns if _parses(pattern)(first)]
    return [pattern for pattern in likely if _is_most(counts, list(filter(_parses(pattern), counts)))]


def _parses(pattern: str) -> Callable[[str], bool]:
    def parse(value: str) -> bool:
        try:
            # Only whether it fits is asked, and no zone is known.
            datetime.strptime(value, pattern)  # noqa: DTZ007
        except ValueError:
            return False
        return True

    return parse


def _is_most(counts: Counter[str], members: Sequence[str]) -> bool:
    present, fitting = counts.total(), sum(counts[value] for value in members)
    return fitting * 2 > present and present - fitting <= TOLERANCE * present


def _is_boolean(value: str) -> bool:
    return value.lower() in {"true", "false"}
