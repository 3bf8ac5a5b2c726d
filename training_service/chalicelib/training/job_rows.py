"""Adapter: the jobs table. One method per change of a training job, each with the condition that guards it.

A change that meets another state raises ConditionFailed: somebody else moved the job; read it again.
Besides jobs the table has two kinds of rows without an index entry: ``#active`` (the jobs that hold a slot of the
quota) and ``#dataset#<pipeline>#<version>`` (the dataset version has had its training).
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import msgspec
from chalicelib.training.job import ACTIVE, Job

from shared.clock import LEASE_MARGIN, Clock, to_text
from shared.codec import Row, from_row, to_row
from shared.conditions import Absent, AtMost, Condition, all_of, any_of, having
from shared.entities.training import JobPurpose, JobState
from shared.errors import NotFound
from shared.tables import Change, Table, Write

LEASE = timedelta(minutes=2)
SLOTS = "#active"
_BEFORE_REST = (JobState.PENDING, JobState.SUBMITTING, JobState.RUNNING, JobState.FINALISING)


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a slot of the quota, as of one revision of the row that says so."""

    jobs: tuple[str, ...]
    rev: int


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of one pipeline, newest first, and the key to go on from."""

    jobs: tuple[Job, ...]
    cursor: Row | None


class JobRows:
    """Reads and moves training jobs."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self.table = table
        self._clock = clock

    def find(self, job_id: str) -> Job | None:
        """Return the job, None where there is none."""
        row = None if job_id.startswith("#") else self.table.get(job_id)
        return from_row(row, Job) if row else None

    def get(self, job_id: str) -> Job:
        """Return the job; raises NotFound where there is none."""
        job = self.find(job_id)
        if job is None:
            raise NotFound(f"no training job {job_id!r}")
        return job

    def open(self) -> Iterator[Job]:
        """Yield the jobs that are not at rest or whose event is not yet told; the index lags, so each is re-read."""
        cursor = None
        while True:
            page = self.table.query(
                "open", index="attention", keys=("attention", "updated_at"), cursor=cursor
            )
            for row in page.rows:
                job = self.find(row["job_id"])
                if job is not None and job.attention:
                    yield job
            if (cursor := page.cursor) is None:
                return

    def page(self, pipeline: str, limit: int, cursor: Row | None = None) -> JobPage:
        """Return jobs of one pipeline, newest first."""
        page = self.table.query(
            pipeline,
            index="by-pipeline",
            keys=("pipeline", "created_at"),
            descending=True,
            limit=limit,
            cursor=cursor,
        )
        return JobPage(jobs=tuple(from_row(row, Job) for row in page.rows), cursor=page.cursor)

    def is_trained(self, pipeline: str, version: str) -> bool:
        """Say whether the dataset version has had its job, whatever champion was live then."""
        return self.table.get(_trigger(pipeline, version)) is not None

    def create(self, job: Job) -> None:
        """Write a new PENDING job and mark the dataset version it trains as trained; only if the job is absent."""
        new = self.table.putting(to_row(job), only_if=Absent("job_id"))
        # In the same transaction, or a crash between would train the same data again after a release.
        marks = [self.table.putting(_mark(job))] if job.purpose is JobPurpose.TRAIN else []
        self.table.transact(new, *marks)

    def mark_trained(self, job: Job, version: str) -> None:
        """Note that *version* is covered by a job that exists already."""
        self.table.put(_mark(msgspec.structs.replace(job, dataset_version=version)))

    def slots(self) -> Slots:
        """Return who holds a slot now; jobs that ended since the row was written have lost theirs."""
        row = self.table.get(SLOTS) or {}
        # The row is not shortened when a job ends: then every end would contend for it.
        held = [job for job_id in row.get("jobs", ()) if (job := self.find(job_id))]
        return Slots(jobs=tuple(j.job_id for j in held if j.state in ACTIVE), rev=row.get("rev", 0))

    def submitting(self, job: Job, slots: Slots) -> Job:
        """Claim a due job and its slot for two minutes, if nobody took a slot since *slots* was read."""
        now = self._clock()
        due = all_of(
            AtMost("next_try_at", to_text(now)),
            any_of(Absent("lease_until"), AtMost("lease_until", to_text(now - LEASE_MARGIN))),
        )
        fields = {"lease_until": to_text(now + LEASE)}
        after = (JobState.PENDING, JobState.SUBMITTING)
        claim = self._moving(job, JobState.SUBMITTING, after=after, only_if=(due,), fields=fields)
        # DynamoDB has no "equal or absent": before the first claim the row does not exist.
        unchanged = having("rev", slots.rev) if slots.rev else Absent("rev")
        holders = sorted({*slots.jobs, job.job_id})
        # One transaction for slot and claim: two handlers that both saw a free slot cannot both take it.
        taken = self.table.updating((SLOTS,), Change(set={"jobs": holders}), only_if=unchanged)
        self.table.transact(taken, claim)
        return self.get(job.job_id)

    def waiting(self, job: Job, reason: str, next_try_at: str) -> Job:
        """Put a claimed job back to PENDING until *next_try_at*; only while the claim is still this one."""
        fields = {"waiting_reason": reason, "next_try_at": next_try_at, "tries": job.tries + 1}
        return self._move(
            job,
            JobState.PENDING,
            after=(JobState.SUBMITTING,),
            only_if=(having("lease_until", job.lease_until),),
            fields=fields,
            remove=("lease_until",),
        )

    def waken(self, job: Job) -> Job:
        """Make a waiting job due now."""
        now = to_text(self._clock())
        return self._move(job, JobState.PENDING, after=(JobState.PENDING,), fields={"next_try_at": now})

    def running(self, job: Job) -> Job:
        """Note that SageMaker has the job."""
        return self._move(
            job,
            JobState.RUNNING,
            after=(JobState.SUBMITTING,),
            # No lease is asked for: that SageMaker has the job is true whoever finds out.
            fields={"started_at": to_text(self._clock()), "tries": 0},
            remove=("lease_until", "waiting_reason"),
        )

    def told_started(self, job: Job) -> None:
        """Note that this attempt's start was announced."""
        change = Change(set={"told_attempt": job.attempt})
        self.table.update((job.job_id,), change, only_if=having("attempt", job.attempt))

    def finalising(self, job: Job, number: int | None) -> Job:
        """Give a completed job the number of its model version, once; None where it makes none."""
        return self._move(
            job,
            JobState.FINALISING,
            after=(JobState.SUBMITTING, JobState.RUNNING),
            only_if=(Absent("number"),),
            fields={"number": number} if number else {},
            remove=("lease_until", "waiting_reason"),
        )

    def renumbered(self, job: Job, number: int) -> Job:
        """Give a FINALISING job another number, because its own has files of another model."""
        mine = (having("number", job.number),)
        after = (JobState.FINALISING,)
        return self._move(job, JobState.FINALISING, after=after, only_if=mine, fields={"number": number})

    def succeeding(self, job: Job) -> Write:
        """Return the job's part of the transaction that makes what it was for exist."""
        fields = {"ended_at": to_text(self._clock())}
        mine = (having("number", job.number) if job.number else Absent("number"),)
        return self._moving(
            job,
            JobState.SUCCEEDED,
            after=(JobState.FINALISING,),
            only_if=mine,
            fields=fields,
            remove=("attention",),
        )

    def retrying(self, job: Job) -> Job:
        """Begin the next attempt of a job that failed through nobody's fault."""
        return self._move(
            job,
            JobState.PENDING,
            after=(JobState.SUBMITTING, JobState.RUNNING),
            fields=self._fresh_attempt(job),
            remove=("lease_until", "started_at"),
        )

    def revived(self, job: Job) -> Job:
        """Begin the next attempt because a person asks; it takes a model number of its own."""
        fields = {
            **self._fresh_attempt(job),
            "attention": "open",
            "max_attempts": max(job.max_attempts, job.attempt + 1),
        }
        after = (JobState.DEAD, JobState.STOPPED)
        # The old number may have files under it already, and those are immutable.
        forgotten = ("reason", "number", "lease_until", "started_at", "ended_at")
        return self._move(job, JobState.PENDING, after=after, fields=fields, remove=forgotten)

    def stopping(self, job: Job, reason: str) -> Job:
        """Note that the job shall end; a lease stays, because its holder may be creating the SageMaker job."""
        return self._move(job, JobState.STOPPING, after=_BEFORE_REST, fields={"reason": reason})

    def stopped(self, job: Job, reason: str) -> Job:
        """End a job that SageMaker says is stopped, or never had."""
        after = (JobState.STOPPING, JobState.RUNNING, JobState.SUBMITTING)
        return self._end(job, JobState.STOPPED, after, reason)

    def dead(self, job: Job, reason: str) -> Job:
        """End a job that can bring no model."""
        return self._end(job, JobState.DEAD, _BEFORE_REST, reason)

    def told(self, job: Job) -> None:
        """Close the row: the job is at rest and its event is out."""
        same = all_of(having("state", job.state), having("attempt", job.attempt))
        self.table.update((job.job_id,), Change(remove=("attention",)), only_if=same)

    def _fresh_attempt(self, job: Job) -> dict[str, Any]:
        now = to_text(self._clock())
        return {"attempt": job.attempt + 1, "next_try_at": now, "tries": 0, "waiting_reason": "queued"}

    def _end(self, job: Job, state: JobState, after: Sequence[JobState], reason: str) -> Job:
        fields = {"reason": reason, "ended_at": to_text(self._clock())}
        forgotten = ("lease_until", "waiting_reason", "next_try_at")
        return self._move(job, state, after=after, fields=fields, remove=forgotten)

    def _move(self, job: Job, state: JobState, **change: Any) -> Job:
        written, guard = self._change(job, state, **change)
        return from_row(self.table.update((job.job_id,), written, only_if=guard), Job)

    def _moving(self, job: Job, state: JobState, **change: Any) -> Write:
        written, guard = self._change(job, state, **change)
        return self.table.updating((job.job_id,), written, only_if=guard)

    def _change(
        self,
        job: Job,
        state: JobState,
        *,
        after: Sequence[JobState],
        only_if: Sequence[Condition] = (),
        fields: dict[str, Any] | None = None,
        remove: Sequence[str] = (),
    ) -> tuple[Change, Condition]:
        """Return one change and its guard: always only from *after*, and only of the attempt the caller saw."""
        guard = all_of(having("state", *after), having("attempt", job.attempt), *only_if)
        values = {"state": state, "updated_at": to_text(self._clock()), **(fields or {})}
        return Change(set=values, remove=remove), guard


def _trigger(pipeline: str, version: str) -> str:
    return f"#dataset#{pipeline}#{version}"


def _mark(job: Job) -> Row:
    return {"job_id": _trigger(job.pipeline, job.dataset_version), "trained_by": job.job_id}
