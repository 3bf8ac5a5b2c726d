"""What every row is held against, as SQL: one rule per place that can be wrong, in column order."""

from collections.abc import Iterator, Mapping

import msgspec
from chalicelib.ingest.engine import literal
from chalicelib.ingest.roles import Roles
from chalicelib.ingest.table_schema.kinds import value_of
from chalicelib.ingest.table_schema.model import Field, Scalar, TableSchema
from chalicelib.ingest.table_schema.types import DEFAULT, Type

Broken = tuple[str, str]  # name of the rule, SQL that is true where it is broken
_VOWELS = "aeiou"


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule; a row that makes ``broken`` true is bad, and ``x`` is the text to show."""

    name: str
    column: str
    x: str
    broken: str


class _Cell(msgspec.Struct, frozen=True):
    field: Field
    x: str
    value: str


def rules_of(
    schema: TableSchema, texts: Mapping[str, str], values: Mapping[str, str], roles: Roles
) -> list[Rule]:
    """Return the rules of *schema*, a row being told by the first that it breaks.

    Parameters
    ----------
    texts, values
        By column, SQL for the trimmed text (NULL where missing) and for its ``kinds.value_of``. Best they name
        columns of a subquery: then each cell is matched and cast once, however many rules ask.
    """
    rules = []
    for field in schema.fields:
        cell = _Cell(field, texts[field.name], values[field.name])
        found = [*_presence(cell, roles), *_type(cell), *_choice(cell, roles), *_bounds(cell)]
        found += [*_text(cell), *_lists(cell, schema)]
        rules += [Rule(name=name, column=field.name, x=cell.x, broken=broken) for name, broken in found]
    return rules


def unique_groups(schema: TableSchema) -> list[tuple[str, ...]]:
    """Return the columns, alone or together, in which no two rows may be equal; missing values are never equal."""
    alone: list[tuple[str, ...]] = [(field.name,) for field in schema.fields if field.constraints.unique]
    keys = [schema.primary_key] if schema.primary_key else []
    return list(dict.fromkeys(keys + alone))


def _presence(cell: _Cell, roles: Roles) -> Iterator[Broken]:
    if cell.field.constraints.required:
        role = roles.required.get(cell.field.name, "required")
        yield f"{role} missing", f"{cell.x} IS NULL"


def _type(cell: _Cell) -> Iterator[Broken]:
    if cell.field.type is Type.STRING:
        return
    article = "an" if cell.field.type[0] in _VOWELS else "a"
    shape = "" if cell.field.format == DEFAULT else f" of the format {cell.field.format}"
    yield f"not {article} {cell.field.type}{shape}", f"{cell.x} IS NOT NULL AND {cell.value} IS NULL"


def _choice(cell: _Cell, roles: Roles) -> Iterator[Broken]:
    allowed = cell.field.constraints.enum
    if not allowed:
        return
    is_label = cell.field.name == roles.label
    name = "not a known label" if is_label else f"not one of {len(allowed)} allowed values"
    yield name, _is_none_of(cell, allowed)


def _bounds(cell: _Cell) -> Iterator[Broken]:
    constraints = cell.field.constraints
    if constraints.minimum is not None:
        yield (
            f"below minimum {constraints.minimum}",
            f"{cell.value} < {_constant(cell.field, constraints.minimum)}",
        )
    if constraints.maximum is not None:
        yield (
            f"above maximum {constraints.maximum}",
            f"{cell.value} > {_constant(cell.field, constraints.maximum)}",
        )


def _text(cell: _Cell) -> Iterator[Broken]:
    constraints = cell.field.constraints
    if constraints.pattern is not None:
        matches = f"regexp_full_match({cell.x}, {literal(constraints.pattern)})"
        yield f"does not match the pattern {constraints.pattern}", f"{cell.x} IS NOT NULL AND NOT {matches}"
    if constraints.min_length is not None:
        yield (
            f"shorter than {constraints.min_length} characters",
            f"length({cell.x}) < {constraints.min_length}",
        )
    if constraints.max_length is not None:
        yield (
            f"longer than {constraints.max_length} characters",
            f"length({cell.x}) > {constraints.max_length}",
        )


def _lists(cell: _Cell, schema: TableSchema) -> Iterator[Broken]:
    for key in schema.foreign_keys:
        if key.fields == (cell.field.name,):
            name = key.reference.resource
            yield f"not in the list {name!r}", _is_none_of(cell, schema.lists[name])


def _is_none_of(cell: _Cell, allowed: tuple[Scalar, ...]) -> str:
    constants = ", ".join(_constant(cell.field, value) for value in allowed)
    return f"{cell.value} NOT IN ({constants})"


def _constant(field: Field, value: Scalar) -> str:
    """Return SQL for a value of a constraint; the border has checked it, times are ISO whatever the cells are."""
    if field.type is Type.STRING:
        return literal(str(value))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value_of(Field(name="", type=field.type), literal(value))
    return f"{value!r}::{'BIGINT' if field.type is Type.INTEGER else 'DOUBLE'}"
