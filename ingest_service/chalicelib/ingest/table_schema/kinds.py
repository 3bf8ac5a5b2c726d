"""Types as SQL over a text ``x`` that is trimmed and NULL where empty.

All patterns are ASCII on purpose: DuckDB's own casts take ``inf``, ``nan`` and more for numbers. A cast that
fails costs ten times a regular expression, so CASE lets only texts of the right form come to it (AND would not).
"""

import re
from collections.abc import Callable, Iterable

from chalicelib.ingest.engine import literal
from chalicelib.ingest.table_schema.model import Field
from chalicelib.ingest.table_schema.types import (
    COMMA_OR_GROUP,
    DAY_MONTH_FORMATS,
    DECIMAL_COMMA,
    DEFAULT,
    EPOCHS,
    IDENTIFIER,
    MISSING,
    MISSING_TOKENS,
    PLAIN_FORMATS,
    Type,
    ambiguous_label,
    format_label,
    text_pattern,
)

# 18 digits always fit a 64 bit integer; a longer one is an identifier.
_WHOLE = "(0|[1-9][0-9]{0,17})"
_INTEGER = f"-?{_WHOLE}"
# At most 37 digits before the point stay below MAX_NUMBER without a look at the value.
_PLAIN = rf"-?({_WHOLE}|[0-9]{{1,37}}\.[0-9]*|\.[0-9]+)"
_SCIENTIFIC = rf"-?({_WHOLE}(\.[0-9]*)?|\.[0-9]+)[eE][+-]?[0-9]{{1,3}}"
MAX_NUMBER = "1e38"  # of single precision floats; sums of squares of larger numbers overflow
_DATE = "[12][0-9]{3}-[0-9]{2}-[0-9]{2}"
_OFFSET = "(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"
_TIME = r"[T ]([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"


_WORDS = ("true", "false", *MISSING_TOKENS)


def text_of(missing: Iterable[str], cell: str) -> str:
    """Return SQL for the text of a raw *cell*: trimmed, NULL where empty or one of the texts *missing*."""
    # A trim of every cell would cost half as much as parsing them; hardly any begins or ends with a space. What
    # begins with one sorts before "!", and comparing is cheaper than looking for a prefix.
    trimmed = (
        f"(CASE WHEN {cell} < '!' OR ends_with({cell}, ' ') THEN nullif(trim({cell}), '') ELSE {cell} END)"
    )
    listed = ", ".join(literal(text) for text in missing)
    return f"(CASE WHEN {trimmed} NOT IN ({listed}) THEN {trimmed} END)" if listed else trimmed


def is_valid(field: Field, x: str) -> str:
    """Return SQL that is true where the text *x* (not NULL) is a value of *field*, else false."""
    return "true" if field.type is Type.STRING else f"({value_of(field, x)} IS NOT NULL)"


def value_of(field: Field, x: str) -> str:
    """Return SQL for the typed value of the text *x*, NULL where it has none; instants become UTC."""
    return _VALUES[field.type](field, x)


def native_value_of(field: Field, x: str) -> str:
    """Return SQL for the value of a text *x* that is in our spelling where its file knows the type, else in the field's."""
    plain = Field(name=field.name, type=field.type)
    values = dict.fromkeys((value_of(plain, x), value_of(field, x)))  # mostly one and the same
    return f"coalesce({', '.join(values)})" if len(values) > 1 else next(iter(values))


def label_of(field: Field) -> str:
    """Return the label of :func:`kind_of` that a valid cell of *field* counts as."""
    if field.type is Type.STRING and field.identifier:
        return IDENTIFIER
    if field.decimal_char == ",":
        return DECIMAL_COMMA
    return str(field.type) if field.format == DEFAULT else f"{field.type}:{field.format}"


def may_be_typed(x: str) -> str:
    """Return cheap SQL that is true for every text that :func:`kind_of` calls other than string, and for few more.

    A column where at most half of the cells may be typed is a string without a closer look.
    """
    listed = ", ".join(map(literal, _WORDS))
    short = f"strlen({x}) <= {max(map(len, _WORDS))}"
    return f"(({x} >= '-' AND {x} < ':') OR ({short} AND lower({x}) IN ({listed})))"


def looks_typed(text: str) -> bool:
    """Say of a *text* what the SQL of :func:`may_be_typed` says."""
    return "-" <= text < ":" or text.lower() in _WORDS


def kind_of(x: str) -> str:
    """Return SQL that names the narrowest kind of the text *x*; exact, and too slow for every cell of a file."""
    ordered = (Type.INTEGER, Type.NUMBER, Type.BOOLEAN, Type.DATE, Type.DATETIME)
    cases = [(is_valid(Field(name="", type=kind), x), literal(kind)) for kind in ordered]
    cases.insert(2, (_matches(x, "-?[0-9]+"), literal(IDENTIFIER)))
    cases += [(_is_in_format(x, pattern), literal(format_label(pattern))) for pattern in PLAIN_FORMATS]
    cases += [_day_month_case(x, *pair) for pair in DAY_MONTH_FORMATS]
    cases.append((_matches(x, "-?[1-9][0-9]{0,2},[0-9]{3}"), literal(COMMA_OR_GROUP)))
    cases.append((_matches(x, "-?[0-9]{1,18},[0-9]+"), literal(DECIMAL_COMMA)))
    tokens = ", ".join(literal(token) for token in MISSING_TOKENS)
    cases.append((f"lower({x}) IN ({tokens})", f"{literal(MISSING + ':')} || {x}"))
    whens = " ".join(f"WHEN {condition} THEN {label}" for condition, label in cases)
    # Plain words, the most frequent texts by far, pass all the patterns by.
    return f"CASE WHEN {x} IS NULL THEN '{MISSING}' WHEN NOT {may_be_typed(x)} THEN 'string' {whens} ELSE 'string' END"


