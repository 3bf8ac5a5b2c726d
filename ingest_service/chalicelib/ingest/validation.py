"""One attempt at one upload: from the object to its dataset's files, the manifest last.

Where the data is at fault the answer is a :class:`Refusal`; where the world is, an error flies.
"""

from typing import Any

import msgspec
from chalicelib.ingest import keys
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.dataset_files import GZIP, JSON, PARQUET
from chalicelib.ingest.engine import Scratch
from chalicelib.ingest.feed import Feed
from chalicelib.ingest.layout import read_layout
from chalicelib.ingest.observe import Table, decide_schema, describe
from chalicelib.ingest.prepare import (
    LocalPart,
    Prepared,
    check_bad_rows,
    finish,
    quarantine,
    write_rejects,
)
from chalicelib.ingest.reasons import rejection
from chalicelib.ingest.roles import check_columns
from chalicelib.ingest.schema import TableSchema
from chalicelib.ingest.staging import Staged, stage

from shared.entities.dataset import DatasetManifest, DatasetVersion, Part, RawObject, RowCounts
from shared.entities.pipeline import PipelineDefinition
from shared.errors import InvalidDataset, NotFound, Unavailable
from shared.objects import ObjectInfo

MAX_BYTES = 1 << 30  # what one function's /tmp (512 MB) surely holds as compressed columns


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why an upload is no dataset; ``facts`` are attributes of its row that were known by then."""

    reason: str
    detail: str
    facts: dict[str, Any]


class Duplicate(msgspec.Struct, frozen=True, kw_only=True):
    """The upload's content is that of an earlier READY version."""

    first: DatasetVersion


Result = DatasetManifest | Refusal | Duplicate


def validate_upload(row: DatasetVersion, adapters: Adapters) -> Result:
    """Try once to make a dataset version of the object that *row* names.

    Raises
    ------
    Unavailable
        A dependency failed, or the object came in shorter than it is.
    """
    facts: dict[str, Any] = {}
    try:
        return _validate(row, adapters, facts)
    except InvalidDataset as error:
        return Refusal(reason=error.reason, detail=str(error), facts=facts)


def _validate(row: DatasetVersion, adapters: Adapters, facts: dict[str, Any]) -> Result:
    keys.check_key(row.key)
    definition = _definition(row, adapters)
    file_format = keys.format_of(row.key, definition.data.format)
    info = _head(row, adapters)
    facts["size_bytes"] = info.size_bytes
    with adapters.open_scratch() as scratch:
        staged, content_sha256 = _stage(scratch, row, info, file_format, adapters)
        facts["content_sha256"] = content_sha256
        # Only now is the content known; what follows costs most of the time and would all be the same.
        first = adapters.catalog.holder(row.pipeline, content_sha256)
        if first is not None and first.version != row.version:
            return Duplicate(first=first)
        check_columns(staged.layout.columns, definition)
        rows = describe(staged, definition)
        schema = decide_schema(scratch, rows, _known_schema(row, adapters))
        counts = _quarantine(scratch, row, rows, schema, adapters)
        facts.update(row_count=counts.read, rows_good=counts.good, rows_bad=counts.bad)
        check_bad_rows(counts, definition)
        prepared = finish(scratch, rows, schema)
        raw = _raw_object(row, info, content_sha256)
        return _publish(row, raw, counts, prepared, adapters)


def _definition(row: DatasetVersion, adapters: Adapters) -> PipelineDefinition:
    try:
        return adapters.pipelines.read.definition(row.pipeline)
    except NotFound:
        raise rejection(
            "unknown_pipeline",
            f"There is no pipeline {row.pipeline!r}: create it with PUT /v1/pipelines/{row.pipeline}, "
            "then upload the file again.",
        ) from None


def _head(row: DatasetVersion, adapters: Adapters) -> ObjectInfo:
    try:
        info = adapters.raw.head(row.key, row.version_id)
    except NotFound:
        raise rejection("object_gone", f"{row.key!r} was deleted before it could be read.") from None
    if info.size_bytes > MAX_BYTES:
        raise rejection("too_large", f"The file has {info.size_bytes:,} bytes; the limit is {MAX_BYTES:,}.")
    return info


def _stage(
    scratch: Scratch, row: DatasetVersion, info: ObjectInfo, file_format: str, adapters: Adapters
) -> tuple[Staged, str]:
    """Read the object once: rows staged as texts, content hashed, every byte accounted for."""
    with adapters.raw.open(row.key, row.version_id) as source:
        feed = Feed(source)
        try:
            staged = stage(scratch, feed, read_layout(feed.head, file_format))
        finally:
            # Before anything is said of the data: what ended early may look empty, or like an open quote.
            if feed.has_ended and feed.size_bytes != info.size_bytes:
                raise Unavailable(f"{row.key!r} has {info.size_bytes} bytes, but {feed.size_bytes} arrived")
    return staged, feed.sha256


def _known_schema(row: DatasetVersion, adapters: Adapters) -> TableSchema | None:
    """Return the schema of the pipeline's newest READY version, None before the first."""
    ready = adapters.catalog.read.ready(row.pipeline)
    if not ready:
        return None
    manifest = adapters.files.manifest(row.pipeline, ready[-1].version)
    return msgspec.convert(manifest.schema, TableSchema) if manifest else None


def _quarantine(
    scratch: Scratch, row: DatasetVersion, rows: Table, schema: TableSchema, adapters: Adapters
) -> RowCounts:
    """Set bad rows apart and write them down, whatever becomes of the upload."""
    counts = quarantine(scratch, rows, schema)
    key = adapters.files.key(row.pipeline, row.version, "rejects.jsonl.gz")
    adapters.files.write(key, write_rejects(scratch), GZIP)
    return counts


def _raw_object(row: DatasetVersion, info: ObjectInfo, content_sha256: str) -> RawObject:
    return RawObject(
        bucket=row.bucket,
        key=row.key,
        version_id=row.version_id,
        sha256=content_sha256,
        size_bytes=info.size_bytes,
    )


def _publish(
    row: DatasetVersion, raw: RawObject, counts: RowCounts, prepared: Prepared, adapters: Adapters
) -> DatasetManifest:
    """Write every file of the version; the manifest last, so that where it is, all it names is."""
    files = adapters.files
    parts = tuple(_write_part(row, part, adapters) for part in prepared.parts)
    for name, document in (("profile.json", prepared.profile), ("schema.json", prepared.schema)):
        files.write(files.key(row.pipeline, row.version, name), msgspec.json.encode(document), JSON)
    manifest = DatasetManifest(
        pipeline=row.pipeline,
        version=row.version,
        ordinal=row.ordinal,
        raw=raw,
        rows=counts,
        time=prepared.time,
        schema=prepared.schema.plain(),
        schema_sha256=prepared.schema.sha256,
        split=prepared.split,
        parts=parts,
        code_version=adapters.code_version,
    )
    files.write_manifest(manifest)
    return manifest


def _write_part(row: DatasetVersion, part: LocalPart, adapters: Adapters) -> Part:
    key = adapters.files.key(row.pipeline, row.version, f"{part.side}/part-0.parquet")
    adapters.files.write(key, part.path, PARQUET)
    return Part(
        side=part.side, key=key, sha256=part.sha256, rows=part.rows, size_bytes=part.path.stat().st_size
    )
