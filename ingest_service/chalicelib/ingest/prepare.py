"""From staged rows to a dataset: schema, good and bad rows, sides, profile, Parquet parts. Told in that order."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

import hashlib
from pathlib import Path
from typing import Any

import msgspec
from chalicelib.ingest import rules as rule
from chalicelib.ingest.column_types import Type, kind_of, value_of
from chalicelib.ingest.engine import Scratch, identifier, table
from chalicelib.ingest.profile import Profile, profile, rfc3339
from chalicelib.ingest.reasons import rejection
from chalicelib.ingest.roles import Roles, roles_of
from chalicelib.ingest.schema import (
    MAX_CATEGORIES,
    TableSchema,
    check_role_types,
    evolve_schema,
    infer_schema,
    learn_categories,
)
from chalicelib.ingest.split import SIDES, Sides, bucket_sql, check_sides, sides_by_bucket, sides_by_time
from chalicelib.ingest.staging import Staged

from shared.entities.dataset import RowCounts, SplitRecord, TimeBounds
from shared.entities.pipeline import PipelineDefinition, Regression, fraction
from shared.errors import HeadraceError


class LocalPart(msgspec.Struct, frozen=True, kw_only=True):
    """A Parquet file on disk, not yet uploaded."""

    side: str
    path: Path
    rows: int
    sha256: str


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a dataset version but where its files will lie."""

    schema: TableSchema
    profile: Profile
    split: SplitRecord
    time: TimeBounds | None
    parts: tuple[LocalPart, ...]


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
    is_regression = isinstance(rows.definition, Regression)
    check_role_types(schema, rows.roles, numeric_target=is_regression)
    seen = {
        field.name: _count_values(scratch, rows.staged, rows.texts[field.name])
        for field in schema.fields
        if field.type is Type.STRING
    }
    return learn_categories(schema, seen, None if is_regression else rows.roles.target, rows.tolerance)


def quarantine(scratch: Scratch, rows: Table, schema: TableSchema) -> RowCounts:
    """Part good rows (``good.parquet``) from bad ones (the table ``rejects``) and count both.

    ``good.parquet`` has the typed columns ``v0``, ``v1``, … in the schema's order, and ``bucket``.
    """
    checks = rule.rules_of(schema, rows.texts, rows.roles)
    by_rule = rule.set_bad_rows_apart(scratch, rows.staged, checks)
    values = [
        f"{value_of(field.type, rows.texts[field.name])} AS v{i}" for i, field in enumerate(schema.fields)
    ]
    bucket = bucket_sql(_hashed_texts(rows, schema), rows.definition.split.seed)
    scratch.copy(
        f"SELECT {', '.join(values)}, {bucket} AS bucket "
        f"FROM ({rule.trimmed(rows.staged)}) WHERE {rule.first_broken(checks)} IS NULL",
        good_path(scratch),
    )
    (good,) = scratch.row(f"SELECT count(*) FROM {table(good_path(scratch))}")
    read, bad = rows.staged.accepted + rows.staged.malformed, sum(by_rule.values())
    if read != good + bad:
        raise HeadraceError(f"{read} rows were read, but {good} are good and {bad} bad: some vanished")
    return RowCounts(read=read, good=good, bad=bad, by_rule=by_rule)


def check_bad_rows(counts: RowCounts, definition: PipelineDefinition) -> None:
    """Refuse an upload with more bad rows than the pipeline allows.

    Raises
    ------
    InvalidDataset
        ``too_many_bad_rows``, naming the three most frequent rules.
    """
    most = 0.0 if definition.data.on_bad_rows == "reject" else fraction(definition.data.max_bad)
    if counts.bad > most * counts.read:
        worst = ", ".join(f"{name} ({count})" for name, count in list(counts.by_rule.items())[:3])
        allowed = "none" if not most else definition.data.max_bad
        raise rejection(
            "too_many_bad_rows",
            f"{counts.bad} of {counts.read} rows are bad ({allowed} allowed); most often: {worst}.",
        )


