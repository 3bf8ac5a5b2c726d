"""Which type a column has, from its cells counted by the labels of :func:`kinds.kind_of`."""

from collections.abc import Mapping

from chalicelib.ingest.table_schema.model import Field
from chalicelib.ingest.table_schema.types import (
    COMMA_OR_GROUP,
    DAY_MONTH_FORMATS,
    DECIMAL_COMMA,
    DEFAULT,
    IDENTIFIER,
    MISSING,
    NUMERIC,
    PLAIN_FORMATS,
    TEMPORAL,
    Type,
    ambiguous_label,
    format_label,
)

Kinds = Mapping[str, int]
Family = dict[str, tuple[Type, str]]  # label → type and format, the widest last

_FAMILIES: tuple[Family, ...] = (
    {kind: (kind, DEFAULT) for kind in NUMERIC},
    {Type.BOOLEAN: (Type.BOOLEAN, DEFAULT)},
    {kind: (kind, DEFAULT) for kind in TEMPORAL},
    *({format_label(f): (Type(format_label(f).split(":")[0]), f)} for f in PLAIN_FORMATS),
)

_DECIMAL_COMMAS: Family = dict.fromkeys(
    (Type.INTEGER, COMMA_OR_GROUP, DECIMAL_COMMA), (Type.NUMBER, DECIMAL_COMMA)
)


def infer_type(counts: Kinds, tolerance: float, *, decimal_comma: bool = False) -> tuple[Type, str]:
    """Return type and format of a column from the number of its cells of each kind.

    A family wins when most cells and all but *tolerance* (a fraction) belong to it: the rest is quarantined.
    Within a family the wider type wins by a single cell. Cells such as ``NA`` count as missing in every family
    and as texts in a string. A column without any value is a string. With *decimal_comma*, a single cell such as 1,5
    makes numbers of the format ``DECIMAL_COMMA``.
    """
    if counts.get(IDENTIFIER):
        return Type.STRING, DEFAULT
    commas = [_DECIMAL_COMMAS] if decimal_comma and counts.get(DECIMAL_COMMA) else []
    for family in (*commas, *_FAMILIES, *_day_month_families(counts)):
        if _wins(family, counts, tolerance):
            return next(family[label] for label in reversed(family) if counts.get(label))
    return Type.STRING, DEFAULT


def _wins(family: Family, counts: Kinds, tolerance: float) -> bool:
    present = sum(count for label, count in counts.items() if not label.startswith(MISSING))
    inside = sum(counts.get(label, 0) for label in family)
    return inside * 2 > present and present - inside <= tolerance * present


def infer_field(
    name: str,
    counts: Kinds,
    tolerance: float,
    file_type: str | None = None,
    *,
    decimal_comma: bool = False,
) -> Field:
    """Return the column *name*; a type that the file itself states holds, but its texts may be dates."""
    kind, pattern = infer_type(counts, tolerance, decimal_comma=decimal_comma)
    if file_type and (file_type != Type.STRING or kind not in TEMPORAL):
        kind, pattern = Type(file_type), DEFAULT
    if kind in (Type.STRING, Type.BINARY):
        return Field(name=name, type=kind, identifier=_is_identifier(counts), note=_note(counts))
    if pattern == DECIMAL_COMMA:
        return Field(name=name, type=kind, decimal_char=",", missing_values=missing_tokens(counts))
    return Field(name=name, type=kind, format=pattern, missing_values=missing_tokens(counts))


def missing_tokens(counts: Kinds) -> tuple[str, ...]:
    """Return the texts among the cells that say "no value", such as ``NA``, sorted."""
    prefix = f"{MISSING}:"
    return tuple(sorted(label.removeprefix(prefix) for label in counts if label.startswith(prefix)))


def fits(field: Field, counts: Kinds) -> int:
    """Return how many cells, of those counted by kind, are valid as *field*."""
    if field.type is Type.STRING:
        return sum(count for label, count in counts.items() if label != MISSING)
    return sum(counts.get(label, 0) for label in _accepted(field))


def _accepted(field: Field) -> set[str]:
    if field.format == DEFAULT:
        wider = {Type.NUMBER: NUMERIC, Type.DATETIME: TEMPORAL}
        return {str(kind) for kind in wider.get(field.type, (field.type,))}
    both = {ambiguous_label(*pair) for pair in DAY_MONTH_FORMATS if field.format in pair}
    return {f"{field.type}:{field.format}"} | both


def _day_month_families(counts: Kinds) -> list[Family]:
    """Return the formats of day and month that some cell decides and none contradicts."""
    families = []
    for pair in DAY_MONTH_FORMATS:
        decided = [pattern for pattern in pair if counts.get(format_label(pattern))]
        if len(decided) == 1:
            verdict = (Type(format_label(decided[0]).split(":")[0]), decided[0])
            families.append({ambiguous_label(*pair): verdict, format_label(decided[0]): verdict})
    return families


def _is_identifier(counts: Kinds) -> bool:
    seen = {label for label, count in counts.items() if count and label != MISSING}
    return IDENTIFIER in seen and seen <= {IDENTIFIER, Type.INTEGER}


def _note(counts: Kinds) -> str:
    for day_first, month_first in DAY_MONTH_FORMATS:
        both = counts.get(ambiguous_label(day_first, month_first), 0)
        decided = [counts.get(format_label(pattern), 0) for pattern in (day_first, month_first)]
        if both + sum(decided) == 0 or bool(decided[0]) != bool(decided[1]):
            continue
        why = "cells of both orders" if all(decided) else "no cell that tells day from month"
        return (
            f"It looks like dates but has {why}; it is kept as text. "
            f"Declare format {day_first!r} or {month_first!r} in schema.json."
        )
    return ""
