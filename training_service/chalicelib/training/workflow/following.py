"""SageMaker moves: describe the job and bring its row to where it is. Events only say when to look."""

from contextlib import suppress
from datetime import datetime, timedelta

from chalicelib.training.job import AT_REST, Job, makes_model, sagemaker_name
from chalicelib.training.ports import Ports
from chalicelib.training.reasons import is_retryable, sanitise, sanitise_log
from chalicelib.training.sagemaker import Described
from chalicelib.training.workflow.evaluating import finish_evaluation
from chalicelib.training.workflow.finalising import finalise
from chalicelib.training.workflow.reproducing import finish_reproduction
from chalicelib.training.workflow.telling import count, tell_ended, tell_started

from shared import log
from shared.clock import LEASE_MARGIN, to_text
from shared.entities.training import JobPurpose, JobState
from shared.errors import ConditionFailed, HeadraceError, NotFound

STUCK_AFTER = timedelta(minutes=15)
NEVER_STARTED = timedelta(days=1)
_NUMBERS_TRIED = 5  # each a read and a transaction; contended only by other jobs of the same pipeline
_READ_LINES = 60  # more than are kept: empty ones are left out
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
        return _foreign(ports, job)
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
        return _stopped_here(ports, job)
    return _dead(ports, job, "deleted: the SageMaker job is gone; train again with retry")


def _foreign(ports: Ports, job: Job) -> Job:
    """Decide about a job whose name belongs to one with other inputs: made anew by somebody after ours was deleted."""
    if job.state is JobState.SUBMITTING:
        return job  # submission finds the name taken and says so
    if job.state is JobState.STOPPING:
        return _stopped_here(ports, job)
    return _dead(ports, job, "name_collision: another SageMaker job has taken the name of this one")


def _stopping(ports: Ports, job: Job, described: Described) -> Job:
    """End a job that shall stop: whatever it came to, its result is not wanted any more."""
    if described.status == "InProgress":
        ports.sagemaker.stop(described.name)
        return job
    if described.status == "Stopping":
        return job
    return _stopped_here(ports, job)


def _moved(ports: Ports, job: Job, described: Described) -> Job:
    match described.status:
        case "Completed":
            return _FINISH[job.purpose](ports, _finalising(ports, job))
        case "Failed":
            return _failed(ports, job, described)
        case "Stopped":
            return _stopped(ports, job, described)
    if job.state is JobState.SUBMITTING:
        # The submitter died between SageMaker's yes and its own note.
        job = ports.jobs.running(job)
    tell_started(ports, job)
    return _stop_if_stuck(ports, job, described)


def _finalising(ports: Ports, job: Job) -> Job:
    """Return the completed job FINALISING, under the next number where it makes a model version.

    Raises
    ------
    ConditionFailed
        Another handler was quicker, or so many others took numbers meanwhile: the tick comes back to this one.
    """
    if not makes_model(job):
        return ports.jobs.finalising(job)
    for _ in range(_NUMBERS_TRIED):
        number, taking = ports.models.next_number(job.pipeline)
        with suppress(ConditionFailed):
            return ports.jobs.finalising(job, number, taking)
        if ports.jobs.get(job.job_id).state is not job.state:
            break
    raise ConditionFailed(f"training job {job.job_id} was moved meanwhile, or its number taken")


def _failed(ports: Ports, job: Job, described: Described) -> Job:
    """Try again only where the fault was SageMaker's; the same data and code would fail the same way."""
    reason = sanitise(described.failure_reason) or f"{described.secondary_status}: SageMaker gives no reason"
    if not is_retryable(described.failure_reason, described.secondary_status):
        return _dead(ports, job, reason)
    if job.attempt >= job.max_attempts:
        return _dead(ports, job, sanitise(f"{reason} (attempt {job.attempt}, the last)"))
    count(ports, "TrainingJobRetried", job.pipeline, job_id=job.job_id, attempt=job.attempt, reason=reason)
    return ports.jobs.retrying(job, reason)


def _stopped(ports: Ports, job: Job, described: Described) -> Job:
    """Decide about a job that nobody here stopped: out of time, interrupted, or by hand in the console."""
    minutes = described.max_runtime_s // 60
    if described.secondary_status == "MaxRuntimeExceeded":
        return _dead(
            ports,
            job,
            f"max_runtime: not done after {minutes} minutes; raise train.max_minutes or train on less",
        )
    if described.secondary_status == "MaxWaitTimeExceeded":
        waited = (described.max_wait_s or 0) // 60
        advice = "retry goes on from its checkpoint; train.spot: false takes capacity that stays"
        return _dead(ports, job, f"max_wait: spot capacity did not suffice within {waited} minutes; {advice}")
    if is_retryable(described.failure_reason, described.secondary_status):
        return _failed(ports, job, described)
    return _end(
        ports, ports.jobs.stopped(job, "stopped in SageMaker, not by Headrace", _log_tail(ports, job))
    )


def _stop_if_stuck(ports: Ports, job: Job, described: Described) -> Job:
    """Stop a job that SageMaker should have ended 15 minutes ago, or that has never begun."""
    why = _stuck(described, ports.clock())
    if why is None:
        return job
    _log.error("training job is stuck", extra={"job_id": job.job_id, "sagemaker_job": described.name})
    count(ports, "StuckJob", job.pipeline, job_id=job.job_id, reason=why)
    return _stopping(ports, ports.jobs.stopping(job, f"stuck: {why}"), described)


def _stuck(described: Described, now: datetime) -> str | None:
    """Return why a job in progress will not end by itself, None while it may."""
    if described.status != "InProgress":
        return None
    if described.started_at is None:
        # Waiting for capacity is not run time, and SageMaker itself gives up long before this.
        waited_since = described.created_at or now
        return "SageMaker has not begun it within a day" if now - waited_since > NEVER_STARTED else None
    # A job on spot capacity that was interrupted goes on after the time it may run.
    limit_s = described.max_wait_s or described.max_runtime_s
    if now <= described.started_at + timedelta(seconds=limit_s) + STUCK_AFTER:
        return None
    return f"still in progress 15 minutes after its {limit_s // 60} minutes"


def _dead(ports: Ports, job: Job, reason: str) -> Job:
    return _end(ports, ports.jobs.dead(job, reason, _log_tail(ports, job)))


def _stopped_here(ports: Ports, job: Job) -> Job:
    return _end(ports, ports.jobs.stopped(job, job.reason or "stopped", _log_tail(ports, job)))


def _log_tail(ports: Ports, job: Job) -> tuple[str, ...]:
    """Return the last lines the attempt printed, fit for a person; a log that cannot be read holds up no end."""
    name = sagemaker_name(ports.place.stage, job.job_id, job.attempt)
    try:
        return sanitise_log(ports.logs.tail(name, _READ_LINES).lines)
    except HeadraceError as error:
        _log.warning(
            "the log of a training job cannot be read", extra={"sagemaker_job": name, "why": str(error)}
        )
        return ()


def _end(ports: Ports, job: Job) -> Job:
    tell_ended(ports, job)
    return job
