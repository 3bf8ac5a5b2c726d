"""The schema of a dataset: inferred from a first upload, held against every later one.

Written as a Frictionless Table Schema (``schema.json``): ``type`` and ``constraints`` are what rows are
checked against; ``categories`` only tell what was seen, so a new carrier in a later month is no error.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from chalicelib.ingest.column_types import NUMERIC, TEMPORAL, Type, fits, infer_type
from chalicelib.ingest.reasons import rejection
from chalicelib.ingest.roles import Roles

MAX_CATEGORIES = 100  # more distinct texts than this are names or free text

Counts = Mapping[str, Mapping[str, int]]


class Constraints(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a value must be beyond its type."""

    required: bool = False
    enum: tuple[str, ...] = ()


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One column."""

    name: str
    type: Type
    constraints: Constraints = Constraints()
    categories: tuple[str, ...] = ()


class TableSchema(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """All columns, in the order of the pipeline's first upload."""

    fields: tuple[Field, ...]
    missing_values: tuple[str, ...] = ("",)

    @property
    def types(self) -> dict[str, Type]:
        """Type by column name."""
        return {field.name: field.type for field in self.fields}

    def plain(self) -> dict[str, Any]:
        """Return the schema as JSON has it."""
        document: dict[str, Any] = msgspec.to_builtins(self)
        return document

    @property
    def sha256(self) -> str:
        """Identity of the schema."""
        return hashlib.sha256(msgspec.json.encode(self, order="sorted")).hexdigest()


def infer_schema(counts: Counts, roles: Roles, tolerance: float) -> TableSchema:
    """Return the schema of a first upload from its cells, counted by column and kind."""
    fields = tuple(
        Field(
            name=name,
            type=infer_type(kinds, tolerance),
            constraints=Constraints(required=name in roles.required),
        )
        for name, kinds in counts.items()
    )
    return TableSchema(fields=fields)


def evolve_schema(known: TableSchema, counts: Counts, roles: Roles, tolerance: float) -> TableSchema:
    """Return the schema of a later upload: the known one, with integer widened to number where cells need it.

    Raises
    ------
    InvalidDataset
        ``schema_mismatch``, with all differences in one sentence.
    """
    differences = _differences(known, counts, tolerance)
    if differences:
        raise rejection("schema_mismatch", f"Unlike the newest READY version, {'; '.join(differences[:20])}.")
    fields = tuple(_evolve_field(field, counts[field.name], roles, tolerance) for field in known.fields)
    return TableSchema(fields=fields)


def learn_categories(
    schema: TableSchema, seen: Mapping[str, Mapping[str, int]], labels_of: str | None, tolerance: float
) -> TableSchema:
    """Return *schema* with the categories *seen* (value → count by string column) added to those known.

    The categories of the column *labels_of* (the target of a classification) become its ``enum``; a value that
    is new there counts as a label only when more than *tolerance* of the rows have it, else as a typing error.
    """
    return TableSchema(
        fields=tuple(
            _learn(field, seen[field.name], field.name == labels_of, tolerance)
            if field.name in seen
            else field
            for field in schema.fields
        )
    )


def _learn(field: Field, counts: Mapping[str, int], is_label: bool, tolerance: float) -> Field:
    rows = sum(counts.values())
    known = set(field.categories)
    new = {value for value, count in counts.items() if not (is_label and known) or count > tolerance * rows}
    values = tuple(sorted(known | new))
    if len(counts) > MAX_CATEGORIES or len(values) > MAX_CATEGORIES:
        values = ()
    enum = values if is_label else ()
    constraints = Constraints(required=field.constraints.required, enum=enum)
    return msgspec.structs.replace(field, categories=values, constraints=constraints)


def _differences(known: TableSchema, counts: Counts, tolerance: float) -> list[str]:
    lost = [f"column {name!r} is missing" for name in known.types if name not in counts]
    added = [f"column {name!r} is new" for name in counts if name not in known.types]
    retyped = [
        f"column {name!r} is {infer_type(counts[name], tolerance)}, not {kind}"
        for name, kind in known.types.items()
        if name in counts and _is_retyped(kind, counts[name], tolerance)
    ]
    return lost + added + retyped


def _is_retyped(kind: Type, counts: Mapping[str, int], tolerance: float) -> bool:
    """Say whether a column is of another type; where at least half of its cells fit, the others are bad rows."""
    present = sum(count for name, count in counts.items() if name != "missing")
    if kind is Type.INTEGER and infer_type(counts, tolerance) is Type.NUMBER:
        return False
    return present > 0 and fits(kind, counts) * 2 < present


def _evolve_field(field: Field, counts: Mapping[str, int], roles: Roles, tolerance: float) -> Field:
    # The one change of type that loses nothing: every integer is a number.
    widened = field.type is Type.INTEGER and infer_type(counts, tolerance) is Type.NUMBER
    return msgspec.structs.replace(
        field,
        type=Type.NUMBER if widened else field.type,
        constraints=Constraints(required=field.name in roles.required),
    )


def check_role_types(schema: TableSchema, roles: Roles) -> None:
    """Demand a time that is a time, and numbers where the task computes with them.

    Raises
    ------
    InvalidDataset
        ``wrong_column_type``.
    """
    if roles.time and schema.types[roles.time] not in TEMPORAL:
        found = schema.types[roles.time]
        raise rejection(
            "wrong_column_type",
            f"The time column {roles.time!r} is {found}; write times as 2026-01-31 or 2026-01-31T09:30:00Z.",
        )
    for column, role in roles.numbers.items():
        found = schema.types[column]
        if found not in NUMERIC:
            raise rejection("wrong_column_type", f"The {role} {column!r} is {found}, not a number.")
