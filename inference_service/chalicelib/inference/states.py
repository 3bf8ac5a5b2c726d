"""The release row as this service keeps it, and changes of it as data.

The shared :class:`Release` is what others may rely on; the fields added here only steer the machine.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from shared.conditions import Condition
from shared.entities.serving import HistoryEntry, Release
from shared.errors import Conflict, Unavailable
from shared.tables import Change


class Intent(StrEnum):
    """What a candidate is for: going forward, or back to a version whose endpoint is gone."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


class Outcome(StrEnum):
    """What a history entry tells: how a release ended (the first four), or what else happened to one."""

    LIVE = "LIVE"
    ROLLED_BACK = "ROLLED_BACK"
    FAILED = "FAILED"
    DELETED = "DELETED"
    STARTED = "STARTED"
    SHADOW = "SHADOW"
    CANARY = "CANARY"
    RECREATED = "RECREATED"
    ASLEEP = "ASLEEP"
    AWAKE = "AWAKE"


ENDINGS: Sequence[Outcome] = (Outcome.LIVE, Outcome.ROLLED_BACK, Outcome.FAILED, Outcome.DELETED)
AUTOMATIC = "headrace"  # who acts when nobody does: an approved version releases itself


class CurrentRelease(Release, frozen=True, kw_only=True):
    """The release row with who asked for the candidate, why, and when that was accepted.

    ``step`` counts from 0 within a canary and began at ``step_since``. Since ``asleep_at``, where it is there, the
    endpoint of what is live is deleted until somebody asks for it. Since ``reaped_at`` that of the previous version is
    deleted, or about to be: the way back makes it anew. ``life`` is that of the pipeline it serves (see ``Deletion``).
    """

    intent: Intent = Intent.PROMOTE
    who: str = ""
    why: str = ""
    accepted_at: str | None = None
    step: int = 0
    step_since: str | None = None
    asleep_at: str | None = None
    reaped_at: str | None = None
    life: int = 0


class ReleaseEntry(HistoryEntry, frozen=True, kw_only=True):
    """One change of a release: what was tried (``candidate``, ``weight``), what happened, what serves since."""

    candidate: str | None = None
    outcome: Outcome = Outcome.LIVE
    weight: float = 0.0


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Who wants a change of what serves, why, and when it reached us."""

    who: str
    why: str
    at: datetime


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """One change of the release row, what must hold for it, and the history entry written with it.

    ``approved`` names a model version that must be APPROVED in the same transaction.
    """

    change: Change
    only_if: Condition
    entry: ReleaseEntry | None = None
    approved: str | None = None


class Refused(Conflict):
    """A candidate may not serve; the message is the reason that the release row keeps."""


class Waking(Unavailable):
    """What is live slept, since nobody had asked for long, and is being started again."""

    retry_after_s = 30
    public = "Nobody asked this pipeline for long, so its endpoint was stopped. It is being started again."


# What says that something serves, or may have to.
SERVING: Sequence[str] = ("live", "live_since", "previous", "previous_until", "asleep_at", "reaped_at")
TRANSIENT: Sequence[str] = ("candidate", "lease_until", "owner", "accepted_at", "step_since")
