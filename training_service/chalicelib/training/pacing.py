"""When a job that new data asked for may start by the pipeline's own wish: ``train.quiet`` and ``train.at_most``."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec
from chalicelib.training.job import Job

from shared.clock import to_text
from shared.entities.pipeline import Train, seconds

# Uploads that never pause must not put a training off for ever: so many quiet times after the first it starts.
QUIET_TIMES = 6
_PERIODS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Until when a job does not start, and which key of the pipeline wants it so."""

    until: str
    reason: str


def is_paced(train: Train) -> bool:
    """Say whether new data waits for more of it."""
    return train.at_most != "none" or seconds(train.quiet) > 0


def find_hold(train: Train, job: Job, starts: Mapping[str, str], now: datetime) -> Hold | None:
    """Return what keeps a job from its first start, None where it may start now.

    Parameters
    ----------
    starts
        When the jobs of the pipeline that new data asked for began, by job id.
    """
    if not job.paced or job.attempt > 1:
        return None
    for hold in (_until_quiet(train, job), _until_allowed(train, job, starts, now)):
        if hold is not None and hold.until > to_text(now):
            return hold
    return None


def recent_starts(train: Train, starts: Mapping[str, str], now: datetime) -> dict[str, str]:
    """Return the starts that ``train.at_most`` still counts."""
    if train.at_most == "none":
        return {}
    begin = to_text(now - _period(train))
    return {job_id: at for job_id, at in starts.items() if at > begin}


def _until_quiet(train: Train, job: Job) -> Hold | None:
    quiet = timedelta(seconds=seconds(train.quiet))
    newest, first = (datetime.fromisoformat(at or job.created_at) for at in (job.data_at, job.queued_at))
    until = to_text(min(newest + quiet, first + QUIET_TIMES * quiet))
    return Hold(until=until, reason=f"train.quiet {train.quiet}: waits for more data until {until}")


def _until_allowed(train: Train, job: Job, starts: Mapping[str, str], now: datetime) -> Hold | None:
    counted = sorted(at for other, at in recent_starts(train, starts, now).items() if other != job.job_id)
    if train.at_most == "none" or len(counted) < (most := int(train.at_most.partition("/")[0])):
        return None
    # The start that must be forgotten first, so that fewer than the allowed number are left.
    until = to_text(datetime.fromisoformat(counted[-most]) + _period(train))
    return Hold(until=until, reason=f"train.at_most {train.at_most}: the next training starts at {until}")


def _period(train: Train) -> timedelta:
    return _PERIODS[train.at_most.partition("/")[2]]
