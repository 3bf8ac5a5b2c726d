"""A training job's row as this service keeps it, and the names that follow from it."""

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.training.plan import TrainingPlan

from shared.entities.training import JobPurpose, JobState, TrainingJob

QUEUED = "queued: starts as soon as the training jobs before it leave room (MAX_TRAINING_JOBS)"
ACTIVE = (JobState.SUBMITTING, JobState.RUNNING, JobState.STOPPING)
AT_REST = (JobState.SUCCEEDED, JobState.DEAD, JobState.STOPPED)
_NAME = re.compile(r"headrace-([a-z]{2,8})-([0-9a-f]{20})-a([1-9][0-9]*)")


class Job(TrainingJob, frozen=True, kw_only=True):
    """What only the training service needs to know of a job.

    ``tries`` counts what limits refused of this attempt, and ``is_limited`` says that the last of them was the
    account's quota of ``instance``; ``told_attempt`` is the last whose start was told. A ``paced`` job was asked for
    by new data, the newest at ``data_at``: it starts when the pipeline's ``quiet`` and ``at_most`` allow, not before
    ``not_before``. ``queued_at`` is its place in the line, None where that is its creation. ``life`` is that of its
    pipeline (see ``Deletion``).
    """

    life: int = 0
    tries: int = 0
    told_attempt: int = 0
    instance: str = ""
    is_limited: bool = False
    paced: bool = False
    data_at: str | None = None
    not_before: str | None = None
    queued_at: str | None = None
    superseded_by: str | None = None
    log_tail: tuple[str, ...] = ()


def place_in_line(row: Mapping[str, Any]) -> tuple[bool, str, int, str]:
    """Return what the rows of waiting jobs are sorted by: those that hold a slot first, then the oldest, within a second the older data."""
    # An older job waits for a slot that a dead submitter's job holds: tried first, it would end the round in vain.
    is_pending = row["state"] == JobState.PENDING
    return is_pending, row.get("queued_at") or row["created_at"], row["dataset_ordinal"], row["job_id"]


def new_job(plan: TrainingPlan, *, life: int, correlation_id: str, now: str) -> Job:
    """Return the first attempt of what is planned, waiting."""
    return Job(
        job_id=plan.job_id,
        pipeline=plan.pipeline,
        purpose=plan.purpose,
        subject=plan.challenger.version if plan.challenger else plan.subject,
        state=JobState.PENDING,
        life=life,
        max_attempts=plan.max_attempts,
        waiting_reason=QUEUED,
        next_try_at=now,
        dataset_version=plan.dataset_version,
        dataset_versions=plan.dataset_versions,
        dataset_ordinal=plan.dataset_ordinal,
        recipe=plan.recipe,
        recipe_sha256=plan.recipe_sha256,
        image_uri=plan.image_uri,
        instance=plan.instance,
        champion=plan.champion.version if plan.champion else None,
        input_sha256=plan.input_sha256,
        attention="open",
        correlation_id=correlation_id,
        created_at=now,
        updated_at=now,
    )


def makes_model(job: Job) -> bool:
    """Say whether the job ends with a model version of its own."""
    return job.purpose is JobPurpose.TRAIN


def sagemaker_name(stage: str, job_id: str, attempt: int) -> str:
    """Return the name of one attempt's SageMaker job: always the same, so that it can only be created once."""
    return f"headrace-{stage}-{job_id}-a{attempt}"


def job_id_of(stage: str, name: str) -> str | None:
    """Return the job id in a SageMaker job's *name*, None where the job is not of this stage."""
    match = _NAME.fullmatch(name)
    return match[2] if match and match[1] == stage else None
