"""What the staged cells are, and so which schema the upload has."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

import msgspec
from chalicelib.ingest.column_types import Type, kind_of
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.roles import Roles, roles_of
from chalicelib.ingest.schema import (
    MAX_CATEGORIES,
    TableSchema,
    check_role_types,
    evolve_schema,
    infer_schema,
    learn_categories,
)
from chalicelib.ingest.staging import Staged

from shared.entities.pipeline import PipelineDefinition, fraction


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """The file's rows with what is known of them; ``texts`` names the SQL text of each column."""

    staged: Staged
    definition: PipelineDefinition
    roles: Roles
    texts: dict[str, str]

    @property
    def tolerance(self) -> float:
        """The fraction of rows that may be bad."""
        return fraction(self.definition.data.max_bad)


def describe(staged: Staged, definition: PipelineDefinition) -> Table:
    """Return the table that *staged* is to *definition*: dropped columns never leave the scratch folder."""
    dropped = set(definition.data.drop)
    texts = {name: f"x{i}" for i, name in enumerate(staged.layout.columns) if name not in dropped}
    return Table(staged=staged, definition=definition, roles=roles_of(definition), texts=texts)


def decide_schema(scratch: Scratch, rows: Table, known: TableSchema | None) -> TableSchema:
    """Return the schema of this upload: inferred, or *known* and evolved.

    Raises
    ------
    InvalidDataset
        ``schema_mismatch`` or ``wrong_column_type``.
    """
    counts = {name: _count_kinds(scratch, rows.staged, x) for name, x in rows.texts.items()}
    if known is None:
        schema = infer_schema(counts, rows.roles, rows.tolerance)
    else:
        schema = evolve_schema(_without_dropped(known, rows.definition), counts, rows.roles, rows.tolerance)
    check_role_types(schema, rows.roles)
    seen = {
        field.name: _count_values(scratch, rows.staged, rows.texts[field.name])
        for field in schema.fields
        if field.type is Type.STRING
    }
    return learn_categories(schema, seen, rows.roles.label, rows.tolerance)


def _count_kinds(scratch: Scratch, staged: Staged, x: str) -> dict[str, int]:
    text = f"nullif(trim(c{x[1:]}), '')"
    query = f"SELECT {kind_of('x')} AS kind, count(*) FROM (SELECT {text} AS x FROM {staged.rows}) GROUP BY 1"
    return dict(scratch.rows(query))


def _count_values(scratch: Scratch, staged: Staged, x: str) -> dict[str, int]:
    """Count the most frequent texts of a column, one more than may be categories."""
    text = f"nullif(trim(c{x[1:]}), '')"
    return dict(
        scratch.rows(
            f"SELECT x, count(*) AS times FROM (SELECT {text} AS x FROM {staged.rows}) "
            f"WHERE x IS NOT NULL GROUP BY x ORDER BY times DESC, x LIMIT {MAX_CATEGORIES + 1}"
        )
    )


def _without_dropped(known: TableSchema, definition: PipelineDefinition) -> TableSchema:
    kept = tuple(field for field in known.fields if field.name not in definition.data.drop)
    return msgspec.structs.replace(known, fields=kept)
