"""Look at the processing job that a row names; create it where it is not there yet.

A full quota or a throttled call is a wait, never a failure: the row says until when, and the minute's tick asks again.
"""

from datetime import timedelta
from enum import Enum, auto

import msgspec
from chalicelib.ingest.adapters import Adapters
from chalicelib.ingest.processing.jobs import Described
from chalicelib.ingest.processing.plan import parse_name, processing_request

from shared.clock import to_text
from shared.entities.dataset import DatasetState, DatasetVersion
from shared.errors import (
    Broken,
    ConditionFailed,
    Conflict,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    Unavailable,
)
from shared.sanitising import sanitise

_FIRST_WAIT_S = 30
_LONGEST_WAIT_S = 900


class Sight(Enum):
    """What to do about a row's job."""

    WAIT = auto()
    COLLECT = auto()
    TRY_AGAIN = auto()
    GIVE_UP = auto()


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the job; ``reason`` says why it ended without a result."""

    sight: Sight
    reason: str = ""


WAIT = Look(sight=Sight.WAIT)


def is_handed_over(row: DatasetVersion) -> bool:
    """Say whether a processing job decides what comes next for *row*."""
    return row.state is DatasetState.VALIDATING and row.processing_job is not None


def look(row: DatasetVersion, adapters: Adapters) -> Look:
    """Return what became of the job of *row*, created now if it is missing and due."""
    try:
        described = adapters.jobs.describe(row.processing_job or "")
    except NotFound:
        # Never created, refused for want of an instance, or deleted by a person: the order is still there.
        return _create(row, adapters)
    match described.status:
        case "Completed":
            return Look(sight=Sight.COLLECT)
        case "Failed" | "Stopped":
            return Look(sight=Sight.TRY_AGAIN, reason=reason_of(described))
    return WAIT


def reason_of(described: Described) -> str:
    """Return in one line why a job ended without a result."""
    told = described.exit_message or described.failure_reason or f"the job was {described.status.lower()}"
    if described.status == "Stopped" and not described.failure_reason:
        told = "the job was stopped: by hand, or because its time was over"
    return sanitise(told)


def _create(row: DatasetVersion, adapters: Adapters) -> Look:
    name = parse_name(adapters.place.stage, row.processing_job or "")
    if name is None or (row.next_try_at or "") > to_text(adapters.clock()):
        return WAIT
    try:
        adapters.jobs.create(processing_request(row, name.attempt, adapters.place))
    except Conflict:
        return WAIT  # another helper was quicker
    except (QuotaExceeded, Unavailable) as error:
        _wait(row, str(error), adapters)
    except (Broken, InvalidRequest) as error:
        # Asked again it would be refused again.
        adapters.log.error("processing job refused", extra={"processing_job": row.processing_job})
        return Look(
            sight=Sight.GIVE_UP, reason=f"SageMaker refused the processing job: {sanitise(str(error))}"
        )
    return WAIT


def _wait(row: DatasetVersion, why: str, adapters: Adapters) -> None:
    """Note when to ask again; the wait doubles up to 15 minutes, spread by the version's own hash."""
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(row.tries, 10))
    spread = 0.5 + int(row.version[:4], 16) / 0x1FFFE
    now = adapters.clock()
    try:
        adapters.catalog.wait(
            row, to_text(now + timedelta(seconds=round(longest * spread))), sanitise(why), now
        )
    except ConditionFailed:
        return  # somebody has moved the row meanwhile
    adapters.log.warning("processing job waits", extra={"processing_job": row.processing_job, "why": why})
