"""What starts a chapter: a fact of the ingest service, a change in SageMaker or its registry, the minute."""

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.training.job import job_id_of
from chalicelib.training.ports import Ports
from chalicelib.training.workflow.deleting import stop_jobs_of
from chalicelib.training.workflow.following import follow
from chalicelib.training.workflow.hearing import hear_package
from chalicelib.training.workflow.planning import plan_after_drift, plan_new_data
from chalicelib.training.workflow.reconciling import reconcile_rows
from chalicelib.training.workflow.submission import start_next

from shared import log, metrics
from shared.entities.training import JobState
from shared.errors import Conflict, InvalidRequest, NotFound
from shared.events import DatasetVersionReady, DriftDetected, PipelineDeleted

_log = log.logger("training")


def on_dataset_version_ready(ports: Ports, event: DatasetVersionReady) -> None:
    """Plan a job for the new data and submit what the quota admits."""
    log.start(correlation_id=event.version, pipeline=event.pipeline)
    with _permanent_errors_logged():
        job = plan_new_data(ports, event.pipeline, event.version)
        if job is not None:
            start_next(ports, job)


def on_drift_detected(ports: Ports, event: DriftDetected) -> None:
    """Plan a job for the data that came since the live version, and submit what the quota admits."""
    log.start(pipeline=event.pipeline, version=event.version)
    with _permanent_errors_logged():
        job = plan_after_drift(ports, event.pipeline, event.version)
        if job is not None:
            start_next(ports, job)


def on_pipeline_deleted(ports: Ports, event: PipelineDeleted) -> None:
    """Stop what the pipeline still trains; the slots that this frees are given away as each job is told to have ended."""
    log.start(pipeline=event.pipeline)
    stop_jobs_of(ports, event.pipeline)


def on_training_job_state_change(ports: Ports, name: str) -> None:
    """Look after the job that SageMaker says has changed; the freed slot goes to the next in line."""
    job_id = job_id_of(ports.place.stage, name)
    job = ports.jobs.find(job_id) if job_id else None
    if job is None:
        return
    log.start(correlation_id=job.correlation_id, pipeline=job.pipeline, job_id=job.job_id)
    with _permanent_errors_logged():
        after = follow(ports, job)
        # A job that left RUNNING has freed its slot.
        if after.state is not job.state and after.state is not JobState.RUNNING:
            start_next(ports, after, wake=True)


def on_model_package_state_change(ports: Ports, arn: str) -> None:
    """Look at the model package that SageMaker says has changed: perhaps a person has decided there."""
    log.start()
    with _permanent_errors_logged():
        hear_package(ports, arn)


def on_minute(ports: Ports) -> None:
    """Mend what events and crashes left undone."""
    log.start()
    reconcile_rows(ports)
    metrics.tell_alive(ports.place.stage, "training")


@contextmanager
def _permanent_errors_logged() -> Iterator[None]:
    """Log what no retry can mend; all else flies, to be tried again and then kept as a dead letter.

    A missing permission is no fault of the event: it flies too, until the policy is mended.
    """
    try:
        yield
    except (InvalidRequest, NotFound, Conflict):
        _log.exception("the event cannot be handled")
