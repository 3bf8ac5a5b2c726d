"""Adapter: the datasets table. Every change of a version's state is one conditional write (contracts, section 3)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec
from chalicelib.ingest.keys import Upload

from shared.clock import LEASE_MARGIN, to_text
from shared.codec import from_row, to_row
from shared.conditions import Absent, AtMost, all_of, any_of, having
from shared.entities.dataset import DatasetState, DatasetVersion
from shared.errors import ConditionFailed
from shared.readers import Datasets
from shared.tables import Change, Table

COUNTERS = "#counters"
OPEN = "open"
_WAIT = ("next_try_at", "waiting_reason")
ATTENTION_INDEX = ("attention", "updated_at")
_HOLDS_SCHEMA = frozenset({DatasetState.VALIDATING, DatasetState.READY})


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a READY row says beyond its state; the row of a duplicate points to the first version's manifest."""

    content_sha256: str
    size_bytes: int
    row_count: int
    rows_good: int
    rows_bad: int
    manifest_uri: str
    duplicate_of: str | None = None


class Catalog:
    """Dataset versions: who may change them, and to what."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.read = Datasets(table)

    def find(self, pipeline: str, version: str) -> DatasetVersion | None:
        """Return the version's row as it is now."""
        row = self._table.get(pipeline, version)
        return from_row(row, DatasetVersion) if row else None

    def receive(self, upload: Upload, now: datetime) -> DatasetVersion:
        """Return the row of *upload*, made RECEIVED under the next ordinal if there is none.

        Two steps, since DynamoDB cannot count up and use the result as a value in one: two events for the
        same upload at the same moment may leave a gap in the ordinals, never a second row.
        """
        there = self.find(upload.pipeline, upload.version)
        if there:
            return there
        counter = self._table.update((COUNTERS, upload.pipeline), Change(add={"ordinal": 1}))
        row = DatasetVersion(
            pipeline=upload.pipeline,
            version=upload.version,
            ordinal=int(counter["ordinal"]),
            state=DatasetState.RECEIVED,
            bucket=upload.bucket,
            key=upload.key,
            version_id=upload.version_id,
            size_bytes=upload.size_bytes,
            attention=OPEN,
            correlation_id=upload.version,
            created_at=to_text(now),
            updated_at=to_text(now),
        )
        try:
            self._table.put(to_row(row), only_if=Absent("pipeline"))
        except ConditionFailed:
            # A duplicate of the event was quicker; its row is as good as ours.
            return self.read.get(upload.pipeline, upload.version)
        return row

    def claim(
        self, row: DatasetVersion, owner: str, now: datetime, lease: timedelta
    ) -> DatasetVersion | None:
        """Return the row VALIDATING under a lease of *owner*, None while another holds it or it is at rest.

        None too where *row* is out of date about its processing job: look again what became of that.
        Lambda repeats a failed event under the same request id: such an owner's earlier attempt is dead.
        """
        expired = any_of(
            Absent("lease_until"),
            AtMost("lease_until", to_text(now - LEASE_MARGIN)),
            having("owner", owner),
        )
        free = any_of(
            having("state", DatasetState.RECEIVED), all_of(having("state", DatasetState.VALIDATING), expired)
        )
        lease_until = to_text(now + lease)
        change = Change(
            set={
                "state": DatasetState.VALIDATING,
                "owner": owner,
                "lease_until": lease_until,
                "attention": OPEN,
                "updated_at": to_text(now),
            },
            add={"attempt": 1},
        )
        job = having("processing_job", row.processing_job) if row.processing_job else Absent("processing_job")
        try:
            return from_row(self._table.update(_key(row), change, only_if=all_of(free, job)), DatasetVersion)
        except ConditionFailed:
            return None

    def renew(self, mine: DatasetVersion, now: datetime, lease: timedelta) -> bool:
        """Hold the version for another *lease*; False where it is not mine any more."""
        change = Change(set={"lease_until": to_text(now + lease)})
        try:
            self._table.update(_key(mine), change, only_if=_held(mine))
        except ConditionFailed:
            return False
        return True

    def hand_over(
        self, mine: DatasetVersion, processing_job: str, size_bytes: int, now: datetime
    ) -> DatasetVersion:
        """Note that from now on *processing_job*, which need not exist yet, makes the version; nobody holds it then.

        Raises
        ------
        ConditionFailed
            The row is not mine any more.
        """
        change = Change(
            set={
                "processing_job": processing_job,
                "size_bytes": size_bytes,
                "tries": 0,
                "attention": OPEN,
                "updated_at": to_text(now),
            },
            remove=("lease_until", "owner", *_WAIT),
        )
        return from_row(self._table.update(_key(mine), change, only_if=_held(mine)), DatasetVersion)

    def wait(self, row: DatasetVersion, next_try_at: str, why: str, now: datetime) -> None:
        """Note until when, and why, the processing job of *row* waits to be created.

        Raises
        ------
        ConditionFailed
            The row has moved on.
        """
        told = {"next_try_at": next_try_at, "waiting_reason": why, "updated_at": to_text(now)}
        same = all_of(having("state", DatasetState.VALIDATING), having("processing_job", row.processing_job))
        self._table.update(_key(row), Change(set=told, add={"tries": 1}), only_if=same)

    def release(self, mine: DatasetVersion, now: datetime) -> None:
        """End the lease early, so that a repeated event need not wait for it; no matter if it is not mine any more."""
        change = Change(set={"updated_at": to_text(now)}, remove=("lease_until",))
        try:
            self._table.update(_key(mine), change, only_if=_held(mine))
        except ConditionFailed:
            return

    def finish_ready(self, mine: DatasetVersion, outcome: Outcome, now: datetime) -> DatasetVersion:
        """Make the version READY and, unless it is a duplicate, the first holder of its content.

        Raises
        ------
        ConditionFailed
            The row is not mine any more, or another version holds the content: look with :meth:`holder`.
        """
        # attention stays "open" in the same write: the row is the outbox of its event.
        writes = [self._finishing(mine, DatasetState.READY, to_row(outcome), now)]
        if outcome.duplicate_of is None:
            holder = {
                "pipeline": _content(mine.pipeline),
                "version": outcome.content_sha256,
                "holder": mine.version,
            }
            free = any_of(Absent("pipeline"), having("holder", mine.version))
            writes.append(self._table.putting(holder, only_if=free))
        self._table.transact(*writes)
        return self.read.get(mine.pipeline, mine.version)

    def finish_rejected(
        self, mine: DatasetVersion, why: tuple[str, str], facts: dict[str, Any], now: datetime
    ) -> DatasetVersion:
        """Make the version REJECTED for *why* (code, sentence); *facts* are the counts and hash known by then.

        Raises
        ------
        ConditionFailed
            The row is not mine any more.
        """
        told = {"reason": why[0], "detail": why[1], **facts}
        self._table.transact(self._finishing(mine, DatasetState.REJECTED, told, now))
        return self.read.get(mine.pipeline, mine.version)

    def fail(self, row: DatasetVersion, detail: str, now: datetime) -> DatasetVersion | None:
        """Make a version FAILED whose attempts are used up; None where its lease still lives or it is at rest."""
        expired = any_of(Absent("lease_until"), AtMost("lease_until", to_text(now - LEASE_MARGIN)))
        unchanged = all_of(having("state", DatasetState.VALIDATING), having("attempt", row.attempt), expired)
        change = Change(
            set={
                "state": DatasetState.FAILED,
                "reason": "infrastructure",
                "detail": detail,
                "updated_at": to_text(now),
            },
            remove=("attention", "owner", "lease_until", *_WAIT),
        )
        try:
            return from_row(self._table.update(_key(row), change, only_if=unchanged), DatasetVersion)
        except ConditionFailed:
            return None

    def told(self, row: DatasetVersion) -> None:
        """Note that the event of *row*, at rest, was announced."""
        try:
            self._table.update(_key(row), Change(remove=("attention",)), only_if=having("state", row.state))
        except ConditionFailed:
            return

    def take_schema(self, mine: DatasetVersion, judged_by: str | None, becomes: str) -> DatasetVersion | None:
        """Make *mine* the version whose schema is its pipeline's newest; else return the other one that is.

        Of uploads that change the schema at the same time one is first; the others are to be judged again, by that
        one's. Who got it keeps it while its row may still become READY or is; it is given to nobody else just because
        it takes long.

        Parameters
        ----------
        judged_by, becomes
            SHA-256 of the schema that *mine* was held against, None for a first upload, and of the one it has.
        """
        place = (_schema(mine.pipeline), "newest")
        there = self._table.get(*place)
        holder = self._other_holder(mine, there) if there else None
        if there and holder:
            if there["sha256"] != judged_by:
                return holder
            if becomes == judged_by:
                return None  # it says nothing new
        unchanged = (
            all_of(having("holder", there["holder"]), having("sha256", there["sha256"]))
            if there
            else Absent("pipeline")
        )
        taken = {"pipeline": place[0], "version": place[1], "holder": mine.version, "sha256": becomes}
        try:
            self._table.put(taken, only_if=unchanged)
        except ConditionFailed:
            # Another took it between the two calls: it is there now.
            return self.take_schema(mine, judged_by, becomes)
        return None

    def _other_holder(self, mine: DatasetVersion, there: Mapping[str, Any]) -> DatasetVersion | None:
        """Return the version that holds the schema, unless it is *mine* or will not be READY any more."""
        holder = self.find(mine.pipeline, str(there["holder"]))
        return holder if holder and holder.version != mine.version and holder.state in _HOLDS_SCHEMA else None

    def holder(self, pipeline: str, content_sha256: str) -> DatasetVersion | None:
        """Return the READY version of *pipeline* that had this content first."""
        row = self._table.get(_content(pipeline), content_sha256)
        return self.find(pipeline, str(row["holder"])) if row else None

    def needing_attention(self, limit: int) -> list[DatasetVersion]:
        """Return rows that are not at rest or not yet told, longest untouched first."""
        page = self._table.query(OPEN, index="attention", keys=ATTENTION_INDEX, limit=limit)
        # The index is eventually consistent and may project little: the table says what is true now.
        found = [self.find(str(row["pipeline"]), str(row["version"])) for row in page.rows]
        return [row for row in found if row is not None and row.attention == OPEN]

    def _finishing(
        self, mine: DatasetVersion, state: DatasetState, facts: dict[str, Any], now: datetime
    ) -> Any:
        change = Change(
            set={"state": state, "attention": OPEN, "updated_at": to_text(now), **facts},
            remove=("lease_until", "owner", *_WAIT),
        )
        return self._table.updating(_key(mine), change, only_if=_held(mine))


def _held(mine: DatasetVersion) -> Any:
    """Require that the row is still VALIDATING in my attempt."""
    return all_of(
        having("state", DatasetState.VALIDATING), having("owner", mine.owner), having("attempt", mine.attempt)
    )


def _key(row: DatasetVersion) -> tuple[str, str]:
    return row.pipeline, row.version


def _schema(pipeline: str) -> str:
    return f"#schema#{pipeline}"


def _content(pipeline: str) -> str:
    return f"#content#{pipeline}"
