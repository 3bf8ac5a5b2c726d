"""One attempt at one upload: from the object to its dataset's files, the manifest last.

Where the data is at fault the answer is a :class:`Refusal`; where the world is, an error flies.
"""

from typing import Any

import msgspec
from chalicelib.ingest import keys
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.build import Built, Order, Refusal
from chalicelib.ingest.formats.reader import Limits, TooLargeHere
from chalicelib.ingest.reasons import rejection
from chalicelib.ingest.source import StoredSource
from chalicelib.ingest.table_schema.model import TableSchema

from shared.entities.dataset import DatasetManifest, DatasetVersion, Part, RawObject
from shared.entities.pipeline import PipelineDefinition
from shared.errors import InvalidDataset, NotFound, Unavailable
from shared.objects import ObjectInfo

MAX_JUDGEMENTS = 3


class Duplicate(msgspec.Struct, frozen=True, kw_only=True):
    """The upload's content is that of an earlier READY version."""

    first: DatasetVersion


class HandOver(msgspec.Struct, frozen=True, kw_only=True):
    """The upload needs a larger machine: what a processing job is to be told, and why."""

    definition: PipelineDefinition
    known: TableSchema | None
    info: ObjectInfo
    why: str


Result = DatasetManifest | Refusal | Duplicate | HandOver


class _KnownContent(Exception):
    """Stops a build whose result another version already is."""

    def __init__(self, first: DatasetVersion) -> None:
        super().__init__(first.version)
        self.first = first


def validate_upload(row: DatasetVersion, adapters: Adapters) -> Result:
    """Try once to make a dataset version of the object that *row* names.

    Raises
    ------
    Unavailable
        A dependency failed, or the object came in shorter than it is.
    """
    facts: dict[str, Any] = {}
    try:
        keys.check_key(row.key)
        definition = _definition(row, adapters)
        info = head(row, adapters)
        facts["size_bytes"] = info.size_bytes
        _check_size(info, adapters.limits)
    except InvalidDataset as error:
        return Refusal(reason=error.reason, detail=str(error), facts=facts)
    known = _known_schema(row, adapters)
    if info.size_bytes > adapters.limits.max_bytes:
        why = f"it has {info.size_bytes:,} bytes"
        return HandOver(definition=definition, known=known, info=info, why=why)
    try:
        for _ in range(MAX_JUDGEMENTS):
            result = _build(row, info, definition, known, adapters)
            if not isinstance(result, Built):
                return result
            judged_by = known.sha256 if known else None
            other = adapters.catalog.take_schema(row, judged_by, result.schema_sha256)
            if other is None:
                return publish(row, info, result, adapters)
            # Another upload was quicker to say what the columns are: this one is held against that.
            known = _schema_of(other, adapters)
        raise Unavailable(f"the columns of {row.pipeline!r} change faster than {info.key!r} is read")
    except TooLargeHere as error:
        return HandOver(definition=definition, known=known, info=info, why=str(error))


def publish(row: DatasetVersion, info: ObjectInfo, built: Built, adapters: Adapters) -> DatasetManifest:
    """Write the manifest of a dataset whose files are all there."""
    manifest = DatasetManifest(
        pipeline=row.pipeline,
        version=row.version,
        ordinal=row.ordinal,
        raw=_raw_object(row, info, built),
        rows=built.rows,
        time=built.time,
        schema=built.schema,
        schema_sha256=built.schema_sha256,
        split=built.split,
        parts=tuple(
            Part(
                side=part.side,
                key=adapters.files.key(row.pipeline, row.version, part.name),
                sha256=part.sha256,
                rows=part.rows,
                size_bytes=part.size_bytes,
            )
            for part in built.parts
        ),
        code_version=adapters.code_version,
    )
    adapters.files.write_manifest(manifest)
    return manifest


def head(row: DatasetVersion, adapters: Adapters) -> ObjectInfo:
    """Return what S3 knows of the version's object.

    Raises
    ------
    InvalidDataset
        ``object_gone``.
    """
    try:
        return adapters.raw.head(row.key, row.version_id)
    except NotFound:
        raise rejection("object_gone", f"{row.key!r} was deleted before it could be read.") from None


def _build(
    row: DatasetVersion,
    info: ObjectInfo,
    definition: PipelineDefinition,
    known: TableSchema | None,
    adapters: Adapters,
) -> Built | Refusal | Duplicate:
    order = Order(definition=definition, known=known, limits=adapters.limits, disk_bytes=adapters.disk_bytes)
    source = StoredSource(adapters.raw, info)
    sink = adapters.files.sink(row.pipeline, row.version)

    def stop_at_known(content_sha256: str) -> None:
        first = adapters.catalog.holder(row.pipeline, content_sha256)
        if first is not None and first.version != row.version:
            raise _KnownContent(first)

    try:
        with adapters.open_scratch() as scratch:
            return adapters.build(scratch, source, order, sink, stop_at_known)
    except _KnownContent as known_content:
        return Duplicate(first=known_content.first)


def _definition(row: DatasetVersion, adapters: Adapters) -> PipelineDefinition:
    try:
        return adapters.pipelines.read.definition(row.pipeline)
    except NotFound:
        raise rejection(
            "unknown_pipeline",
            f"There is no pipeline {row.pipeline!r}: create it with PUT /v1/pipelines/{row.pipeline}, "
            "then upload the file again.",
        ) from None


def _check_size(info: ObjectInfo, limits: Limits) -> None:
    if info.size_bytes > limits.hard_max_bytes:
        raise rejection(
            "too_large", f"The file has {info.size_bytes:,} bytes; the limit is {limits.hard_max_bytes:,}."
        )


def _known_schema(row: DatasetVersion, adapters: Adapters) -> TableSchema | None:
    """Return the schema of the pipeline's newest READY version, None before the first."""
    ready = adapters.catalog.read.ready(row.pipeline)
    if not ready:
        return None
    manifest = adapters.files.manifest(row.pipeline, ready[-1].version)
    return msgspec.convert(manifest.schema, TableSchema) if manifest else None


def _schema_of(other: DatasetVersion, adapters: Adapters) -> TableSchema:
    """Return the schema of a version that has just been made, or is about to be.

    Raises
    ------
    Unavailable
        Its manifest is not written yet: it is, or the version is given up, by a next attempt.
    """
    manifest = adapters.files.manifest(other.pipeline, other.version)
    if manifest is None:
        raise Unavailable(f"version {other.version} is about to say what columns {other.pipeline!r} has")
    return msgspec.convert(manifest.schema, TableSchema)


def _raw_object(row: DatasetVersion, info: ObjectInfo, built: Built) -> RawObject:
    return RawObject(
        bucket=row.bucket,
        key=row.key,
        version_id=row.version_id,
        sha256=built.content_sha256,
        size_bytes=info.size_bytes,
        encoding=built.encoding,
    )
