"""Adapter: batch predictions, rows of the releases table beside the release of their pipeline."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

import msgspec

from shared.clock import to_text
from shared.codec import from_row, to_row
from shared.conditions import Absent, AtMost, Condition, all_of, any_of, having
from shared.errors import ConditionFailed, NotFound
from shared.http.idempotency import KEEP_S
from shared.tables import Change, Table

ATTENTION = "batch"
# Longer than the slowest portion: its answers, with all retries, and the writing of its parts.
LEASE = timedelta(seconds=180)
# What a checkpoint writes.
_PROGRESS = ("offset_bytes", "rows", "failed", "portions", "is_cut", "attempt", "collected")


class BatchState(StrEnum):
    """UPLOADING waits for its file and for the word to begin; the last three are ends."""

    UPLOADING = "UPLOADING"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    STOPPED = "STOPPED"


ENDED = (BatchState.SUCCEEDED, BatchState.FAILED, BatchState.STOPPED)


class Way(StrEnum):
    """Who answers a batch: the endpoint of its version, or a SageMaker transform job of its own."""

    ENDPOINT = "endpoint"
    TRANSFORM = "transform"


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """One batch. ``version`` answers all of it, also where something else goes live meanwhile.

    ``offset_bytes``, ``rows`` and ``portions`` are the checkpoint: what is before them is answered and written. By
    ``way`` of a transform job it is first only cut into payloads, until ``is_cut``; ``attempt`` is the number of the job
    that was made last, and ``collected`` of its portions are written. ``waits_for`` says what a job was refused for.
    ``stalls`` counts how often in a row a worker gave up before it could write one more portion.
    ``input_version_id`` holds the input still: what is written over it meanwhile is another object. ``life`` is that of
    its pipeline (see ``Deletion``).
    """

    pipeline: str
    entry: str
    state: BatchState
    version: str
    life: int = 0
    kind: str
    input_key: str
    input_version_id: str | None = None
    size_bytes: int = 0
    offset_bytes: int = 0
    rows: int = 0
    failed: int = 0
    portions: int = 0
    result: Literal["ndjson", "csv"] = "ndjson"
    way: Way = Way.ENDPOINT
    is_cut: bool = False
    attempt: int = 0
    collected: int = 0
    waits_for: str | None = None
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

    def add(self, batch: Batch, wish: str | None, now: datetime) -> Batch:
        """Write a new batch and return it; of a *wish* that was granted within a day, return the batch that it made."""
        # A transaction, also for the one row: sent again because its answer was lost it is the same one.
        writes = [self._table.putting(to_row(batch), only_if=Absent("entry"))]
        if wish:
            writes.append(self._table.putting(_mark(batch, wish, now), only_if=_over(now)))
        try:
            self._table.transact(*writes)
        except ConditionFailed:
            made = self._table.get(batch.pipeline, f"wish#{wish}") if wish else None
            if made is None:
                raise
            return self.get(batch.pipeline, str(made["batch"]))
        return batch

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
        """Return the batches that run and that nobody works on, the oldest first."""
        found = sorted(self.active(), key=lambda batch: batch.id)
        return [batch for batch in found if batch.lease_until is None or batch.lease_until <= to_text(now)]

    def active(self) -> list[Batch]:
        """Return the batches that run or are being stopped, as the index shows them."""
        keys = ("attention", "updated_at")
        page = self._table.query(ATTENTION, index="attention", keys=keys)
        rows = page.rows
        while page.cursor:
            page = self._table.query(ATTENTION, index="attention", keys=keys, cursor=page.cursor)
            rows += page.rows
        return [from_row(row, Batch) for row in rows]

    def start(self, batch: Batch, now: datetime) -> Batch:
        """Let a batch whose input has arrived run as *batch* says; ConditionFailed where it does not wait for it."""
        change: dict[str, object] = {
            name: getattr(batch, name)
            for name in ("input_version_id", "size_bytes", "attention")
            if getattr(batch, name) is not None
        }
        change |= {"state": str(batch.state), "way": str(batch.way), "updated_at": to_text(now)}
        return self._update(batch, Change(set=change), having("state", str(BatchState.UPLOADING)))

    def stop(self, batch: Batch, now: datetime) -> Batch:
        """Ask for the end of a batch as it was read; ConditionFailed where its state is another by now."""
        waits = batch.state is BatchState.UPLOADING
        change = {
            "state": str(BatchState.STOPPED if waits else BatchState.STOPPING),
            "updated_at": to_text(now),
        } | ({"ended_at": to_text(now)} if waits else {})
        return self._update(batch, Change(set=change), having("state", str(batch.state)))

    def take(self, batch: Batch, owner: str, now: datetime) -> Batch:
        """Take the lease; ConditionFailed where another has it or there is nothing left to do."""
        free = any_of(Absent("lease_until"), AtMost("lease_until", to_text(now)))
        mine = {"owner": owner, "lease_until": to_text(now + LEASE)}
        runs = any_of(*(having("state", str(state)) for state in (BatchState.RUNNING, BatchState.STOPPING)))
        return self._update(batch, Change(set=mine), all_of(runs, free))

    def check_point(self, batch: Batch, now: datetime) -> Batch:
        """Write how far *batch* is and renew its lease; ConditionFailed where it is not ours any more."""
        done: dict[str, object] = {name: getattr(batch, name) for name in _PROGRESS}
        done["stalls"] = 0
        times = {"lease_until": to_text(now + LEASE), "updated_at": to_text(now)}
        return self._update(
            batch, Change(set={**done, **times}, remove=["waits_for"]), having("owner", batch.owner)
        )

    def let_go(
        self, batch: Batch, now: datetime, *, stalled: bool = False, waits_for: str | None = None
    ) -> None:
        """Give the lease back, and say what the batch waits for where somebody may wonder."""
        gone = ("owner", "lease_until")
        told = {"updated_at": to_text(now)} | ({"waits_for": waits_for} if waits_for else {})
        change = Change(set=told, add={"stalls": int(stalled)}, remove=gone)
        self._update(batch, change, having("owner", batch.owner))

    def end(self, batch: Batch, state: BatchState, reason: str | None, now: datetime) -> Batch:
        """Write the end; ConditionFailed where it is not ours any more."""
        at = to_text(now)
        change = {"state": str(state), "updated_at": at, "ended_at": at} | (
            {"reason": reason} if reason else {}
        )
        gone = Change(set=change, remove=("attention", "owner", "lease_until", "waits_for"))
        return self._update(batch, gone, having("owner", batch.owner))

    def _update(self, batch: Batch, change: Change, only_if: object) -> Batch:
        key = (batch.pipeline, batch.entry)
        return from_row(self._table.update(key, change, only_if=only_if), Batch)  # type: ignore[arg-type]


def _mark(batch: Batch, wish: str, now: datetime) -> dict[str, str]:
    """Return the row that says which batch a wish made."""
    return {
        "pipeline": batch.pipeline,
        "entry": f"wish#{wish}",
        "batch": batch.id,
        "until": to_text(now + timedelta(seconds=KEEP_S)),
    }


def _over(now: datetime) -> Condition:
    return any_of(Absent("entry"), AtMost("until", to_text(now)))


def entry_of(batch_id: str) -> str:
    """Return the sort key of a batch; ids begin with their time, so keys sort by it."""
    return f"batch#{batch_id}"
