"""The facts the services announce: one frozen struct per fact, in the past tense.

``detail`` on the bus is ``{metadata: {id, version, correlation_id, causation_id}, data: {…}}``. Fields are only
ever added; consumers ignore what they do not know and may receive any fact twice or never.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import msgspec


class Metadata(msgspec.Struct, frozen=True, kw_only=True):
    """Whence an event comes: its own id, the upload's correlation id, the id of the event that caused it."""

    id: str
    version: int = 1
    correlation_id: str = ""
    causation_id: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that a service announces; subclasses add its data."""

    service: ClassVar[str]
    schema_version: ClassVar[int] = 1

    @classmethod
    def from_detail(cls, detail: Mapping[str, Any]) -> Self:
        """Build the event from an EventBridge ``detail``; unknown fields are ignored."""
        return msgspec.convert(detail["data"], cls)

    def to_detail(self, metadata: Metadata) -> dict[str, Any]:
        """Return the EventBridge ``detail``."""
        return {"metadata": msgspec.to_builtins(metadata), "data": msgspec.to_builtins(self)}

    def identity(self) -> str:
        """Return the event's id: the same fact told again has the same id, so a consumer can tell."""
        # EventBridge gives each PutEvents an id of its own, so its id cannot tell a repetition.
        text = type(self).__name__.encode() + msgspec.json.encode(self, order="sorted")
        return hashlib.sha256(text).hexdigest()[:32]


class DatasetVersionReady(Event, frozen=True, kw_only=True):
    """A dataset version is validated, split and written; training may begin."""

    service: ClassVar[str] = "ingest"

    pipeline: str
    version: str
    ordinal: int
    manifest_uri: str
    # The rows read from the upload, bad ones included; how many are good is the manifest's to say.
    row_count: int
    duplicate_of: str | None = None


class DatasetVersionRejected(Event, frozen=True, kw_only=True):
    """An upload cannot become a dataset version; ``reason`` is a documented code, ``detail`` a sentence."""

    service: ClassVar[str] = "ingest"

    pipeline: str
    version: str
    object_uri: str
    reason: str
    detail: str


class PipelineDeleted(Event, frozen=True, kw_only=True):
    """A pipeline's definition is gone: its jobs stop and its endpoints go, its data and models stay.

    ``life`` counts the deletions of this name, so that each has an event of its own.
    """

    service: ClassVar[str] = "ingest"

    pipeline: str
    life: int
    deleted_by: str
    deleted_at: str


class TrainingJobStarted(Event, frozen=True, kw_only=True):
    """SageMaker accepted a training job's attempt."""

    service: ClassVar[str] = "training"

    pipeline: str
    job_id: str
    attempt: int
    dataset_version: str


class TrainingJobFailed(Event, frozen=True, kw_only=True):
    """A training job ended for good without a model."""

    service: ClassVar[str] = "training"

    pipeline: str
    job_id: str
    attempt: int
    reason: str


class ModelVersionApproved(Event, frozen=True, kw_only=True):
    """A model version passed its gate, or a person approved it."""

    service: ClassVar[str] = "training"

    pipeline: str
    version: str
    job_id: str
    evaluated_champion: str | None = None


class ModelVersionRejected(Event, frozen=True, kw_only=True):
    """A model version failed its gate, or a person rejected it."""

    service: ClassVar[str] = "training"

    pipeline: str
    version: str
    job_id: str
    reasons: tuple[str, ...] = ()


class ReleaseStarted(Event, frozen=True, kw_only=True):
    """A model version is on its way to live."""

    service: ClassVar[str] = "inference"

    pipeline: str
    version: str
    gen: int


class ReleaseCompleted(Event, frozen=True, kw_only=True):
    """A model version is live."""

    service: ClassVar[str] = "inference"

    pipeline: str
    version: str
    gen: int
    previous: str | None = None


class ReleaseRolledBack(Event, frozen=True, kw_only=True):
    """A release ended with an older version live."""

    service: ClassVar[str] = "inference"

    pipeline: str
    version: str | None
    gen: int
    reason: str


class DriftDetected(Event, frozen=True, kw_only=True):
    """What a live version is asked, or how it answers, is not what it was trained for; told again while it lasts.

    ``signal`` is what passed its ``limit``: ``estimated_loss`` and ``measured_loss`` as ratios to the loss at release, or
    ``psi`` of a column or of the answers, which ``detail`` names.
    """

    service: ClassVar[str] = "inference"

    pipeline: str
    version: str
    signal: str
    value: float
    limit: float
    detail: str


EVENTS: tuple[type[Event], ...] = (
    DatasetVersionReady,
    DatasetVersionRejected,
    PipelineDeleted,
    TrainingJobStarted,
    TrainingJobFailed,
    ModelVersionApproved,
    ModelVersionRejected,
    ReleaseStarted,
    ReleaseCompleted,
    ReleaseRolledBack,
    DriftDetected,
)


def source(stage: str, service: str) -> str:
    """Return the EventBridge ``source`` of *service* in *stage*."""
    return f"headrace.{stage}.{service}"


def json_schema(event: type[Event]) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the ``detail`` of *event*."""
    (metadata, data), components = msgspec.json.schema_components(
        [Metadata, event], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{event.__name__}.v{event.schema_version}",
        "description": (event.__doc__ or "").strip(),
        "type": "object",
        "properties": {"metadata": metadata, "data": data},
        "required": ["metadata", "data"],
        "$defs": components,
    }
