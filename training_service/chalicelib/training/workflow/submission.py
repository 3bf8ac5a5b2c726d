"""The quota admits a waiting job, SageMaker accepts it, or it waits on: waiting is normal and never a failure."""

from datetime import timedelta
from enum import Enum

from chalicelib.training.families import PUSHED
from chalicelib.training.job import Job, sagemaker_name
from chalicelib.training.ports import Ports
from chalicelib.training.pushed_recipes import BadRecipe, check_pushed
from chalicelib.training.reasons import sanitise
from chalicelib.training.request import training_request
from chalicelib.training.sagemaker import Described
from chalicelib.training.workflow.admission import admit
from chalicelib.training.workflow.telling import tell_ended, tell_started, tell_waiting

from shared import log
from shared.clock import LEASE_MARGIN, to_text
from shared.entities.training import JobState
from shared.errors import (
    Broken,
    ConditionFailed,
    Conflict,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    Unavailable,
)

# Any end of a job wakes the waiting ones at once; these waits are for what ends without an event.
_FIRST_WAIT_S = 30
_LONGEST_WAIT_S = 900
_CLAIM_TRIES = 3
_log = log.logger("training")


class _OutcomeOpen(Exception):
    """SageMaker answered neither whether the job was created nor whether it is there."""


class Outcome(Enum):
    """What became of a try, and so which of the younger jobs may be tried after it."""

    SETTLED = "SageMaker has the job, or it is dead: the next"
    NOT_NOW = "somebody else has the job, or its pipeline holds it: the next"
    LIMITED = "the account has no more instances of its type: the next of another type"
    FULL = "all slots of this stage are taken, or SageMaker throttles: none"


def start_next(ports: Ports, *also: Job, wake: bool = False) -> None:
    """Submit what a dead submitter left and waiting jobs, oldest first, until the quota or SageMaker says no.

    Parameters
    ----------
    also
        Jobs written just now, which the index may not show yet.
    wake
        Something ended: try even those that would wait longer.
    """
    limited: set[str] = set()
    # Not read again one by one, though the index lags: every claim is guarded.
    for job in ports.jobs.line(*also):
        # Nobody overtakes an older job that waits for the same kind of instance.
        if job.instance in limited:
            continue
        outcome = _try(ports, job, wake=wake)
        if outcome is Outcome.FULL:
            return
        if outcome is Outcome.LIMITED:
            limited.add(job.instance)


def is_due(ports: Ports, job: Job) -> bool:
    """Say whether the job's wait is over and nobody holds it."""
    now = ports.clock()
    held = job.lease_until is not None and job.lease_until > to_text(now - LEASE_MARGIN)
    return not held and (job.next_try_at or "") <= to_text(now)


def _try(ports: Ports, job: Job, *, wake: bool) -> Outcome:
    if not is_due(ports, job):
        if not (wake and job.state is JobState.PENDING):
            return Outcome.LIMITED if job.is_limited else Outcome.NOT_NOW
        try:
            job = ports.jobs.waken(job)
        except ConditionFailed:
            return Outcome.NOT_NOW
    return submit(ports, job)


def submit(ports: Ports, job: Job) -> Outcome:
    """Bring one job to SageMaker, or say why it (and which of those behind it) must wait."""
    claimed = claim(ports, job)
    if isinstance(claimed, Outcome):
        return claimed
    # From the stored plan, never planned anew: every attempt of a job trains on the same inputs.
    plan = ports.job_files.read(claimed.job_id)
    request = training_request(plan, claimed.attempt, ports.place)
    try:
        if plan.recipe == PUSHED:
            check_pushed(ports.model_files.bucket, plan.recipe_sha256)
        _create(ports, claimed, request)
    except QuotaExceeded as error:
        _wait(ports, claimed, error)
        return Outcome.LIMITED
    except _OutcomeOpen:
        # It keeps its slot until the lease runs out; who takes it up then finds whether the name is taken.
        return Outcome.FULL
    except Unavailable as error:
        _wait(ports, claimed, error)
        return Outcome.FULL
    except (BadRecipe, Broken, Conflict, InvalidRequest) as error:
        # Trying again would be refused again: a person reads the reason and uses retry.
        tell_ended(ports, ports.jobs.dead(claimed, f"{_code_of(error)}: {sanitise(str(error))}"))
        return Outcome.SETTLED
    _note_running(ports, claimed)
    return Outcome.SETTLED


