"""Releases and predictions: their rows."""

from enum import StrEnum
from typing import Any

import msgspec


class Phase(StrEnum):
    """Where a release stands; IDLE means that nothing rolls out.

    RECREATING is CREATING on the way back: of a rollback to a version whose endpoint is gone.
    """

    IDLE = "IDLE"
    CREATING = "CREATING"
    RECREATING = "RECREATING"
    WARMING = "WARMING"
    SHADOW = "SHADOW"
    CANARY = "CANARY"


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The one row of a pipeline that says what serves (sort key ``entry`` = ``current``).

    ``gen`` fences every step: a step that began under an older generation changes nothing. The router reads
    live, candidate, weight, mode and gen. ``outcome`` tells how the last release ended (LIVE, ROLLED_BACK, FAILED,
    or DELETED with its pipeline).
    """

    pipeline: str
    entry: str = "current"
    live: str | None = None
    previous: str | None = None
    candidate: str | None = None
    weight: float = 0.0
    mode: str = "direct"
    gen: int = 0
    phase: Phase = Phase.IDLE
    outcome: str | None = None
    reason: str | None = None
    lease_until: str | None = None
    owner: str | None = None
    attention: str | None = None
    correlation_id: str = ""
    live_since: str | None = None
    previous_until: str | None = None
    rev: int = 0
    created_at: str
    updated_at: str


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One change of what serves (sort key ``history#<time>#<gen>#<rev>``): who, when, why, from, to."""

    pipeline: str
    entry: str
    gen: int
    at: str
    who: str
    why: str
    from_version: str | None = None
    to_version: str | None = None


class PredictionLog(msgspec.Struct, frozen=True, kw_only=True):
    """The record of one prediction request; row *i* of it has the prediction id ``<request_id>-<i>``.

    ``body`` is the gzipped JSON of what was answered, cut into ``parts`` chunks as its log lines were.
    ``expires_at_s`` is the TTL attribute, epoch seconds. ``places`` are the rows of the request that were answered,
    None where all were. ``inputs`` is what the pipeline's policy had recorded of them: none, hash or full.
    """

    request_id: str
    chunk: int
    parts: int = 1
    row_count: int
    pipeline: str
    model_version: str
    endpoint: str
    at: str
    expires_at_s: int
    latency_ms: float
    inputs: str = "none"
    places: tuple[int, ...] | None = None
    body: bytes


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the tokens table: the SHA-256 of a bearer token and what it may do, for ever or until ``expires_at``."""

    token_sha256: str
    token_id: str
    scopes: tuple[str, ...]
    pipelines: tuple[str, ...] = ("*",)
    created_at: str = ""
    expires_at: str | None = None
    revoked: bool = False
    note: Any = None
