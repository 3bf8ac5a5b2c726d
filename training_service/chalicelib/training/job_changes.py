"""Adapter: every change of a training job's row, one method each, with the condition that guards it.

States change by the moves of ``job_moves`` and no others. A move that meets a state it is not legal in raises
ConditionFailed: somebody else moved the job; read it again.
"""

from collections.abc import Sequence
from typing import Any

from chalicelib.training.job import QUEUED, Job
from chalicelib.training.job_moves import JobMove
from chalicelib.training.pacing import Hold

from shared.clock import Clock, to_text
from shared.codec import from_row
from shared.conditions import Absent, Condition, all_of, having
from shared.tables import Change, Table, Write


class JobChanges:
    """Moves training jobs."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self.table = table
        self._clock = clock

    def superseding(self, job: Job, by: str) -> Write:
        """Return the part of a transaction that ends a job which never started, because job *by* trains its data."""
        fields = {
            "reason": f"superseded: training job {by} trains this data together with newer",
            "superseded_by": by,
            "ended_at": to_text(self._clock()),
        }
        # Nothing to announce: no training was lost.
        forgotten = ("attention", "waiting_reason", "next_try_at", "not_before")
        return self._moving(job, JobMove.SUPERSEDE, fields=fields, remove=forgotten)

    def waiting(self, job: Job, reason: str, next_try_at: str, *, is_limited: bool = False) -> Job:
        """Put a claimed job back to PENDING until *next_try_at*; only while the claim is still this one."""
        fields = {
            "waiting_reason": reason,
            "next_try_at": next_try_at,
            "tries": job.tries + 1,
            "is_limited": is_limited,
        }
        return self._move(
            job,
            JobMove.WAIT,
            only_if=(having("lease_until", job.lease_until),),
            fields=fields,
            remove=("lease_until",),
        )

    def waken(self, job: Job) -> Job:
        """Make a waiting job due now."""
        return self._move(job, JobMove.HURRY, fields={"next_try_at": to_text(self._clock())})

    def held(self, job: Job, hold: Hold | None) -> Job:
        """Write what keeps a waiting job from its first start, or that nothing does any more."""
        if hold is None:
            return self._move(job, JobMove.HOLD, fields={"waiting_reason": QUEUED}, remove=("not_before",))
        return self._move(job, JobMove.HOLD, fields={"not_before": hold.until, "waiting_reason": hold.reason})

    def hurried(self, job: Job) -> Job:
        """Free a waiting job of every hold, because a person asks for it."""
        fields = {"paced": False, "next_try_at": to_text(self._clock()), "waiting_reason": QUEUED}
        return self._move(job, JobMove.HURRY, fields=fields, remove=("not_before",))

    def running(self, job: Job) -> Job:
        """Note that SageMaker has the job."""
        return self._move(
            job,
            JobMove.RUN,
            # No lease is asked for: that SageMaker has the job is true whoever finds out.
            fields={"started_at": to_text(self._clock()), "tries": 0, "is_limited": False},
            remove=("lease_until", "waiting_reason", "not_before"),
        )

    def told_started(self, job: Job) -> None:
        """Note that this attempt's start was announced."""
        change = Change(set={"told_attempt": job.attempt})
        self.table.update((job.job_id,), change, only_if=having("attempt", job.attempt))

    def finalising(self, job: Job, number: int | None = None, *also: Write) -> Job:
        """Give a completed job the number of its model version, once, and do *also*; None where it makes none."""
        move = self._moving(
            job,
            JobMove.FINALISE,
            only_if=(Absent("number"),),
            fields={"number": number} if number else {},
            remove=("lease_until", "waiting_reason"),
        )
        self.table.transact(move, *also)
        # A transaction answers nothing of what it wrote.
        return from_row(self.table.get(job.job_id) or {}, Job)

    def renumbered(self, job: Job, number: int) -> Job:
        """Give a FINALISING job another number, because its own has files of another model."""
        mine = (having("number", job.number),)
        return self._move(job, JobMove.RENUMBER, only_if=mine, fields={"number": number})

    def succeeding(self, job: Job) -> Write:
        """Return the job's part of the transaction that makes what it was for exist."""
        fields = {"ended_at": to_text(self._clock())}
        mine = (having("number", job.number) if job.number else Absent("number"),)
        return self._moving(job, JobMove.SUCCEED, only_if=mine, fields=fields, remove=("attention",))

    def retrying(self, job: Job, reason: str) -> Job:
        """Begin the next attempt of a job that failed through nobody's fault, for *reason*."""
        again = f"attempt {job.attempt} ended without a result and is made again: {reason}"
        return self._move(
            job,
            JobMove.RETRY,
            fields={**self._fresh_attempt(job), "waiting_reason": again},
            remove=("lease_until", "started_at"),
        )

    def revived(self, job: Job, instance: str, life: int) -> Job:
        """Begin the next attempt, on *instance*, because a person asks; it takes a model number of its own.

        It belongs to the pipeline as it is now, in its present *life*, whatever became of the one it was planned for.
        """
        fields = {
            **self._fresh_attempt(job),
            "attention": "open",
            "instance": instance,
            "life": life,
            "max_attempts": max(job.max_attempts, job.attempt + 1),
            # At the end of the line, whatever its age: others wait for their first attempt.
            "queued_at": to_text(self._clock()),
        }
        # The old number may have files under it already, and those are immutable.
        forgotten = (
            "reason",
            "number",
            "lease_until",
            "started_at",
            "ended_at",
            "log_tail",
            "superseded_by",
            "not_before",
        )
        return self._move(job, JobMove.REVIVE, fields=fields, remove=forgotten)

    def stopping(self, job: Job, reason: str) -> Job:
        """Note that the job shall end; a lease stays, because its holder may be creating the SageMaker job."""
        return self._move(job, JobMove.STOP, fields={"reason": reason})

    def stopped(self, job: Job, reason: str, log_tail: Sequence[str] = ()) -> Job:
        """End a job that SageMaker says is stopped, or never had; *log_tail* is the last that it printed."""
        return self._end(job, JobMove.CEASE, reason, log_tail)

    def dead(self, job: Job, reason: str, log_tail: Sequence[str] = ()) -> Job:
        """End a job that can bring no model; *log_tail* is the last that it printed."""
        return self._end(job, JobMove.DIE, reason, log_tail)

    def told(self, job: Job) -> None:
        """Close the row: the job is at rest and its event is out."""
        same = all_of(having("state", job.state), having("attempt", job.attempt))
        self.table.update((job.job_id,), Change(remove=("attention",)), only_if=same)

    def _fresh_attempt(self, job: Job) -> dict[str, Any]:
        now = to_text(self._clock())
        return {
            "attempt": job.attempt + 1,
            "next_try_at": now,
            "tries": 0,
            "is_limited": False,
            "waiting_reason": QUEUED,
        }

    def _end(self, job: Job, move: JobMove, reason: str, log_tail: Sequence[str]) -> Job:
        fields: dict[str, Any] = {"reason": reason, "ended_at": to_text(self._clock())}
        if log_tail:
            fields["log_tail"] = list(log_tail)
        forgotten = ("lease_until", "waiting_reason", "next_try_at", "not_before")
        return self._move(job, move, fields=fields, remove=forgotten)

    def _move(self, job: Job, move: JobMove, **change: Any) -> Job:
        written, guard = self._change(job, move, **change)
        return from_row(self.table.update((job.job_id,), written, only_if=guard), Job)

    def _moving(self, job: Job, move: JobMove, **change: Any) -> Write:
        written, guard = self._change(job, move, **change)
        return self.table.updating((job.job_id,), written, only_if=guard)

    def _change(
        self,
        job: Job,
        move: JobMove,
        *,
        only_if: Sequence[Condition] = (),
        fields: dict[str, Any] | None = None,
        remove: Sequence[str] = (),
    ) -> tuple[Change, Condition]:
        """Return one change and its guard: only where *move* is legal, and only of the attempt the caller saw."""
        guard = all_of(having("state", *move.value.after), having("attempt", job.attempt), *only_if)
        values = {"state": move.value.to, "updated_at": to_text(self._clock()), **(fields or {})}
        return Change(set=values, remove=remove), guard
