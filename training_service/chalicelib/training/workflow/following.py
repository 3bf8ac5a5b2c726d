"""SageMaker moves: describe the job and bring its row to where it is. Events only say when to look."""

from datetime import timedelta

from chalicelib.training.job import AT_REST, Job, makes_model, sagemaker_name
from chalicelib.training.ports import Ports
from chalicelib.training.reasons import is_retryable, sanitise
from chalicelib.training.sagemaker import Described
from chalicelib.training.workflow.evaluating import finish_evaluation
from chalicelib.training.workflow.finalising import finalise
from chalicelib.training.workflow.reproducing import finish_reproduction
from chalicelib.training.workflow.telling import count, tell_ended, tell_started

from shared import log
from shared.clock import LEASE_MARGIN, to_text
from shared.entities.training import JobPurpose, JobState
from shared.errors import ConditionFailed, NotFound

STUCK_AFTER = timedelta(minutes=15)
# What a completed job becomes, by its purpose.
_FINISH = {
    JobPurpose.TRAIN: finalise,
    JobPurpose.EVALUATE: finish_evaluation,
    JobPurpose.REPRODUCE: finish_reproduction,
}
_log = log.logger("training")


def follow(ports: Ports, job: Job) -> Job:
    """Return the job as it is after SageMaker's answer was written down; losing a race is no error."""
    try:
        return _follow(ports, job)
    except ConditionFailed:
        return ports.jobs.get(job.job_id)


def stop(ports: Ports, job: Job, reason: str) -> Job:
    """Ask for the end of a job that is not at rest; only Describe says when it has ended."""
    job = ports.jobs.stopping(job, reason)
    return follow(ports, job)


def _follow(ports: Ports, job: Job) -> Job:
    if job.state is JobState.FINALISING:
        # The finaliser before us died, or works still: both may do it, only one transaction holds.
        return _FINISH[job.purpose](ports, job)
    if job.state is JobState.PENDING or job.state in AT_REST:
        return job
    name = sagemaker_name(ports.place.stage, job.job_id, job.attempt)
    try:
        described = ports.sagemaker.describe(name)
    except NotFound:
        return _absent(ports, job)
    if described.input_sha256 != job.input_sha256:
        return job  # not ours; submission finds the name taken and says so
    if job.state is JobState.STOPPING:
        return _stopping(ports, job, described)
    return _moved(ports, job, described)


def _absent(ports: Ports, job: Job) -> Job:
    """Decide about a job SageMaker does not know: never created, perhaps about to be, or deleted by somebody."""
    now = to_text(ports.clock() - LEASE_MARGIN)
    # A submitter may be between its claim and its call: absence says nothing before the lease is over.
    if job.state is JobState.SUBMITTING or (job.lease_until and job.lease_until > now):
        return job
    if job.state is JobState.STOPPING:
        return _end(ports, ports.jobs.stopped(job, job.reason or "stopped"))
    return _end(ports, ports.jobs.dead(job, "deleted: the SageMaker job is gone; train again with retry"))


def _stopping(ports: Ports, job: Job, described: Described) -> Job:
    """End a job that shall stop: whatever it came to, its result is not wanted any more."""
    if described.status == "InProgress":
        ports.sagemaker.stop(described.name)
        return job
    if described.status == "Stopping":
        return job
    return _end(ports, ports.jobs.stopped(job, job.reason or "stopped"))


def _moved(ports: Ports, job: Job, described: Described) -> Job:
    match described.status:
        case "Completed":
            # Outside the transaction: DynamoDB cannot use a counter as a key in one. A gap costs nothing.
            number = ports.models.take_number(job.pipeline) if makes_model(job) else None
            return _FINISH[job.purpose](ports, ports.jobs.finalising(job, number))
        case "Failed":
            return _failed(ports, job, described)
        case "Stopped":
            return _stopped(ports, job, described)
    if job.state is JobState.SUBMITTING:
        # The submitter died between SageMaker's yes and its own note.
        job = ports.jobs.running(job)
    tell_started(ports, job)
    return _stop_if_stuck(ports, job, described)


def _failed(ports: Ports, job: Job, described: Described) -> Job:
    """Try again only where the fault was SageMaker's; the same data and code would fail the same way."""
    reason = sanitise(described.failure_reason) or "Failed: SageMaker gives no reason"
    if not is_retryable(described.failure_reason, described.secondary_status):
        return _end(ports, ports.jobs.dead(job, reason))
    if job.attempt >= job.max_attempts:
        return _end(ports, ports.jobs.dead(job, sanitise(f"{reason} (attempt {job.attempt}, the last)")))
    return ports.jobs.retrying(job)


def _stopped(ports: Ports, job: Job, described: Described) -> Job:
    """Decide about a job that nobody here stopped: out of time, interrupted, or by hand in the console."""
    if described.secondary_status == "MaxRuntimeExceeded":
        minutes = described.max_runtime_s // 60
        reason = f"max_runtime: not done after {minutes} minutes; raise train.max_minutes or train on less"
        return _end(ports, ports.jobs.dead(job, reason))
    if is_retryable(described.failure_reason, described.secondary_status):
        return _failed(ports, job, described)
    return _end(ports, ports.jobs.stopped(job, "stopped in SageMaker, not by Headrace"))


def _stop_if_stuck(ports: Ports, job: Job, described: Described) -> Job:
    """Stop a job that SageMaker should have ended 15 minutes ago; waiting for capacity is not run time."""
    if described.started_at is None or described.status != "InProgress":
        return job
    ends_at = described.started_at + timedelta(seconds=described.max_runtime_s)
    if ports.clock() <= ends_at + STUCK_AFTER:
        return job
    _log.error("training job is stuck", extra={"job_id": job.job_id, "sagemaker_job": described.name})
    count(ports, "StuckJob", job.pipeline, job_id=job.job_id)
    minutes = described.max_runtime_s // 60
    stuck = ports.jobs.stopping(job, f"stuck: still in progress 15 minutes after its {minutes} minutes")
    return _stopping(ports, stuck, described)


def _end(ports: Ports, job: Job) -> Job:
    tell_ended(ports, job)
    return job
