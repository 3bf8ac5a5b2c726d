"""The six types of a column, as SQL over a text ``x`` that is trimmed and NULL where empty.

All patterns are ASCII on purpose: DuckDB's own casts take ``inf``, ``nan`` and more for numbers.
"""

from collections.abc import Mapping
from enum import StrEnum

# 18 digits always fit a 64 bit integer; a longer one is an identifier.
_INTEGER = "-?(0|[1-9][0-9]{0,17})"
_NUMBER = r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
_DATE = "[12][0-9]{3}-[0-9]{2}-[0-9]{2}"
# No years before 1000: they are typing errors far more often than history.
_TIME = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}(:?[0-9]{2})?)?"
MAX_NUMBER = "1e38"  # of single precision floats; sums of squares of larger numbers overflow


class Type(StrEnum):
    """What the cells of a column are, in the names of Frictionless Table Schema."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    STRING = "string"


NUMERIC = (Type.INTEGER, Type.NUMBER)
TEMPORAL = (Type.DATE, Type.DATETIME)
_IDENTIFIER = "identifier"  # 007, or more digits than an integer holds: arithmetic on it would lose digits
_MISSING = "missing"


def is_valid(kind: Type, x: str) -> str:
    """Return SQL that is true where the text *x* (not NULL) is a *kind*."""
    match kind:
        case Type.INTEGER:
            return _matches(x, _INTEGER)
        case Type.NUMBER:
            bounded = f"abs(try_cast({x} AS DOUBLE)) <= {MAX_NUMBER}"
            return f"({_matches(x, _NUMBER)} AND coalesce({bounded}, false))"
        case Type.BOOLEAN:
            return f"lower({x}) IN ('true', 'false')"
        case Type.DATE:
            return f"({_matches(x, _DATE)} AND try_cast({x} AS DATE) IS NOT NULL)"
        case Type.DATETIME:
            return f"({_matches(x, f'{_DATE}({_TIME})?')} AND try_cast({x} AS TIMESTAMPTZ) IS NOT NULL)"
    return "true"


def value_of(kind: Type, x: str) -> str:
    """Return SQL for the typed value of the text *x*; instants become UTC."""
    match kind:
        case Type.INTEGER:
            return f"try_cast({x} AS BIGINT)"
        case Type.NUMBER:
            return f"try_cast({x} AS DOUBLE)"
        case Type.BOOLEAN:
            return f"(lower({x}) = 'true')"
        case Type.DATE:
            return f"try_cast({x} AS DATE)"
        case Type.DATETIME:
            # A cast straight to TIMESTAMP would drop the offset: 10:00+02:00 would become 10:00.
            return f"(try_cast({x} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    return x


def kind_of(x: str) -> str:
    """Return SQL that names the narrowest kind of the text *x*."""
    ordered = (Type.NUMBER, Type.BOOLEAN, Type.DATE, Type.DATETIME)
    cases = " ".join(f"WHEN {is_valid(kind, x)} THEN '{kind}'" for kind in ordered)
    return (
        f"CASE WHEN {x} IS NULL THEN '{_MISSING}' WHEN {_matches(x, _INTEGER)} THEN 'integer' "
        f"WHEN {_matches(x, '-?[0-9]+')} THEN '{_IDENTIFIER}' {cases} ELSE 'string' END"
    )


def infer_type(counts: Mapping[str, int], tolerance: float) -> Type:
    """Return the type of a column from the number of its cells of each kind.

    A family wins when most cells and all but *tolerance* (a fraction) belong to it: the rest is quarantined.
    Within a family the wider type wins by a single cell. A column without any value is a string.
    """
    if counts.get(_IDENTIFIER):
        return Type.STRING
    present = sum(counts.values()) - counts.get(_MISSING, 0)
    for family in (NUMERIC, (Type.BOOLEAN,), TEMPORAL):
        members = sum(counts.get(kind, 0) for kind in family)
        if members * 2 > present and present - members <= tolerance * present:
            return family[-1] if counts.get(family[-1]) else family[0]
    return Type.STRING


def fits(kind: Type, counts: Mapping[str, int]) -> int:
    """Return how many cells, of those counted by kind, are valid as *kind*."""
    accepted: dict[Type, tuple[str, ...]] = {
        Type.NUMBER: (*NUMERIC, _IDENTIFIER),
        Type.DATETIME: TEMPORAL,
        Type.STRING: tuple(name for name in counts if name != _MISSING),
    }
    return sum(counts.get(name, 0) for name in accepted.get(kind, (kind,)))


def _matches(x: str, pattern: str) -> str:
    return f"regexp_full_match({x}, '{pattern}')"
