"""Dataset versions: their row, their manifest, their schema."""

from enum import StrEnum
from typing import Any

import msgspec


class DatasetState(StrEnum):
    """Where a dataset version stands; REJECTED, FAILED, READY, SUPERSEDED and ARCHIVED are at rest."""

    RECEIVED = "RECEIVED"
    VALIDATING = "VALIDATING"
    READY = "READY"
    REJECTED = "REJECTED"
    FAILED = "FAILED"
    SUPERSEDED = "SUPERSEDED"
    ARCHIVED = "ARCHIVED"


class DatasetVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the datasets table: an uploaded object version and what became of it.

    ``attention`` is ``"open"`` while the reconciler must look again (not at rest, or its event is not yet
    told) and absent otherwise; the index over it is how the reconciler finds work without a Scan.
    ``lease_until`` and the ``_at`` fields are fixed-width RFC 3339 texts. ``row_count`` is the rows read,
    ``rows_good + rows_bad``. ``processing_job`` names the processing job that makes, or made, the version where a
    function could not; it waits to be created until ``next_try_at`` after ``tries`` refusals (``waiting_reason``).
    """

    pipeline: str
    version: str
    ordinal: int
    state: DatasetState
    bucket: str
    key: str
    version_id: str | None = None
    size_bytes: int = 0
    content_sha256: str | None = None
    duplicate_of: str | None = None
    reason: str | None = None
    detail: str | None = None
    row_count: int | None = None
    rows_good: int | None = None
    rows_bad: int | None = None
    manifest_uri: str | None = None
    attempt: int = 0
    owner: str | None = None
    lease_until: str | None = None
    processing_job: str | None = None
    waiting_reason: str | None = None
    next_try_at: str | None = None
    tries: int = 0
    attention: str | None = None
    correlation_id: str = ""
    rev: int = 0
    created_at: str
    updated_at: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file of a dataset version."""

    side: str
    key: str
    sha256: str
    rows: int
    size_bytes: int


class RawObject(msgspec.Struct, frozen=True, kw_only=True):
    """The uploaded object a dataset version came from; ``encoding`` is that of a text, None for other formats."""

    bucket: str
    key: str
    version_id: str | None
    sha256: str
    size_bytes: int
    encoding: str | None = None


class RowCounts(msgspec.Struct, frozen=True, kw_only=True):
    """``read = good + bad``, always; ``by_rule`` counts bad rows by the first rule each broke."""

    read: int
    good: int
    bad: int
    by_rule: dict[str, int] = {}


class TimeBounds(msgspec.Struct, frozen=True, kw_only=True):
    """First and last value of the time column, RFC 3339."""

    first: str
    last: str


class SplitRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The rule that split a version and what it came to: rows per side, and per side the time bounds by time."""

    by: str
    seed: int
    test: float
    validation: float
    rows: dict[str, int]
    bounds: dict[str, TimeBounds] = {}


class DatasetManifest(msgspec.Struct, frozen=True, kw_only=True):
    """``manifest.json`` of a dataset version, written last: where it exists, everything it names exists."""

    format: int = 1
    pipeline: str
    version: str
    ordinal: int
    raw: RawObject
    rows: RowCounts
    time: TimeBounds | None
    schema: dict[str, Any]
    schema_sha256: str
    split: SplitRecord
    parts: tuple[Part, ...]
    code_version: str
