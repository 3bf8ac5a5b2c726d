"""The time, as workflows receive it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]

# Leases are compared across machines, so they are honoured a little longer than they say.
LEASE_MARGIN = timedelta(seconds=30)
_SECONDS = len("2026-01-31T23:59:59")


def utc_now() -> datetime:
    """Return the time in whole seconds, so that RFC 3339 texts of it sort as the times do."""
    return datetime.fromtimestamp(int(time.time()), UTC)


def to_text(moment: datetime) -> str:
    """Return *moment* as fixed-width RFC 3339 UTC, the spelling of every ``_at`` in a row."""
    # Not strftime, which takes as long as everything else that is written about a prediction.
    return f"{moment.astimezone(UTC).isoformat()[:_SECONDS]}Z"
