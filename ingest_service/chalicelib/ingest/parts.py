"""Part good rows into train, validation and test, and write each side as Parquet straight into the sink."""

# ruff: noqa: S608 - SQL here is made of our own names; what users wrote passes through engine.literal and identifier.

from datetime import date, datetime

import msgspec
from chalicelib.ingest.engine import Scratch, identifier, parquet
from chalicelib.ingest.reasons import rejection
from chalicelib.ingest.sink import Sink
from chalicelib.ingest.split import SIDES, Sides, check_sides, sides_by_bucket, sides_by_time
from chalicelib.ingest.table_schema.model import TableSchema
from chalicelib.ingest.table_schema.types import TEMPORAL, Type

from shared.entities.dataset import SplitRecord, TimeBounds
from shared.entities.pipeline import PipelineDefinition, Split, fraction

PARQUET = "application/vnd.apache.parquet"
SLICE_BYTES = 16 << 20
_TIMES_SHOWN = 5


class WrittenPart(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file in the sink."""

    side: str
    name: str
    rows: int
    sha256: str
    size_bytes: int


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """The sides of a dataset and their files."""

    split: SplitRecord
    time: TimeBounds | None
    parts: tuple[WrittenPart, ...]


def split_and_write(
    scratch: Scratch, rows: str, schema: TableSchema, definition: PipelineDefinition, sink: Sink
) -> Written:
    """Write the good *rows* side by side.

    Raises
    ------
    InvalidDataset
        ``time_not_named`` or ``too_few_rows``.
    """
    check_split_is_meant(definition.split, schema)
    sides = _sides(scratch, rows, schema, definition)
    counts = _count_sides(scratch, rows, sides)
    check_sides(counts)
    time = _time_place(schema, definition)
    by_time = definition.split.by == "time"
    bounds = {
        side: _bounds(scratch, time, rows, where) for side, where in sides.conditions.items() if by_time
    }
    split = SplitRecord(
        by="hash" if definition.split.by == "auto" else definition.split.by,
        seed=definition.split.seed,
        test=fraction(definition.split.test),
        validation=fraction(definition.split.validation),
        rows=counts,
        bounds={side: bound for side, bound in bounds.items() if bound},
    )
    slices = _slices(scratch, rows, schema)
    parts = [
        _write(scratch, f"{rows} WHERE ({where}) AND {part}", schema, sink, (side, number, counts[side]))
        for side, where in sides.conditions.items()
        if counts[side]
        for number, part in enumerate(slices or ["true"])
    ]
    written = tuple(part for part in parts if part is not None)
    return Written(split=split, time=_bounds(scratch, time, rows, "true"), parts=written)


def check_split_is_meant(split: Split, schema: TableSchema) -> None:
    """Demand that whoever deals time-stamped rows at random says so: no definition mends sides that are frozen.

    A time of day is what machines write beside an event. Days alone are no sign of one: they are as often a birthday or
    a date of expiry.

    Raises
    ------
    InvalidDataset
        ``time_not_named``.
    """
    times = [field.name for field in schema.fields if field.type is Type.DATETIME]
    if split.by != "auto" or not times:
        return
    known = " and ".join(repr(name) for name in times[:_TIMES_SHOWN])
    raise rejection(
        "time_not_named",
        f"{known} {'has' if len(times) == 1 else 'have'} times of day and the pipeline names no time, so rows that follow "
        "each other would be dealt at random: a model that has seen the future looks better than it is. Set "
        f"data.time: {times[0]}, and the newest rows judge; or split.by: hash, where that is what you want.",
    )


def _sides(scratch: Scratch, rows: str, schema: TableSchema, definition: PipelineDefinition) -> Sides:
    time = _time_place(schema, definition)
    if definition.split.by == "time" and time:
        return sides_by_time(scratch, rows, time, definition.split)
    return sides_by_bucket(definition.split)


def _time_place(schema: TableSchema, definition: PipelineDefinition) -> str | None:
    """Return the SQL name of the time column, None where there is none or it has no order in time."""
    # A time that the split does not need may be text; it then has no bounds.
    for i, field in enumerate(schema.fields):
        if field.name == definition.data.time and field.type in TEMPORAL:
            return f"v{i}"
    return None


def _count_sides(scratch: Scratch, rows: str, sides: Sides) -> dict[str, int]:
    columns = ", ".join(f"count(*) FILTER ({sides.conditions[side]})" for side in SIDES)
    return dict(zip(SIDES, scratch.row(f"SELECT {columns} FROM {rows}"), strict=True))


def _renamed(schema: TableSchema) -> str:
    return ", ".join(f"v{i} AS {identifier(field.name)}" for i, field in enumerate(schema.fields))


def _slices(scratch: Scratch, rows: str, schema: TableSchema) -> list[str]:
    """Return the conditions that cut *rows* into what DuckDB can hold: pictures into some megabytes; of a table none."""
    pictures = [f"v{i}" for i, field in enumerate(schema.fields) if field.type is Type.BINARY]
    if not pictures:
        return []
    # DuckDB gathers filtered rows to vectors of 2,048, and so many pictures are more than its memory.
    size = " + ".join(f"coalesce(octet_length({place}), 0)" for place in pictures)
    so_far = "sum(size) OVER (ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"
    found = scratch.rows(
        f"SELECT min(n), max(n) FROM (SELECT n, {so_far} // {SLICE_BYTES} AS slice "
        f"FROM (SELECT n, {size} AS size FROM {rows})) GROUP BY slice ORDER BY slice"
    )
    return [f"n BETWEEN {first} AND {last}" for first, last in found]


def _write(
    scratch: Scratch, rows: str, schema: TableSchema, sink: Sink, place: tuple[str, int, int]
) -> WrittenPart | None:
    """Write one part; None for one without rows. Its *place* is its side, its number there, the rows of the side."""
    side, number, count = place
    if schema.has_pictures:
        (count,) = scratch.row(f"SELECT count(*) FROM {rows}")
    if not count:
        return None
    name = f"{side}/part-{number}.parquet"
    options = parquet(len(schema.fields), pictures=schema.has_pictures)
    with sink.writer(name, PARQUET) as file:
        scratch.stream(f"SELECT {_renamed(schema)} FROM {rows}", options, file)
    return WrittenPart(side=side, name=name, rows=count, sha256=file.sha256, size_bytes=file.size_bytes)


def _bounds(scratch: Scratch, time: str | None, rows: str, where: str) -> TimeBounds | None:
    if time is None:
        return None
    first, last = scratch.row(f"SELECT min({time}), max({time}) FROM {rows} WHERE {where}")
    return TimeBounds(first=_rfc3339(first), last=_rfc3339(last)) if first else None


def _rfc3339(instant: date | datetime) -> str:
    """Spell a UTC instant, or the first of a day, to the second."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
