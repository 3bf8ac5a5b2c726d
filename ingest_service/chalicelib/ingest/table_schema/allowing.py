"""What a declared column may ask for: formats and constraints that mean something for its type."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime

from chalicelib.ingest.table_schema.kinds import MAX_NUMBER
from chalicelib.ingest.table_schema.model import Field, Scalar, TableSchema
from chalicelib.ingest.table_schema.types import DEFAULT, NUMERIC, TEMPORAL, Type, wrong_format

Wrong = tuple[str, str]  # pointer below the column or its constraints, and what is wrong there

_INT64 = 2**63
# What Python's regular expressions have and RE2, which matches in linear time, has not.
_NOT_RE2 = re.compile(r"\(\?(=|!|<=|<!|P=|\(|>|#)|\\[1-9ZGgik]|[*+?}]\+")
_MAX_REPEAT = 1000  # of RE2


def wrong_reading(field: Field) -> list[Wrong]:
    """Return what is wrong with how the texts of *field* are to be read."""
    return [*_wrong_form(field), *_wrong_numbers(field), *_wrong_booleans(field)]


def wrong_constraints(field: Field) -> list[Wrong]:
    """Return what is wrong with the constraints of *field*, whose type and format are right."""
    return [*_wrong_enum(field), *_wrong_range(field), *_wrong_text(field)]


def wrong_lists(schema: TableSchema) -> list[Wrong]:
    """Return the values of lists that are none of the columns which must be in them."""
    fields = {field.name: field for field in schema.fields}
    return [
        (f"/lists/{key.reference.resource}/{place}", f"{value!r} is not a value of the column {name!r}")
        for key in schema.foreign_keys
        for name in key.fields
        for place, value in enumerate(schema.lists[key.reference.resource])
        if not is_constant(fields[name], value)
    ]


def _wrong_form(field: Field) -> Iterator[Wrong]:
    if field.type in TEMPORAL:
        wrong = wrong_format(field.type, field.format)
        if wrong:
            yield "/format", wrong
    elif field.format != DEFAULT:
        yield "/format", f"{field.type} has no format {field.format!r}; leave it out or use 'default'"


def _wrong_numbers(field: Field) -> Iterator[Wrong]:
    if field.decimal_char != "." and field.type is not Type.NUMBER:
        yield "/decimalChar", "is for columns of the type 'number'"
    if field.group_char and field.type not in NUMERIC:
        yield "/groupChar", "is for columns of the type 'number' or 'integer'"
    yield from _wrong_marks(field)


def _wrong_marks(field: Field) -> Iterator[Wrong]:
    for name, mark in (("decimalChar", field.decimal_char), ("groupChar", field.group_char or " ")):
        if not _is_mark(mark):
            yield f"/{name}", f"{mark!r} is not one character that no number has"
    if field.group_char == field.decimal_char:
        yield "/groupChar", f"is the decimalChar too: {field.group_char!r}"


def _is_mark(text: str) -> bool:
    return len(text) == 1 and text not in "-+0123456789eE"


def _wrong_booleans(field: Field) -> Iterator[Wrong]:
    both = set(field.true_values) & set(field.false_values)
    if (field.true_values or field.false_values) and field.type is not Type.BOOLEAN:
        yield "/trueValues", "trueValues and falseValues are for columns of the type 'boolean'"
    elif bool(field.true_values) != bool(field.false_values):
        yield "/trueValues", "declare both trueValues and falseValues, or neither"
    if both:
        yield "/falseValues", f"{sorted(both)[0]!r} is in trueValues too"


def _wrong_enum(field: Field) -> Iterator[Wrong]:
    for place, value in enumerate(field.constraints.enum):
        if not is_constant(field, value):
            yield f"/enum/{place}", f"{value!r} is not a value of the type {field.type}"


def _wrong_range(field: Field) -> Iterator[Wrong]:
    bounds = {"minimum": field.constraints.minimum, "maximum": field.constraints.maximum}
    given = {name: value for name, value in bounds.items() if value is not None}
    for name, value in given.items():
        if field.type not in (*NUMERIC, *TEMPORAL):
            yield f"/{name}", f"is for numbers and times, not for {field.type}"
        elif not is_constant(field, value):
            yield f"/{name}", f"{value!r} is not a value of the type {field.type}{_spelling(field)}"
    minimum, maximum = bounds.values()
    if _is_above(field, minimum, maximum):
        yield "/minimum", f"{minimum!r} is more than the maximum {maximum!r}"


def _wrong_text(field: Field) -> Iterator[Wrong]:
    rules = field.constraints
    given = {"pattern": rules.pattern, "minLength": rules.min_length, "maxLength": rules.max_length}
    if field.type is not Type.STRING:
        names = [name for name, value in given.items() if value is not None]
        yield from ((f"/{name}", f"is for columns of the type 'string', not {field.type}") for name in names)
        return
    if rules.pattern is not None and (wrong := _wrong_pattern(rules.pattern)):
        yield "/pattern", wrong
    yield from _wrong_lengths(rules.min_length, rules.max_length)


def _wrong_lengths(least: int | None, most: int | None) -> Iterator[Wrong]:
    for name, length in (("minLength", least), ("maxLength", most)):
        if length is not None and length < 0:
            yield f"/{name}", "must be 0 or more"
    if least is not None and most is not None and least > most:
        yield "/minLength", f"{least} is more than the maxLength {most}"


def _wrong_pattern(pattern: str) -> str | None:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is no regular expression: {error}"
    found = _NOT_RE2.search(pattern.replace(r"\\", ""))
    if found:
        return f"{found[0]!r} is not supported: no look-around, back references or possessive repeats (RE2)"
    repeats = [int(number) for number in re.findall(r"\d+", " ".join(re.findall(r"\{[\d,]+\}", pattern)))]
    if any(number > _MAX_REPEAT for number in repeats):
        return f"repeats more than {_MAX_REPEAT} times"
    return None


def is_constant(field: Field, value: Scalar) -> bool:
    """Say whether *value*, as JSON has it, is a value of *field*."""
    match field.type:
        case Type.STRING:
            return isinstance(value, str)
        case Type.BOOLEAN:
            return isinstance(value, bool)
        case Type.INTEGER | Type.NUMBER:
            return not isinstance(value, str | bool) and _is_number(field, value)
    return isinstance(value, str) and _instant(field, value) is not None


def _is_number(field: Field, value: float) -> bool:
    if field.type is Type.INTEGER:
        return isinstance(value, int) and -_INT64 <= value < _INT64
    return abs(value) <= float(MAX_NUMBER)


def _is_above(field: Field, minimum: Scalar | None, maximum: Scalar | None) -> bool:
    low, high = _position(field, minimum), _position(field, maximum)
    return low is not None and high is not None and low > high


def _position(field: Field, value: Scalar | None) -> float | None:
    """Return where *value* stands among those of *field*, None where it is none of them."""
    if value is None or not is_constant(field, value):
        return None
    return _instant(field, value) if isinstance(value, str) else value


def _instant(field: Field, text: str) -> float | None:
    """Return the time that *text* says in ISO form; constraints are ISO whatever format the cells have."""
    try:
        if field.type is Type.DATE:
            return float(date.fromisoformat(text).toordinal())
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _spelling(field: Field) -> str:
    return " (write it as 2026-01-31)" if field.type in TEMPORAL else ""
