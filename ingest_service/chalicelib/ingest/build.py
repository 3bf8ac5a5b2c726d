"""Make a dataset of one file: the same code in a Lambda and in a processing job, which differ in source and sink.

Propose a schema from the head (or take the one known) → stream the file once, every row typed and judged → hold the
proposal against all of it, and where the head misled read once more → set bad rows apart → split → write the parts
→ profile. Where the data is at fault the answer is a :class:`Refusal`; where the world is, an error flies.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from chalicelib.ingest import observe, quarantine
from chalicelib.ingest.engine import DiskFull, Scratch
from chalicelib.ingest.formats.detect import open_reader
from chalicelib.ingest.formats.reader import Limits, Reader, Source, TooLargeHere
from chalicelib.ingest.observed import with_observed
from chalicelib.ingest.parts import WrittenPart, split_and_write
from chalicelib.ingest.profiling import Column, profile
from chalicelib.ingest.profiling.vega import page
from chalicelib.ingest.roles import check_columns, roles_of
from chalicelib.ingest.sink import Sink
from chalicelib.ingest.staging import Staged, plan_of, stage
from chalicelib.ingest.table_schema.declaring import parse_declared
from chalicelib.ingest.table_schema.differences import SchemaMismatch
from chalicelib.ingest.table_schema.evolution import Basis, decide, propose
from chalicelib.ingest.table_schema.learning import check_role_types, learn_categories
from chalicelib.ingest.table_schema.model import TableSchema

from shared.entities.dataset import RowCounts, SplitRecord, TimeBounds
from shared.entities.pipeline import PipelineDefinition, fraction
from shared.errors import HeadraceError, InvalidDataset

JSON = "application/json"
GZIP = "application/gzip"
# The head's proposal, the whole file's verdict, and one more for labels that only the verdict's rows showed.
MAX_PASSES = 4


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be made: by whose definition, held against which schema, within which limits."""

    definition: PipelineDefinition
    known: TableSchema | None
    limits: Limits
    disk_bytes: int


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset whose files are written, all but the manifest."""

    content_sha256: str
    encoding: str | None
    rows: RowCounts
    time: TimeBounds | None
    schema: dict[str, Any]
    schema_sha256: str
    split: SplitRecord
    parts: tuple[WrittenPart, ...]


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why an upload is no dataset; ``facts`` are attributes of its row that were known by then."""

    reason: str
    detail: str
    facts: dict[str, Any]


def build(
    scratch: Scratch, source: Source, order: Order, sink: Sink, on_content: Callable[[str], None]
) -> Built | Refusal:
    """Make a dataset of *source*; *on_content* hears the SHA-256 of its bytes and may stop the work by raising.

    Raises
    ------
    TooLargeHere
        The file needs a larger machine.
    Unavailable
        A dependency failed, or the object came in shorter than it is.
    """
    facts: dict[str, Any] = {"size_bytes": source.size_bytes}
    try:
        return _build(scratch, source, order, sink, on_content, facts)
    except SchemaMismatch as error:
        sink.write("schema_diff.json", msgspec.json.encode(error.diff.plain()), JSON)
        return Refusal(reason=error.reason, detail=str(error), facts=facts)
    except InvalidDataset as error:
        return Refusal(reason=error.reason, detail=str(error), facts=facts)
    except DiskFull:
        raise TooLargeHere(f"its rows take more than {order.disk_bytes:,} bytes of disk") from None


def _build(
    scratch: Scratch,
    source: Source,
    order: Order,
    sink: Sink,
    on_content: Callable[[str], None],
    facts: dict[str, Any],
) -> Built:
    reader = open_reader(source, order.definition.data, order.limits)
    check_columns(reader.columns, order.definition)
    staged = _stage(scratch, reader, order)
    facts["content_sha256"] = reader.sha256
    # Only now is the content known; what follows would all be the same for a file seen before.
    on_content(reader.sha256)
    counts = _quarantine(scratch, staged, sink)
    facts.update(row_count=counts.read, rows_good=counts.good, rows_bad=counts.bad)
    quarantine.check_bad_rows(counts, order.definition)
    return _finish(scratch, reader, staged, order, sink, counts)


