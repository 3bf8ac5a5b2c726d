"""Why a job failed, fit for a person: no paths, no addresses, no secrets, one line."""

import re
from collections.abc import Sequence

MAX_CHARS = 300
TAIL_LINES = 20
# "The account-level service limit 'ml.m5.large for training job usage' is 0 Instances, with current …"
_QUOTA = re.compile(r"limit '([^']{1,100})'")
RETRYABLE = ("InternalServerError", "CapacityError", "Interrupted")
# The order matters: an address holds a path, an ARN may hold a secret.
_HIDDEN = (
    (re.compile(r"(s3|https?)://\S+"), "<address>"),
    (re.compile(r"arn:[a-z-]+:\S+"), "<arn>"),
    (re.compile(r"\b(AKIA|ASIA)[A-Z0-9]{16}\b|\bhr_[A-Za-z0-9_-]{20,}"), "<secret>"),
    (re.compile(r"(?i)\b(\w*(?:secret|password|token|api_?key)\w*)(\s*[=:]\s*)\S+"), r"\1\2<secret>"),
    (re.compile(r"(?<![\w<])~?(?:/[\w.@+-]+){2,}/?"), "<path>"),
)


def sanitise(text: str) -> str:
    """Return *text* on one line of at most 300 characters, with what must not travel blotted out."""
    for pattern, shown in _HIDDEN:
        text = pattern.sub(shown, text)
    line = " ".join(part for part in text.split() if part.isprintable())
    return line if len(line) <= MAX_CHARS else line[: MAX_CHARS - 1] + "…"


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
