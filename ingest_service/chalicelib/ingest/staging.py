"""Read a file's rows once: typed, judged row by row, and kept in Parquet files on local disk.

A staged row has ``n`` (1, 2, … in file order), the typed values ``v0``, ``v1``, … in the schema's order,
``bucket`` (what a split by hash or group goes by), ``broken`` (the number of the first rule that the row breaks, NULL
for a good row) and ``raw`` (the texts of a bad row, in the schema's order). Only a bad row keeps its texts, so the files
stay about as small as the dataset. Rows of a small file are a table in memory instead: to encode and decode them twenty
times would cost more than they do.
"""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec
from chalicelib.ingest.engine import CappedFile, Scratch, parquet, tables
from chalicelib.ingest.formats.reader import Reader
from chalicelib.ingest.reasons import rejection
from chalicelib.ingest.roles import Roles
from chalicelib.ingest.split import bucket_sql
from chalicelib.ingest.table_schema.kinds import native_value_of, text_of, value_of
from chalicelib.ingest.table_schema.model import Field, TableSchema
from chalicelib.ingest.table_schema.rules import Rule, rules_of
from chalicelib.ingest.table_schema.types import Type

PICTURE_HASH = "sha256"  # the column of a zip of pictures that tells equal ones
_TABLE = "staged"
_MOST_COLUMNS_HELD = 200  # DuckDB sets some 16 KiB aside for each, however few its values


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are judged: the schema, the rules that follow from it, the texts that decide a row's side.

    ``cells`` is how each field is read: the SQL for the text of ``c`` and for the value of ``x``. ``hashed`` are the texts that decide a
    row's side, ``whole`` the value of the only one where that is a plain integer.
    """

    schema: TableSchema
    rules: tuple[Rule, ...]
    cells: tuple[tuple[str, str], ...]
    hashed: tuple[str, ...]
    whole: str | None
    seed: int
    native: Mapping[str, frozenset[str]]

    def judges_as(self, other: "Plan") -> bool:
        """Say whether every row fares the same under both: categories only tell what was seen."""
        return self.rules == other.rules and self.cells == other.cells


class Staged(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass left: ``accepted`` rows have cells, ``malformed`` ones could not be cut into any.

    ``rows`` is all accepted rows as something to select from.
    """

    rows: str
    plan: Plan
    accepted: int
    malformed: int
    first_row: int

    @property
    def good(self) -> str:
        """The rows that break no rule."""
        return f"(SELECT * FROM {self.rows} WHERE broken IS NULL)"


def plan_of(schema: TableSchema, roles: Roles, seed: int, native: Mapping[str, frozenset[str]]) -> Plan:
    """Return how rows are held against *schema*; *native* is the reader's."""
    places = range(len(schema.fields))
    texts = {field.name: f"x{i}" for i, field in zip(places, schema.fields, strict=True)}
    values = {field.name: f"v{i}" for i, field in zip(places, schema.fields, strict=True)}
    hashed = _deciding(schema, roles)
    rules = tuple(rules_of(schema, texts, values, roles))
    cells = tuple(
        (text_of(schema.missing_texts(field.name), "c"), _value_of(field, "x", native))
        for field in schema.fields
    )
    return Plan(
        schema=schema,
        rules=rules,
        cells=cells,
        hashed=tuple(texts[name] for name in hashed),
        whole=values[hashed[0]] if _is_one_integer(schema, hashed) else None,
        seed=seed,
        native=native,
    )


def _value_of(field: Field, x: str, native: Mapping[str, frozenset[str]]) -> str:
    is_native = field.type in native.get(field.name, ())
    return native_value_of(field, x) if is_native else value_of(field, x)


def _is_one_integer(schema: TableSchema, names: Sequence[str]) -> bool:
    if len(names) != 1:
        return False
    field = next(field for field in schema.fields if field.name == names[0])
    return field.type is Type.INTEGER and not field.is_custom


def _deciding(schema: TableSchema, roles: Roles) -> list[str]:
    """Return the columns that decide a row's side: its group, its key, or all of it."""
    only = roles.group or roles.key
    if only is None and schema.has_pictures:
        # One picture under two names must not both train and judge.
        only = PICTURE_HASH
    # By name, not by place: a file with its columns in another order keeps every row on its side.
    return [only] if only else sorted(field.name for field in schema.fields)


