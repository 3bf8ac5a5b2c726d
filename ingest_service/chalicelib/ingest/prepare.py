"""From staged rows and their schema to a dataset: good and bad rows, sides, profile, Parquet parts."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

import hashlib
from pathlib import Path
from typing import Any

import msgspec
from chalicelib.ingest import rules as rule
from chalicelib.ingest.column_types import TEMPORAL, value_of
from chalicelib.ingest.engine import Scratch, identifier, table
from chalicelib.ingest.observe import Table
from chalicelib.ingest.profile import Profile, profile, rfc3339
from chalicelib.ingest.reasons import rejection
from chalicelib.ingest.schema import TableSchema
from chalicelib.ingest.split import SIDES, Sides, bucket_sql, check_sides, sides_by_bucket, sides_by_time

from shared.entities.dataset import RowCounts, SplitRecord, TimeBounds
from shared.entities.pipeline import PipelineDefinition, fraction
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
    # Never assumed: a row that vanished in silence is the worst that an ingest can do.
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
    time = _time_place(rows, schema, places)
    return Prepared(
        schema=schema,
        # Before the parts: it leaves DuckDB with one thread, and so they too are written in one order.
        profile=profile(scratch, good, schema, places),
        split=_split_record(scratch, rows, sides, counts, time),
        time=_bounds(scratch, time, "true"),
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


def _hashed_texts(rows: Table, schema: TableSchema) -> list[str]:
    """Return the texts that decide a row's side: its group, its key, or all of it, whatever the header's order."""
    # By name, not by place: a file with its columns in another order keeps every row on its side.
    only = rows.roles.group or rows.roles.key
    names = [only] if only else sorted(field.name for field in schema.fields)
    return [rows.texts[name] for name in names]


def _time_place(rows: Table, schema: TableSchema, places: dict[str, str]) -> str | None:
    """Return the SQL name of the time column, None where there is none or it has no order in time."""
    name = rows.definition.data.time
    # A time that the split does not need may be text; it then has no bounds.
    return places[name] if name and schema.types.get(name) in TEMPORAL else None


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
