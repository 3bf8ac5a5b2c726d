"""The release row as this service keeps it, and changes of it as data.

The shared :class:`Release` is what others may rely on; the fields added here only steer the machine.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from shared.conditions import Condition
from shared.entities.serving import HistoryEntry, Release
from shared.errors import Conflict
from shared.tables import Change


class Intent(StrEnum):
    """What a candidate is for: going forward, or back to a version whose endpoint is gone."""

    PROMOTE = "promote"
    ROLLBACK = "rollback"


class Outcome(StrEnum):
    """How a release ended."""

    LIVE = "LIVE"
    ROLLED_BACK = "ROLLED_BACK"
    FAILED = "FAILED"


class CurrentRelease(Release, frozen=True, kw_only=True):
    """The release row with who asked for the candidate, why, and when that was accepted."""

    intent: Intent = Intent.PROMOTE
    who: str = ""
    why: str = ""
    accepted_at: str | None = None


class ReleaseEntry(HistoryEntry, frozen=True, kw_only=True):
    """One ended generation: what it tried (``candidate``), how it ended and what has served since."""

    candidate: str | None = None
    outcome: Outcome = Outcome.LIVE


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


TRANSIENT: Sequence[str] = ("candidate", "lease_until", "owner", "accepted_at")
