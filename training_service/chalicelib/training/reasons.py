"""Why a job failed or waits, in words for a person."""

import re
from collections.abc import Sequence

from shared.sanitising import sanitise

__all__ = ["is_retryable", "quota_in", "sanitise", "sanitise_log"]

TAIL_LINES = 20
# "The account-level service limit 'ml.m5.large for training job usage' is 0 Instances, with current …"
_QUOTA = re.compile(r"limit '([^']{1,100})'")
RETRYABLE = ("InternalServerError", "CapacityError", "Interrupted")


def sanitise_log(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the last lines of a log that say something, each as :func:`sanitise` leaves it."""
    said = (sanitise(line) for line in lines)
    return tuple(line for line in said if line)[-TAIL_LINES:]


def quota_in(waiting_reason: str) -> str | None:
    """Return the name of the quota a job waits for, None where it waits for something else."""
    if waiting_reason.startswith("queued"):
        return "MAX_TRAINING_JOBS"
    named = _QUOTA.search(waiting_reason)
    return named[1] if named else None


def is_retryable(failure_reason: str, secondary_status: str) -> bool:
    """Say whether another attempt may succeed: only where the fault was neither the data's nor the code's."""
    return failure_reason.startswith(RETRYABLE) or secondary_status == "Interrupted"
