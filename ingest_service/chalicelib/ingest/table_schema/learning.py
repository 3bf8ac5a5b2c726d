"""What the values of a column teach its schema: categories and labels; and what roles demand of types."""

from collections.abc import Mapping

import msgspec
from chalicelib.ingest.reasons import rejection
from chalicelib.ingest.roles import Roles
from chalicelib.ingest.table_schema.model import MAX_CATEGORIES, Field, TableSchema
from chalicelib.ingest.table_schema.types import NUMERIC, TEMPORAL, Type


def learn_categories(
    schema: TableSchema, seen: Mapping[str, Mapping[str, int]], labels_of: str | None, tolerance: float
) -> TableSchema:
    """Return *schema* with the categories *seen* (value → count by string column) added to those known.

    The categories of the column *labels_of* (the target of a classification) become its ``enum``, unless the
    pipeline's schema declares one; a value that is new there counts as a label only when more than *tolerance*
    of the rows have it, else as a typing error.
    """
    return msgspec.structs.replace(
        schema,
        fields=tuple(
            _learn(field, seen[field.name], field.name == labels_of, tolerance)
            if field.name in seen and field.type is Type.STRING
            else field
            for field in schema.fields
        ),
    )


def _learn(field: Field, counts: Mapping[str, int], is_label: bool, tolerance: float) -> Field:
    is_open = is_label and not field.constraints.enum
    new = _labels(field, counts, tolerance) if is_label else set(counts)
    values = tuple(sorted({*field.categories, *new}))
    if max(len(counts), len(values)) > MAX_CATEGORIES:
        values = ()
    enum = values if is_open else field.constraints.enum
    constraints = msgspec.structs.replace(field.constraints, enum=enum)
    return msgspec.structs.replace(field, categories=values, constraints=constraints)


def _labels(field: Field, counts: Mapping[str, int], tolerance: float) -> set[str]:
    """Return which of the values counted are labels: the declared ones, or those too frequent to be typing errors."""
    if field.constraints.enum:
        return set(counts) & {str(value) for value in field.constraints.enum}
    least = tolerance * sum(counts.values()) if field.categories else 0
    return {value for value, count in counts.items() if count > least}


def check_role_types(schema: TableSchema, roles: Roles) -> None:
    """Demand a time that is a time, and numbers where the task computes with them.

    Raises
    ------
    InvalidDataset
        ``wrong_column_type``.
    """
    fields = {field.name: field for field in schema.fields}
    time = fields[roles.time] if roles.time else None
    if time and time.type not in TEMPORAL:
        advice = time.note or "Write times as 2026-01-31 or 2026-01-31T09:30:00Z."
        raise rejection("wrong_column_type", f"The time column {time.name!r} is {time.type}. {advice}")
    for column, role in roles.numbers.items():
        found = fields[column].type
        if found not in NUMERIC:
            raise rejection("wrong_column_type", f"The {role} {column!r} is {found}, not a number.")