def _code_of(refusal: Exception) -> str:
    if isinstance(refusal, BadRecipe):
        return "recipe"
    return "name_collision" if isinstance(refusal, Conflict) else "refused"


def claim(ports: Ports, job: Job) -> Job | Outcome:
    """Take a slot of the quota and the job's lease in one transaction, or say why there is none to take."""
    for _ in range(_CLAIM_TRIES):
        slots = ports.jobs.slots()
        if job.job_id not in slots.jobs and len(slots.jobs) >= ports.max_jobs:
            return Outcome.FULL
        also = admit(ports, job)
        if also is None:
            return Outcome.NOT_NOW
        try:
            return ports.jobs.submitting(job, slots, *also)
        except ConditionFailed:
            # Either another job took a slot, then ours may still be had; or somebody has ours.
            job = ports.jobs.get(job.job_id)
            if job.state not in {JobState.PENDING, JobState.SUBMITTING} or not is_due(ports, job):
                return Outcome.NOT_NOW
    return Outcome.NOT_NOW


def _create(ports: Ports, job: Job, request: dict[str, object]) -> None:
    """Create the SageMaker job; that it exists already is a success if it was made from the same inputs.

    Raises
    ------
    Conflict
        The name belongs to a job with other inputs.
    Unavailable
        It was not created.
    _OutcomeOpen
        It may have been created: a slot that is given away then is one too many.
    """
    try:
        ports.sagemaker.create(request)
    except (Conflict, Unavailable) as error:
        described = _look(ports, str(request["TrainingJobName"]), error)
        if described.input_sha256 != job.input_sha256:
            raise Conflict(f"another job than ours is named {described.name}") from None


def _look(ports: Ports, name: str, refusal: Conflict | Unavailable) -> Described:
    """Return what the name that was not created belongs to."""
    try:
        return ports.sagemaker.describe(name)
    except NotFound:
        if isinstance(refusal, Unavailable):
            raise refusal from None
        raise Unavailable("the job's name is taken and yet not found; it may be in deletion") from refusal
    except Unavailable as error:
        raise _OutcomeOpen(str(refusal)) from error


def _wait(ports: Ports, job: Job, error: Exception) -> None:
    """Put the job back; the wait doubles up to 15 minutes, spread so that jobs do not come back together."""
    longest = min(_LONGEST_WAIT_S, _FIRST_WAIT_S * 2 ** min(job.tries, 10))
    wait = timedelta(seconds=round(longest * (0.5 + ports.jitter() / 2)))
    reason = sanitise(str(error))
    others = set(ports.jobs.slots().jobs) - {job.job_id}
    is_limited = isinstance(error, QuotaExceeded)
    if is_limited and not others:
        # None of our jobs runs, so waiting for one to end cannot help: the account's quota is too small.
        tell_waiting(ports, job, reason)
    try:
        ports.jobs.waiting(job, reason, to_text(ports.clock() + wait), is_limited=is_limited)
    except ConditionFailed:
        return  # stopped, or claimed anew after the lease ran out: the other side goes on
    _log.warning("training job waits", extra={"job_id": job.job_id, "reason": reason})


def _note_running(ports: Ports, job: Job) -> None:
    """Write that SageMaker has the job; if it was stopped, or ended, meanwhile, stop it there too."""
    try:
        tell_started(ports, ports.jobs.running(job))
    except ConditionFailed:
        # At rest: this submitter was so late that its lease was over, and whoever ended the job saw none in SageMaker.
        if ports.jobs.get(job.job_id).state in {JobState.STOPPING, JobState.STOPPED, JobState.DEAD}:
            ports.sagemaker.stop(sagemaker_name(ports.place.stage, job.job_id, job.attempt))