def _day_month_case(x: str, day_first: str, month_first: str) -> tuple[str, str]:
    # One regular expression for both: DuckDB compiles each anew with every statement, whatever it is asked about.
    day, month = (
        f"try_strptime({x}, {literal(pattern)}) IS NOT NULL" for pattern in (day_first, month_first)
    )
    label = (
        f"CASE WHEN {day} AND {month} THEN {literal(ambiguous_label(day_first, month_first))} "
        f"WHEN {day} THEN {literal(format_label(day_first))} "
        f"WHEN {month} THEN {literal(format_label(month_first))} ELSE 'string' END"
    )
    return _matches(x, text_pattern(day_first)), label


def _is_in_format(x: str, pattern: str) -> str:
    return f"({_parsed(x, pattern)} IS NOT NULL)"


def _parsed(x: str, pattern: str) -> str:
    value = f"try_strptime({x}, {literal(pattern)})"
    if "%z" in pattern:
        value = f"({value} AT TIME ZONE 'UTC')"
    return _where(_matches(x, text_pattern(pattern)), value)


def _integer(field: Field, x: str) -> str:
    if not field.group_char:
        return _where(_matches(x, _INTEGER), f"try_cast({x} AS BIGINT)")
    plain = f"replace({x}, {literal(field.group_char)}, '')"
    return _where(_matches(x, f"-?{_grouped(field)}"), f"try_cast({plain} AS BIGINT)")


def _number(field: Field, x: str) -> str:
    if field.decimal_char == "." and not field.group_char:
        number = f"try_cast({x} AS DOUBLE)"
        bounded = f"{_matches(x, _SCIENTIFIC)} AND abs({number}) <= {MAX_NUMBER}"
        return f"(CASE WHEN {_matches(x, _PLAIN)} THEN {number} WHEN {bounded} THEN {number} END)"
    point = re.escape(field.decimal_char)
    pattern = f"-?({_grouped(field)}|({_grouped(field)}|[0-9]{{1,37}}){point}[0-9]*|{point}[0-9]+)"
    plain = f"replace({x}, {literal(field.group_char)}, '')" if field.group_char else x
    return _where(
        _matches(x, pattern), f"try_cast(replace({plain}, {literal(field.decimal_char)}, '.') AS DOUBLE)"
    )


def _grouped(field: Field) -> str:
    """Return the pattern of a whole number, with groups of three if at all; 18 digits at most."""
    if not field.group_char:
        return _WHOLE
    return f"({_WHOLE}|[1-9][0-9]{{0,2}}({re.escape(field.group_char)}[0-9]{{3}}){{1,5}})"


def _boolean(field: Field, x: str) -> str:
    if not (field.true_values or field.false_values):
        return f"(CASE lower({x}) WHEN 'true' THEN true WHEN 'false' THEN false END)"
    yes, no = (", ".join(map(literal, values)) for values in (field.true_values, field.false_values))
    return f"(CASE WHEN {x} IN ({yes}) THEN true WHEN {x} IN ({no}) THEN false END)"


def _date(field: Field, x: str) -> str:
    if field.format != DEFAULT:
        return f"CAST({_parsed(x, field.format)} AS DATE)"
    return _where(_matches(x, _DATE), f"try_cast({x} AS DATE)")


def _datetime(field: Field, x: str) -> str:
    if field.format in EPOCHS:
        instant = f"make_timestamp(try_cast({x} AS BIGINT) * {EPOCHS[field.format]})"
        return _where(
            _matches(x, "-?[0-9]{1,13}" if EPOCHS[field.format] == 1000 else "-?[0-9]{1,10}"), instant
        )
    if field.format != DEFAULT:
        return _parsed(x, field.format)
    # A cast straight to TIMESTAMP would drop an offset: 10:00+02:00 would become 10:00. Without one it is cheaper.
    plain = f"WHEN {_matches(x, f'{_DATE}({_TIME})?')} THEN try_cast({x} AS TIMESTAMP)"
    instant = f"(try_cast({x} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    return f"(CASE {plain} WHEN {_matches(x, _DATE + _TIME + _OFFSET)} THEN {instant} END)"


def _string(_field: Field, x: str) -> str:
    return x


def _binary(_field: Field, x: str) -> str:
    return f"TRY(from_base64({x}))"


_VALUES: dict[Type, Callable[[Field, str], str]] = {
    Type.INTEGER: _integer,
    Type.NUMBER: _number,
    Type.BOOLEAN: _boolean,
    Type.DATE: _date,
    Type.DATETIME: _datetime,
    Type.STRING: _string,
    Type.BINARY: _binary,
}


def _where(condition: str, value: str) -> str:
    return f"(CASE WHEN {condition} THEN {value} END)"


def _matches(x: str, pattern: str) -> str:
    return f"regexp_full_match({x}, {literal(pattern)})"
