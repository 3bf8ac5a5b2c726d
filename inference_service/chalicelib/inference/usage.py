"""Adapter: when a pipeline was last asked, in a row of its own in the releases table."""

from collections.abc import Callable
from datetime import datetime

from shared.clock import to_text
from shared.tables import Change, Table

USED = "used"
# One write a minute and sandbox is next to nothing, and who waits for hours may be a minute off.
EVERY_S = 60.0


class Usage:
    """Remembers the last request of each pipeline; ``monotonic`` is the clock of this sandbox."""

    def __init__(self, table: Table, monotonic: Callable[[], float]) -> None:
        self._table = table
        self._monotonic = monotonic
        self._written: dict[str, float] = {}

    def touch(self, pipeline: str, now: datetime) -> None:
        """Write down that *pipeline* is asked at this moment, once a minute."""
        written = self._written.get(pipeline)
        if written is not None and self._monotonic() - written < EVERY_S:
            return
        self._table.update((pipeline, USED), Change(set={"at": to_text(now)}))
        self._written[pipeline] = self._monotonic()

    def last(self, pipeline: str) -> str | None:
        """Return when *pipeline* was last asked, to a minute; None for never."""
        row = self._table.get(pipeline, USED)
        return str(row["at"]) if row else None