def _stage(scratch: Scratch, reader: Reader, order: Order) -> Staged:
    """Read the file with the proposed schema; where all its rows together say another, once more with that."""
    definition = order.definition
    basis = _basis(reader, order)
    columns = [name for name in reader.columns if name not in definition.data.drop]
    schema = _proposed(scratch, reader, basis, columns)
    for _ in range(MAX_PASSES):
        plan = plan_of(schema, basis.roles, definition.split.seed, reader.native)
        staged = stage(scratch, reader, plan, order.disk_bytes)
        verdict = _verdict(scratch, staged, basis)
        if plan.judges_as(plan_of(verdict, basis.roles, definition.split.seed, reader.native)):
            return msgspec.structs.replace(staged, plan=msgspec.structs.replace(plan, schema=verdict))
        schema = verdict
    raise HeadraceError(f"the schema of {reader.columns[:5]} did not settle in {MAX_PASSES} passes")


def _basis(reader: Reader, order: Order) -> Basis:
    dropped, declared = order.definition.data.drop, _declared(order.definition)
    return Basis(
        known=order.known.without(dropped) if order.known else None,
        declared=declared.without(dropped) if declared else None,
        roles=roles_of(order.definition),
        tolerance=fraction(order.definition.data.max_bad),
        file_types=reader.declared,
        decimal_comma=reader.decimal_comma,
    )


def _declared(definition: PipelineDefinition) -> TableSchema | None:
    return parse_declared(definition.data.schema) if definition.data.schema else None


def _proposed(scratch: Scratch, reader: Reader, basis: Basis, columns: list[str]) -> TableSchema:
    sample = reader.sample(scratch)
    places = {name: i for i, name in enumerate(reader.columns)}
    looked_at = _few_of(sample) if reader.is_small else sample
    counts = observe.count_sample(scratch, looked_at, {name: places[name] for name in columns})
    schema = propose(basis, tuple(columns), counts)
    label = basis.roles.label
    if label is None:
        return schema
    seen = {label: observe.count_labels(scratch, sample, places[label])}
    return learn_categories(schema, seen, label, basis.tolerance)


def _few_of(sample: str) -> str:
    """Return the first rows of *sample* and one in eight of the others."""
    # Where they mislead a small file is soon read again; to look at each of its cells would cost as much each time.
    return f"SELECT * FROM ({sample}) WHERE n <= 256 OR n % 8 = 0"  # noqa: S608 - our own query


def _verdict(scratch: Scratch, staged: Staged, basis: Basis) -> TableSchema:
    seen = observe.count_values(scratch, staged)
    is_proposed = basis.known is None and basis.declared is None
    counts = observe.count_staged(scratch, staged, seen if is_proposed else None)
    schema = _decided(scratch, staged, basis, counts)
    check_role_types(schema, basis.roles)
    return learn_categories(schema, seen, basis.roles.label, basis.tolerance)


def _decided(scratch: Scratch, staged: Staged, basis: Basis, counts: observe.Counts) -> TableSchema:
    try:
        return decide(basis, counts, staged.plan.schema)
    except SchemaMismatch:
        # Told again with cells that show it: to look for them is worth it only now.
        return decide(basis, counts, staged.plan.schema, examples=observe.find_examples(scratch, staged))


def _quarantine(scratch: Scratch, staged: Staged, sink: Sink) -> RowCounts:
    """Set bad rows apart and write them down, whatever becomes of the upload."""
    counts = quarantine.set_bad_rows_apart(scratch, staged)
    sink.write("rejects.jsonl.gz", quarantine.write_rejects(scratch), GZIP)
    return counts


def _finish(
    scratch: Scratch, reader: Reader, staged: Staged, order: Order, sink: Sink, counts: RowCounts
) -> Built:
    rows = quarantine.good_rows(staged)
    schema = staged.plan.schema
    written = split_and_write(scratch, rows, schema, order.definition, sink)
    columns = [
        Column(name=field.name, type=field.type, place=f"v{i}") for i, field in enumerate(schema.fields)
    ]
    described = profile(scratch, rows, columns, row_count=counts.good)
    schema = with_observed(schema, described, roles_of(order.definition))
    sink.write("profile.json", msgspec.json.encode(described), JSON)
    sink.write("profile.vl.json", msgspec.json.encode(page(described)), JSON)
    sink.write("schema.json", msgspec.json.encode(schema.plain()), JSON)
    return Built(
        content_sha256=reader.sha256,
        encoding=getattr(reader, "encoding", None),
        rows=counts,
        time=written.time,
        schema=schema.plain(),
        schema_sha256=schema.sha256,
        split=written.split,
        parts=written.parts,
    )