def stage(scratch: Scratch, reader: Reader, plan: Plan, max_bytes: int) -> Staged:
    """Drain *reader* into memory, or else into files that take *max_bytes* at most.

    Raises
    ------
    InvalidDataset
        ``no_rows``, or what the reader found.
    DiskFull
        The rows need more disk.
    """
    accepted = None
    while accepted is None:
        rows = _drain(scratch, reader, plan, max_bytes)
        accepted = reader.accepted(scratch, rows)
    (malformed,) = scratch.row("SELECT count(*) FROM malformed")
    if accepted + malformed == 0:
        raise rejection("no_rows", f"The file has {len(reader.columns)} column names and no row.")
    return Staged(rows=rows, plan=plan, accepted=accepted, malformed=malformed, first_row=reader.first_row)


def _drain(scratch: Scratch, reader: Reader, plan: Plan, max_bytes: int) -> str:
    """Return where the judged rows of one reading are."""
    with reader.rows(scratch) as queries:
        judged = (_judged(query, reader.columns, plan) for query in queries)
        if reader.is_small and len(plan.schema.fields) <= _MOST_COLUMNS_HELD:
            return _hold(scratch, judged)
        return _write(scratch, judged, plan.schema, max_bytes)


def _hold(scratch: Scratch, judged: Iterable[str]) -> str:
    statement = f"CREATE OR REPLACE TABLE {_TABLE} AS"
    for query in judged:
        scratch.run(f"{statement} {query}")
        statement = f"INSERT INTO {_TABLE}"
    return _TABLE


def _write(scratch: Scratch, judged: Iterable[str], schema: TableSchema, max_bytes: int) -> str:
    # Snappy, with the newer encodings: it is read a few times, by DuckDB alone, and then thrown away.
    options = parquet(len(schema.fields) + 3, "snappy", pictures=schema.has_pictures)
    for outdated in scratch.folder.glob("staged-*.parquet"):
        outdated.unlink()
    paths: list[Path] = []
    for number, query in enumerate(judged):
        paths.append(scratch.folder / f"staged-{number}.parquet")
        with paths[-1].open("wb") as opened:
            file = CappedFile(opened, max_bytes)
            scratch.stream(query, f"{options}, PARQUET_VERSION V2", file)
        max_bytes = file.left_bytes
    return tables(paths)


def texts_of(source: str, columns: Sequence[str], schema: TableSchema) -> str:
    """Return a query of *source* with ``n`` and the trimmed texts ``x0``, ``x1``, … in the schema's order."""
    place = {name: i for i, name in enumerate(columns)}
    texts = [
        f"{text_of(schema.missing_texts(field.name), f'c{place[field.name]}')} AS x{i}"
        for i, field in enumerate(schema.fields)
    ]
    return f"SELECT n, {', '.join(texts)} FROM ({source})"


def _judged(query: str, columns: Sequence[str], plan: Plan) -> str:
    fields = list(enumerate(plan.schema.fields))
    values = ", ".join(f"{_value_of(field, f'x{i}', plan.native)} AS v{i}" for i, field in fields)
    typed = f"SELECT *, {values} FROM ({texts_of(query, columns, plan.schema)})"
    judged = (
        f"SELECT *, {bucket_sql(list(plan.hashed), plan.seed, plan.whole)} AS bucket, "
        f"{_first_broken(plan.rules)} AS broken FROM ({typed})"
    )
    raw = ", ".join(f"x{i}" for i, _ in fields)
    kept = ", ".join(f"v{i}" for i, _ in fields)
    return (
        f"SELECT n, {kept}, bucket, broken, CASE WHEN broken IS NOT NULL THEN [{raw}] END AS raw "
        f"FROM ({judged})"
    )


def _first_broken(rules: Sequence[Rule]) -> str:
    cases = " ".join(f"WHEN {rule.broken} THEN {number}" for number, rule in enumerate(rules))
    return f"CASE {cases} END" if cases else "NULL::INTEGER"
