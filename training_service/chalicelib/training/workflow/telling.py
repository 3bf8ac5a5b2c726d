"""The rows are the outbox: tell what they say, then close them. A crash between is told twice, never not at all."""

from chalicelib.training.job import Job
from chalicelib.training.ports import Ports
from chalicelib.training.reasons import quota_in
from chalicelib.training.workflow.mirroring import mirror

from shared import metrics
from shared.entities.training import JobState, ModelState, ModelVersion
from shared.errors import ConditionFailed
from shared.events import (
    Event,
    ModelVersionApproved,
    ModelVersionRejected,
    TrainingJobFailed,
    TrainingJobStarted,
)


def tell_started(ports: Ports, job: Job) -> None:
    """Announce that SageMaker accepted the present attempt, unless that is noted as told."""
    if job.told_attempt >= job.attempt:
        return
    event = TrainingJobStarted(
        pipeline=job.pipeline, job_id=job.job_id, attempt=job.attempt, dataset_version=job.dataset_version
    )
    # Told before it is noted: the other order would lose the event of a crash between.
    ports.bus.announce(event, correlation_id=job.correlation_id)
    _close_job(ports, job, started=True)


def tell_ended(ports: Ports, job: Job) -> None:
    """Announce a job that ended without a model, count it and close its row."""
    if job.state not in {JobState.DEAD, JobState.STOPPED}:
        return
    reason = job.reason or "stopped"
    event = TrainingJobFailed(pipeline=job.pipeline, job_id=job.job_id, attempt=job.attempt, reason=reason)
    ports.bus.announce(event, correlation_id=job.correlation_id)
    count(ports, "TrainingJobFailed", job.pipeline, job_id=job.job_id, reason=reason)
    _close_job(ports, job, started=False)


def tell_verdict(ports: Ports, model: ModelVersion) -> None:
    """Announce a decision that others act on, then mirror it; a version that waits for a person is no event."""
    # PENDING_APPROVAL and NEEDS_PERSON are shown by the API; nobody acts on them by event.
    event: Event | None = None
    if model.state is ModelState.APPROVED:
        event = ModelVersionApproved(
            pipeline=model.pipeline,
            version=model.version,
            job_id=model.job_id,
            evaluated_champion=model.evaluated_champion,
        )
    elif model.state is ModelState.REJECTED:
        event = ModelVersionRejected(
            pipeline=model.pipeline, version=model.version, job_id=model.job_id, reasons=model.reasons
        )
    if event is not None:
        ports.bus.announce(event, correlation_id=model.correlation_id)
        count(ports, type(event).__name__, model.pipeline, version=model.version)
    try:
        told = ports.models.told(model)
    except ConditionFailed:
        return  # decided anew meanwhile; whoever did that tells it
    mirror(ports, told)


def tell_waiting(ports: Ports, job: Job, reason: str) -> None:
    """Count a job that waits for longer than is normal, naming the quota it waits for; an alarm reads the metric."""
    count(ports, "JobWaiting", job.pipeline, job_id=job.job_id, reason=reason, quota=quota_in(reason))


def count(ports: Ports, name: str, pipeline: str, **properties: object) -> None:
    """Count one occurrence in CloudWatch for the service, which alarms and graphs read; its pipeline is searchable in the log."""
    metrics.emit(
        {name: (1, "Count")},
        dimensions={"stage": ports.place.stage, "service": "training"},
        properties={"pipeline": pipeline, **properties},
    )


def _close_job(ports: Ports, job: Job, *, started: bool) -> None:
    try:
        if started:
            ports.jobs.told_started(job)
        else:
            ports.jobs.told(job)
    except ConditionFailed:
        return  # the job moved on; its next state has its own event
