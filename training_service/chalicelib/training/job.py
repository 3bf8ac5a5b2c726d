"""A training job's row as this service keeps it, and the names that follow from it."""

import re

from shared.entities.training import JobPurpose, JobState, TrainingJob

ACTIVE = (JobState.SUBMITTING, JobState.RUNNING, JobState.STOPPING)
AT_REST = (JobState.SUCCEEDED, JobState.DEAD, JobState.STOPPED)
_NAME = re.compile(r"headrace-([a-z]{2,8})-([0-9a-f]{20})-a([1-9][0-9]*)")


class Job(TrainingJob, frozen=True, kw_only=True):
    """``tries`` counts what limits refused of this attempt, ``told_attempt`` is the last whose start was told."""

    tries: int = 0
    told_attempt: int = 0


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
