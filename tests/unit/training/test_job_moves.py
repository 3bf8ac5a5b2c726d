"""A change of a job's state that is not in the table of moves is refused by the write itself."""

import msgspec
import pytest
from chalicelib.training.job import Job
from chalicelib.training.job_moves import JobMove
from chalicelib.training.job_rows import JobRows, Slots
from chalicelib.training.pacing import Hold

from shared.codec import to_row
from shared.entities.training import JobState
from shared.errors import ConditionFailed
from tests.fakes import FakeClock, FakeTable

CLOCK = FakeClock()
JOB = Job(
    job_id="j",
    pipeline="flights",
    state=JobState.PENDING,
    next_try_at="2025-01-01T00:00:00Z",
    lease_until="2025-01-01T00:00:00Z",
    dataset_version="d1",
    dataset_versions=("d1",),
    dataset_ordinal=1,
    recipe="tabular",
    recipe_sha256="r",
    image_uri="image:1",
    input_sha256="i",
    created_at="",
    updated_at="",
)


def moved(move: JobMove, before: JobState | None) -> str:
    """Return the state that the row has after *move*; before, it had *before*, or there was no row."""
    jobs = JobRows(FakeTable("jobs", "job_id"), CLOCK)
    if before:
        # A number is taken once, and renumbered only where there is one.
        number = 7 if move is JobMove.RENUMBER else None
        jobs.table.put(to_row(msgspec.structs.replace(JOB, state=before, number=number)))
    job = jobs.find("j") or JOB
    writes = {
        JobMove.PLAN: lambda: jobs.create(job),
        JobMove.HOLD: lambda: jobs.held(job, Hold(until="2026-01-02T00:00:00Z", reason="quiet")),
        JobMove.HURRY: lambda: jobs.hurried(job),
        JobMove.SUPERSEDE: lambda: jobs.table.transact(jobs.superseding(job, "newer")),
        JobMove.SUBMIT: lambda: jobs.submitting(job, Slots(jobs=(), rev=0)),
        JobMove.WAIT: lambda: jobs.waiting(job, "a limit", "2026-01-02T00:00:00Z"),
        JobMove.RUN: lambda: jobs.running(job),
        JobMove.RETRY: lambda: jobs.retrying(job, "InternalServerError"),
        JobMove.FINALISE: lambda: jobs.finalising(job, 7),
        JobMove.RENUMBER: lambda: jobs.renumbered(job, 8),
        JobMove.SUCCEED: lambda: jobs.table.transact(jobs.succeeding(job)),
        JobMove.STOP: lambda: jobs.stopping(job, "ada asks"),
        JobMove.CEASE: lambda: jobs.stopped(job, "stopped"),
        JobMove.DIE: lambda: jobs.dead(job, "AlgorithmError"),
        JobMove.REVIVE: lambda: jobs.revived(job, "ml.m5.large", 0),
    }
    writes[move]()
    return str(jobs.get("j").state)


@pytest.mark.parametrize("move", JobMove)
@pytest.mark.parametrize("before", [None, *JobState])
def test_a_job_moves_as_the_table_says_and_is_refused_everything_else(
    move: JobMove, before: JobState | None
) -> None:
    if before in move.value.after or (before is None and not move.value.after):
        assert moved(move, before) == move.value.to
    else:
        with pytest.raises(ConditionFailed):
            moved(move, before)
