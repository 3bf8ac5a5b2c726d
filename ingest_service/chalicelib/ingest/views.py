"""What the REST routes take and answer."""

from typing import Any

import msgspec
from chalicelib.ingest.reasons import reason_url

from shared.entities.dataset import DatasetVersion
from shared.entities.pipeline import Pipeline


class PipelineView(msgspec.Struct, frozen=True, kw_only=True):
    """A stored pipeline; ``rev`` is also its ETag."""

    pipeline: str
    rev: int
    definition: dict[str, Any]
    created_at: str
    updated_at: str


class EffectiveDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A definition as the services would read it: every default filled in."""

    definition: dict[str, Any]


class DeletedPipeline(msgspec.Struct, frozen=True, kw_only=True):
    """A pipeline whose definition is gone; ``detail`` says what goes with it, and what stays."""

    pipeline: str
    deleted_by: str
    deleted_at: str
    detail: str


class PipelineList(msgspec.Struct, frozen=True, kw_only=True):
    """All pipelines the token may touch, by name."""

    pipelines: list[PipelineView]


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """One dataset version; ``alias`` (d7) and ``version`` both name it in paths.

    ``reason_url`` is the page that explains the reason, on the same origin.
    ``processing_job`` names the SageMaker job that makes, or made, a version too large for a function, and
    ``waiting_reason`` says why that job is not there yet.
    """

    version: str
    alias: str
    ordinal: int
    state: str
    key: str
    size_bytes: int
    row_count: int | None
    rows_good: int | None
    rows_bad: int | None
    reason: str | None
    reason_url: str | None
    detail: str | None
    duplicate_of: str | None
    processing_job: str | None
    waiting_reason: str | None
    created_at: str
    updated_at: str


class VersionList(msgspec.Struct, frozen=True, kw_only=True):
    """Versions of one pipeline, newest first; ``next`` is the cursor of the next page."""

    versions: list[VersionView]
    next: str | None


class RejectView(msgspec.Struct, frozen=True, kw_only=True):
    """One bad row. ``row`` is the number people see: the header of delimited text is row 1, else the first row."""

    row: int
    column: str | None = None
    value: str | None = None
    rule: str
    detail: str = ""


class RejectList(msgspec.Struct, frozen=True, kw_only=True):
    """Bad rows of one version, in file order."""

    rejects: list[RejectView]
    next: str | None


def pipeline_view(pipeline: Pipeline) -> PipelineView:
    """Return what clients see of a stored pipeline."""
    return PipelineView(
        pipeline=pipeline.pipeline,
        rev=pipeline.rev,
        definition=pipeline.definition,
        created_at=pipeline.created_at,
        updated_at=pipeline.updated_at,
    )


def version_view(row: DatasetVersion) -> VersionView:
    """Return what clients see of a dataset version."""
    shown: dict[str, Any] = {
        name: getattr(row, name)
        for name in VersionView.__struct_fields__
        if name not in {"alias", "reason_url"}
    }
    return VersionView(alias=f"d{row.ordinal}", reason_url=reason_url(row.reason), **shown)


def describe_reject(reject: RejectView) -> RejectView:
    """Return *reject* with its sentence."""
    where = f"row {reject.row}" + (f", column {reject.column!r}" if reject.column else "")
    value = f": {reject.value!r}" if reject.value else ""
    return msgspec.structs.replace(reject, detail=f"{where}: {reject.rule}{value}")
