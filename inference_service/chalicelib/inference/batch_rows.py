"""Adapter: batch predictions, rows of the releases table beside the release of their pipeline."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from shared.clock import to_text
from shared.codec import from_row, to_row
from shared.conditions import Absent, AtMost, all_of, any_of, having
from shared.errors import NotFound
from shared.tables import Change, Table

ATTENTION = "batch"
# Longer than the slowest portion: its answers, with all retries, and the writing of its parts.
LEASE = timedelta(seconds=180)


class BatchState(StrEnum):
    """UPLOADING waits for its file and for the word to begin; the last two are ends."""

    UPLOADING = "UPLOADING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


ENDED = (BatchState.SUCCEEDED, BatchState.FAILED)


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One batch. ``version`` answers all of it, also where something else goes live meanwhile.

    ``offset_bytes``, ``rows`` and ``portions`` are the checkpoint: what is before them is answered and written.
    ``stalls`` counts how often in a row a worker gave up before it could write one more portion.
    ``input_version_id`` holds the input still: what is written over it meanwhile is another object.
    """

    pipeline: str
    entry: str
    state: BatchState
    version: str
    kind: str
    input_key: str
    input_version_id: str | None = None
    size_bytes: int = 0
    offset_bytes: int = 0
    rows: int = 0
    failed: int = 0
    portions: int = 0
    stalls: int = 0
    reason: str | None = None
    who: str = ""
    owner: str | None = None
    lease_until: str | None = None
    attention: str | None = None
    ended_at: str | None = None
    rev: int = 0
    created_at: str
    updated_at: str

    @property
    def id(self) -> str:
        """The part of the key that the API names."""
        return self.entry.removeprefix("batch#")


class Batches:
    """Reads and changes the rows of batches."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def add(self, batch: Batch) -> None:
        """Write a new batch."""
        self._table.put(to_row(batch), only_if=Absent("entry"))

    def get(self, pipeline: str, batch_id: str) -> Batch:
        """Return a batch; NotFound where there is none."""
        row = self._table.get(pipeline, entry_of(batch_id))
        if row is None:
            raise NotFound(f"pipeline {pipeline!r} has no batch {batch_id[:80]!r}")
        return from_row(row, Batch)

    def newest(self, pipeline: str, limit: int) -> list[Batch]:
        """Return up to *limit* batches, newest first."""
        page = self._table.query(pipeline, prefix=entry_of(""), descending=True, limit=limit)
        return [from_row(row, Batch) for row in page.rows]

    def waiting(self, now: datetime) -> list[Batch]:
        """Return the batches that run and that nobody works on."""
        keys = ("attention", "updated_at")
        page = self._table.query(ATTENTION, index="attention", keys=keys)
        rows = page.rows
        while page.cursor:
            page = self._table.query(ATTENTION, index="attention", keys=keys, cursor=page.cursor)
            rows += page.rows
        found: Iterable[Batch] = (from_row(row, Batch) for row in rows)
        return [batch for batch in found if batch.lease_until is None or batch.lease_until <= to_text(now)]

    def start(self, batch: Batch, version_id: str | None, size_bytes: int, now: datetime) -> Batch:
        """Let a batch whose input has arrived run; ConditionFailed where it does not wait for it."""
        change = {
            "state": str(BatchState.RUNNING),
            "size_bytes": size_bytes,
            "attention": ATTENTION,
            "updated_at": to_text(now),
        } | ({"input_version_id": version_id} if version_id else {})
        return self._update(batch, Change(set=change), having("state", str(BatchState.UPLOADING)))

    def take(self, batch: Batch, owner: str, now: datetime) -> Batch:
        """Take the lease; ConditionFailed where another has it or there is nothing left to do."""
        free = any_of(Absent("lease_until"), AtMost("lease_until", to_text(now)))
        mine = {"owner": owner, "lease_until": to_text(now + LEASE)}
        runs = having("state", str(BatchState.RUNNING))
        return self._update(batch, Change(set=mine), all_of(runs, free))

    def check_point(self, batch: Batch, now: datetime) -> Batch:
        """Write how far *batch* is and renew its lease; ConditionFailed where it is not ours any more."""
        done: dict[str, object] = {
            name: getattr(batch, name) for name in ("offset_bytes", "rows", "failed", "portions")
        }
        done["stalls"] = 0
        times = {"lease_until": to_text(now + LEASE), "updated_at": to_text(now)}
        return self._update(batch, Change(set={**done, **times}), having("owner", batch.owner))

    def let_go(self, batch: Batch, now: datetime, *, stalled: bool = False) -> None:
        """Give the lease back."""
        gone = ("owner", "lease_until")
        change = Change(set={"updated_at": to_text(now)}, add={"stalls": int(stalled)}, remove=gone)
        self._update(batch, change, having("owner", batch.owner))

    def end(self, batch: Batch, state: BatchState, reason: str | None, now: datetime) -> Batch:
        """Write the end; ConditionFailed where it is not ours any more."""
        at = to_text(now)
        change = {"state": str(state), "updated_at": at, "ended_at": at} | (
            {"reason": reason} if reason else {}
        )
        gone = Change(set=change, remove=("attention", "owner", "lease_until"))
        return self._update(batch, gone, having("owner", batch.owner))

    def _update(self, batch: Batch, change: Change, only_if: object) -> Batch:
        key = (batch.pipeline, batch.entry)
        return from_row(self._table.update(key, change, only_if=only_if), Batch)  # type: ignore[arg-type]


def entry_of(batch_id: str) -> str:
    """Return the sort key of a batch; ids begin with their time, so keys sort by it."""
    return f"batch#{batch_id}"
