"""Adapter: the jobs table.

Besides jobs the table has three kinds of rows without an index entry: ``#active`` (the jobs that hold a slot of the
quota), ``#dataset#<pipeline>#<version>`` (the dataset version has had its training) and those of ``pacing_rows.py``.
"""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
from chalicelib.training.job import ACTIVE, Job, place_in_line
from chalicelib.training.job_changes import JobChanges
from chalicelib.training.job_moves import JobMove

from shared.clock import LEASE_MARGIN, to_text
from shared.codec import Row, from_row, to_row
from shared.conditions import Absent, AtMost, all_of, any_of, having
from shared.entities.training import JobPurpose, JobState
from shared.errors import NotFound
from shared.tables import Change, Write

LEASE = timedelta(minutes=2)
SLOTS = "#active"
_WAITING = (JobState.PENDING, JobState.SUBMITTING)


class Slots(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a slot of the quota, as of one revision of the row that says so."""

    jobs: tuple[str, ...]
    rev: int


class JobPage(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of one pipeline, newest first, and the key to go on from."""

    jobs: tuple[Job, ...]
    cursor: Row | None


class JobRows(JobChanges):
    """Reads training jobs, makes and claims them, and moves them as :class:`JobChanges` says."""

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
        """Yield the jobs that are not at rest or whose event is not yet told, as the index shows them: it lags."""
        return (from_row(row, Job) for row in self._rows_open())

    def still_open(self, seen: Job) -> Job | None:
        """Return an open job that the index has shown as it is by now, None where it needs nothing any more."""
        job = self.find(seen.job_id)
        return job if job is not None and job.attention else None

    def line(self, *also: Job) -> Iterator[Job]:
        """Yield the jobs that want to be submitted, and those of *also* that do, in their order.

        As the index shows them, some in a state that is over: for changes that are guarded. The line may be long and the
        round end with its first, so a row is made a job when it is reached.
        """
        rows = {row["job_id"]: row for row in (*self._rows_open(), *map(to_row, also))}
        wanted = [row for row in rows.values() if row["state"] in _WAITING]
        return (from_row(row, Job) for row in sorted(wanted, key=place_in_line))

    def _rows_open(self) -> Iterator[Row]:
        """Yield the rows of the open jobs as the index shows them."""
        cursor = None
        while True:
            page = self.table.query(
                "open", index="attention", keys=("attention", "updated_at"), cursor=cursor
            )
            yield from page.rows
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
        return self.trained_by(pipeline, version) is not None

    def trained_by(self, pipeline: str, version: str) -> Job | None:
        """Return the job that the dataset version has had, None before it has had one."""
        mark = self.table.get(_trigger(pipeline, version))
        return self.get(mark["trained_by"]) if mark else None

    def create(self, job: Job, *also: Write, first_for: str | None = None) -> None:
        """Write a new PENDING job, mark the dataset versions it trains as trained, and do *also*, or nothing of it.

        Those are its own version and the one it is the *first_for*, which must not have had a job before.

        Raises
        ------
        ConditionFailed
            The job is there already, *first_for* has had one, or a condition of *also* does not hold.
        """
        row = to_row(job) | {"state": JobMove.PLAN.value.to}
        new = self.table.putting(row, only_if=Absent("job_id"))
        trained = {job.dataset_version, *filter(None, [first_for])} if job.purpose is JobPurpose.TRAIN else ()
        # In the same transaction, or a crash between would train the same data again after a release.
        marks = [
            self.table.putting(
                _mark(job, version), only_if=Absent("job_id") if version == first_for else None
            )
            for version in sorted(trained)
        ]
        self.table.transact(new, *marks, *also)

    def mark_trained(self, job: Job, version: str) -> None:
        """Note that *version* is covered by a job that exists already."""
        self.table.put(_mark(job, version))

    def slots(self) -> Slots:
        """Return who holds a slot now; jobs that ended since the row was written have lost theirs."""
        row = self.table.get(SLOTS) or {}
        # The row is not shortened when a job ends: then every end would contend for it.
        held = [job for job_id in row.get("jobs", ()) if (job := self.find(job_id))]
        return Slots(jobs=tuple(j.job_id for j in held if j.state in ACTIVE), rev=row.get("rev", 0))

    def submitting(self, job: Job, slots: Slots, *also: Write) -> Job:
        """Claim a due job and its slot for two minutes, if nobody took a slot since *slots* was read, and do *also*."""
        now = self._clock()
        due = all_of(
            AtMost("next_try_at", to_text(now)),
            any_of(Absent("not_before"), AtMost("not_before", to_text(now))),
            any_of(Absent("lease_until"), AtMost("lease_until", to_text(now - LEASE_MARGIN))),
        )
        fields = {"lease_until": to_text(now + LEASE)}
        claim = self._moving(job, JobMove.SUBMIT, only_if=(due,), fields=fields)
        # DynamoDB has no "equal or absent": before the first claim the row does not exist.
        unchanged = having("rev", slots.rev) if slots.rev else Absent("rev")
        holders = sorted({*slots.jobs, job.job_id})
        # One transaction for slot and claim: two handlers that both saw a free slot cannot both take it.
        taken = self.table.updating((SLOTS,), Change(set={"jobs": holders}), only_if=unchanged)
        self.table.transact(taken, claim, *also)
        return self.get(job.job_id)


def _trigger(pipeline: str, version: str) -> str:
    return f"#dataset#{pipeline}#{version}"


def _mark(job: Job, version: str) -> Row:
    return {"job_id": _trigger(job.pipeline, version), "trained_by": job.job_id}