def finish(scratch: Scratch, rows: Table, schema: TableSchema) -> Prepared:
    """Split the good rows, write the parts, profile.

    Raises
    ------
    InvalidDataset
        ``too_few_rows``.
    """
    places = {field.name: f"v{i}" for i, field in enumerate(schema.fields)}
    good = table(good_path(scratch))
    sides = _sides(scratch, rows, places)
    counts = _count_sides(scratch, good, sides)
    check_sides(counts)
    time = places.get(rows.definition.data.time or "")
    # A time that the split does not need may be text; it then has no bounds.
    temporal = (
        time if time and schema.types[rows.definition.data.time or ""] in {"date", "datetime"} else None
    )
    return Prepared(
        schema=schema,
        profile=profile(scratch, good, schema, places),
        split=_split_record(scratch, rows, sides, counts, temporal),
        time=_bounds(scratch, temporal, "true"),
        parts=tuple(
            _write_part(scratch, side, f"SELECT {_renamed(places)} FROM {good} WHERE {condition}", counts)
            for side, condition in sides.conditions.items()
            if counts[side]
        ),
    )


def write_rejects(scratch: Scratch) -> Path:
    """Write the bad rows in file order, one JSON object a line, and return the gzip file."""
    path = scratch.folder / "rejects.jsonl.gz"
    query = 'SELECT row, col AS "column", value, rule FROM rejects ORDER BY row'
    scratch.copy(query, path, "FORMAT json, COMPRESSION gzip")
    return path


def good_path(scratch: Scratch) -> Path:
    """Return where the good rows are."""
    return scratch.folder / "good.parquet"


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


def _hashed_texts(rows: Table, schema: TableSchema) -> list[str]:
    """Return the texts that decide a row's side: its group, its key, or all of it, whatever the header's order."""
    only = rows.roles.group or rows.roles.key
    names = [only] if only else sorted(field.name for field in schema.fields)
    return [rows.texts[name] for name in names]


def _sides(scratch: Scratch, rows: Table, places: dict[str, str]) -> Sides:
    if rows.roles.time:
        good = table(good_path(scratch))
        return sides_by_time(scratch, good, places[rows.roles.time], rows.definition.split)
    return sides_by_bucket(rows.definition.split)


def _count_sides(scratch: Scratch, good: str, sides: Sides) -> dict[str, int]:
    columns = ", ".join(f"count(*) FILTER ({sides.conditions[side]})" for side in SIDES)
    return dict(zip(SIDES, scratch.row(f"SELECT {columns} FROM {good}"), strict=True))


def _renamed(places: dict[str, str]) -> str:
    return ", ".join(f"{place} AS {identifier(name)}" for name, place in places.items())


def _write_part(scratch: Scratch, side: str, query: str, counts: dict[str, int]) -> LocalPart:
    path = scratch.folder / f"{side}.parquet"
    scratch.copy(query, path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return LocalPart(side=side, path=path, rows=counts[side], sha256=digest)


def _split_record(
    scratch: Scratch, rows: Table, sides: Sides, counts: dict[str, int], time: str | None
) -> SplitRecord:
    split = rows.definition.split
    bounds: dict[str, Any] = {}
    if rows.roles.time:
        for side, condition in sides.conditions.items():
            bounds[side] = _bounds(scratch, time, condition)
    return SplitRecord(
        by=split.by,
        seed=split.seed,
        test=fraction(split.test),
        validation=fraction(split.validation),
        rows=counts,
        bounds={side: bound for side, bound in bounds.items() if bound},
    )


def _bounds(scratch: Scratch, time: str | None, condition: str) -> TimeBounds | None:
    if time is None:
        return None
    good = table(good_path(scratch))
    query = f"SELECT {rfc3339(f'min({time})')}, {rfc3339(f'max({time})')} FROM {good} WHERE {condition}"
    first, last = scratch.row(query)
    return TimeBounds(first=first, last=last) if first else None
