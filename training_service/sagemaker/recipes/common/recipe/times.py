"""Times inside are naive UTC in microseconds; outside they are RFC 3339."""

from datetime import UTC, datetime

import numpy as np


def parse_time(text: str) -> np.datetime64:
    """Read RFC 3339 (a time without an offset is UTC); raise `ValueError` for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC).replace(tzinfo=None)
    return np.datetime64(moment, "us")


def format_time(moment: np.datetime64 | None) -> str | None:
    """Write RFC 3339 in UTC."""
    if moment is None:
        return None
    text = str(moment.astype("datetime64[us]"))
    return text.removesuffix(".000000") + "Z"
