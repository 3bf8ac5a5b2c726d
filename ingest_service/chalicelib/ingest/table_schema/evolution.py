"""The schema of an upload: as declared, as known and widened where that loses nothing, or inferred."""

from collections.abc import Mapping

import msgspec
from chalicelib.ingest.roles import Roles
from chalicelib.ingest.table_schema.differences import (
    Retyped,
    SchemaDiff,
    SchemaMismatch,
    compare_columns,
    describe,
    is_widening,
)
from chalicelib.ingest.table_schema.inference import Kinds, fits, infer_field, missing_tokens
from chalicelib.ingest.table_schema.model import Constraints, Field, TableSchema
from chalicelib.ingest.table_schema.types import MISSING, Type

Counts = Mapping[str, Kinds]


class Basis(msgspec.Struct, frozen=True, kw_only=True):
    """What the schema of an upload follows from, its cells aside.

    ``known`` is the newest READY version's, ``declared`` the pipeline's own (``data.schema``), both without the
    columns that the pipeline drops; ``file_types`` are the types that the file itself states, ``decimal_comma`` says that
    in it a comma parts no cells.
    """

    roles: Roles
    tolerance: float
    known: TableSchema | None = None
    declared: TableSchema | None = None
    file_types: Mapping[str, str] = {}
    decimal_comma: bool = False


def propose(basis: Basis, columns: tuple[str, ...], counts: Counts) -> TableSchema:
    """Return the schema to read the file with; *counts* are of the cells of a sample.

    Raises
    ------
    SchemaMismatch
        The header has other columns than those declared or known.
    """
    found = tuple(_infer(basis, name, counts) for name in columns)
    expected = basis.declared or basis.known
    if expected is None:
        return TableSchema(fields=tuple(_with_role(field, basis.roles) for field in found))
    difference = compare_columns(expected.fields, found)
    if difference.is_breaking:
        raise _mismatch(basis, difference)
    if basis.declared:
        return _as_declared(basis, basis.declared)
    return _evolve(basis, expected, counts)


def decide(
    basis: Basis,
    counts: Counts,
    proposed: TableSchema,
    *,
    examples: Mapping[str, str] | None = None,
) -> TableSchema:
    """Return the schema of the whole file; where it is not *proposed*, the file must be read once more with it.

    Parameters
    ----------
    counts
        All cells: those of good rows by ``label_of`` their field (or as missing), all others by ``kind_of``.
    examples
        By column, a cell that does not fit the proposed type.

    Raises
    ------
    SchemaMismatch
        A column is of another type than the known one, by most of its cells.
    """
    if basis.declared:
        return _as_declared(basis, basis.declared)
    if basis.known is None:
        fields = (_infer(basis, field.name, counts) for field in proposed.fields)
        pairs = zip(proposed.fields, fields, strict=True)
        return TableSchema(fields=tuple(_with_role(_keep_missing(*pair), basis.roles) for pair in pairs))
    retyped = tuple(
        _retyped(basis, field, counts, (examples or {}).get(field.name, ""))
        for field in basis.known.fields
        if _is_retyped(basis, field, counts[field.name])
    )
    if retyped:
        raise _mismatch(basis, SchemaDiff(retyped=retyped))
    return _with_categories(basis.known, _evolve(basis, proposed, counts))


def _with_categories(known: TableSchema, schema: TableSchema) -> TableSchema:
    """Return *schema* with the categories of *known*: those of a sample do not outlive the verdict on the file."""
    categories = {field.name: field.categories for field in known.fields}
    return msgspec.structs.replace(
        schema,
        fields=tuple(
            msgspec.structs.replace(field, categories=categories[field.name]) for field in schema.fields
        ),
    )


def _infer(basis: Basis, name: str, counts: Counts) -> Field:
    return infer_field(
        name,
        counts.get(name, {}),
        basis.tolerance,
        basis.file_types.get(name),
        decimal_comma=basis.decimal_comma,
    )


def _with_role(field: Field, roles: Roles) -> Field:
    return msgspec.structs.replace(field, constraints=Constraints(required=field.name in roles.required))


def _as_declared(basis: Basis, declared: TableSchema) -> TableSchema:
    """Return the declared schema; what roles and the primary key demand is required beside it."""
    seen = {field.name: field.categories for field in basis.known.fields} if basis.known else {}
    required = {*basis.roles.required, *declared.primary_key}
    fields = tuple(
        msgspec.structs.replace(
            field,
            categories=field.categories or seen.get(field.name, ()),
            constraints=msgspec.structs.replace(
                field.constraints, required=field.constraints.required or field.name in required
            ),
        )
        for field in declared.fields
    )
    return msgspec.structs.replace(declared, fields=fields)


def _evolve(basis: Basis, known: TableSchema, counts: Counts) -> TableSchema:
    fields = tuple(
        _with_role(_widen(basis, field, counts.get(field.name, {})), basis.roles) for field in known.fields
    )
    return TableSchema(fields=fields, missing_values=known.missing_values)


def _widen(basis: Basis, field: Field, counts: Kinds) -> Field:
    """Return *field*, wider where its cells need it and nothing is lost; text never becomes anything else."""
    if field.type in (Type.STRING, Type.BINARY):
        return field
    found = infer_field(field.name, counts, basis.tolerance, basis.file_types.get(field.name))
    if is_widening(field, found) and not field.is_custom:
        field = msgspec.structs.replace(field, type=found.type)
    tokens = {*field.missing_values, *missing_tokens(counts)}
    return msgspec.structs.replace(field, missing_values=tuple(sorted(tokens)))


def _keep_missing(proposed: Field, found: Field) -> Field:
    """Return *found* with the texts that the proposal has already read as missing: no count tells of them."""
    if found.type in (Type.STRING, Type.BINARY):
        return found
    tokens = {*proposed.missing_values, *found.missing_values}
    return msgspec.structs.replace(found, missing_values=tuple(sorted(tokens)))


def _is_retyped(basis: Basis, field: Field, counts: Kinds) -> bool:
    """Say whether a column is of another type; where at least half of its cells fit, the others are bad rows."""
    if field.is_custom:
        return False
    present = sum(count for label, count in counts.items() if not label.startswith(MISSING))
    widened = is_widening(field, infer_field(field.name, counts, basis.tolerance))
    return field.type is not Type.STRING and not widened and fits(field, counts) * 2 < present


def _retyped(basis: Basis, field: Field, counts: Counts, example: str) -> Retyped:
    found = _infer(basis, field.name, counts)
    return Retyped(name=field.name, old=describe(field), new=describe(found), example=example)


def _mismatch(basis: Basis, difference: SchemaDiff) -> SchemaMismatch:
    other = "the schema declared in data.schema" if basis.declared else "the newest READY version"
    return SchemaMismatch(f"Unlike {other}, {difference.sentence}.", difference)
