"""Adapter: when the drift of a pipeline was last looked at, and what was seen, in a row of its own in the releases table."""

import msgspec

from shared.codec import from_row
from shared.tables import Change, Table

ENTRY = "monitor"


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """The last look: at which version, and since when the alarm lasts that it saw."""

    checked_at: str
    version: str
    alarm_since: str | None = None
    because: str = ""


class Checks:
    """Reads and writes the last look at each pipeline."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def last(self, pipeline: str) -> Check | None:
        """Return the last look, None before the first."""
        row = self._table.get(pipeline, ENTRY)
        return from_row(row, Check) if row else None

    def write(self, pipeline: str, check: Check) -> None:
        """Write what was seen."""
        self._table.update((pipeline, ENTRY), Change(set=msgspec.structs.asdict(check)))
