"""A pipeline was deleted: what it trains ends as if a person had stopped it; its model versions stay as they are."""

from collections.abc import Mapping

from chalicelib.training.job import AT_REST, Job
from chalicelib.training.ports import Ports
from chalicelib.training.workflow.following import stop

from shared import log
from shared.entities.deletion import Deletion
from shared.entities.training import JobState
from shared.errors import ConditionFailed

_log = log.logger("training")


def stop_jobs_of(ports: Ports, pipeline: str) -> None:
    """Stop what a deleted pipeline still trains; what the event says is read again from the row."""
    deletion = ports.pipelines.deletion(pipeline)
    if deletion is None:
        return
    for seen in ports.jobs.open():
        job = ports.jobs.still_open(seen) if seen.pipeline == pipeline else None
        if job is not None:
            stop_if_deleted(ports, job, {pipeline: deletion})


def stop_if_deleted(ports: Ports, job: Job, deletions: Mapping[str, Deletion]) -> Job:
    """Return the job, stopped where its pipeline is among the *deletions* that came after it was planned.

    Only a deletion that was read ends anything: a definition that is not found, or a read that fails, never does.
    """
    deletion = deletions.get(job.pipeline)
    if deletion is None or job.life >= deletion.life or job.state in {*AT_REST, JobState.STOPPING}:
        return job
    _log.info("stopping a job of a deleted pipeline", extra={"job_id": job.job_id, "pipeline": job.pipeline})
    try:
        return stop(ports, job, f"the pipeline was deleted by {deletion.deleted_by}")
    except ConditionFailed:
        # Moved meanwhile, perhaps to its end: the next minute looks again.
        return ports.jobs.get(job.job_id)
