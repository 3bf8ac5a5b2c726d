"""Adapter: the releases table, the current row of each pipeline and its history."""

from collections.abc import Iterator

from chalicelib.inference.states import CurrentRelease, ReleaseEntry, Transition

from shared.codec import from_row, to_row
from shared.conditions import having
from shared.entities.training import ModelState
from shared.readers import all_rows
from shared.tables import Table

CURRENT = "current"


class Releases:
    """Reads release rows and applies transitions; what may change is the transition's to say."""

    def __init__(self, table: Table, models: Table) -> None:
        self._table = table
        self._models = models

    def current(self, pipeline: str) -> CurrentRelease | None:
        """Return the row of *pipeline*, None before its first release."""
        row = self._table.get(pipeline, CURRENT)
        return from_row(row, CurrentRelease) if row else None

    def apply(self, pipeline: str, transition: Transition) -> CurrentRelease:
        """Write *transition*, with its history entry and its check of the model in one transaction.

        Raises
        ------
        ConditionFailed
            The row is no longer what the transition was made from.
        """
        key = (pipeline, CURRENT)
        if transition.entry is None and transition.approved is None:
            return from_row(
                self._table.update(key, transition.change, only_if=transition.only_if), CurrentRelease
            )
        # One transaction: a release without its history entry, or of a model just rejected, must not exist.
        writes = [self._table.updating(key, transition.change, only_if=transition.only_if)]
        if transition.approved:
            approved = having("state", str(ModelState.APPROVED))
            writes.append(self._models.checking((pipeline, transition.approved), approved))
        if transition.entry:
            writes.append(self._table.putting(to_row(transition.entry)))
        self._table.transact(*writes)
        return from_row(self._table.get(pipeline, CURRENT) or {}, CurrentRelease)

    def open(self) -> list[str]:
        """Return the pipelines whose row must be looked at again."""
        keys = ("attention", "updated_at")
        page = self._table.query("open", index="attention", keys=keys)
        rows = page.rows
        while page.cursor:
            page = self._table.query("open", index="attention", keys=keys, cursor=page.cursor)
            rows += page.rows
        return [str(row["pipeline"]) for row in rows]

    def history(self, pipeline: str, *, until: str | None, limit: int) -> list[ReleaseEntry]:
        """Return up to *limit* entries at or before *until* (all, where it is None), newest first."""
        found: list[ReleaseEntry] = []
        for entry in self._newest_first(pipeline):
            if until is None or entry.at <= until:
                found.append(entry)
            if len(found) == limit:
                break
        return found

    def was_tried(self, pipeline: str, version: str) -> bool:
        """Say whether *version* was ever a candidate that ended, in whatever way."""
        rows = all_rows(self._table, pipeline, prefix="history#")
        return any(row.get("candidate") == version for row in rows)

    def _newest_first(self, pipeline: str) -> Iterator[ReleaseEntry]:
        cursor = None
        while True:
            page = self._table.query(pipeline, prefix="history#", descending=True, limit=100, cursor=cursor)
            yield from (from_row(row, ReleaseEntry) for row in page.rows)
            cursor = page.cursor
            if cursor is None:
                return
