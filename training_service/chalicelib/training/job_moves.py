"""All that a training job may do: no other change of its state is ever written."""

from enum import Enum

from shared.entities.moves import Move
from shared.entities.training import JobState

PENDING, SUBMITTING, RUNNING = JobState.PENDING, JobState.SUBMITTING, JobState.RUNNING
FINALISING, STOPPING = JobState.FINALISING, JobState.STOPPING
SUCCEEDED, DEAD, STOPPED = JobState.SUCCEEDED, JobState.DEAD, JobState.STOPPED
_BEFORE_REST = (PENDING, SUBMITTING, RUNNING, FINALISING)


class JobMove(Enum):
    """The table; each move is written by one method of ``JobChanges`` or ``JobRows``."""

    PLAN = Move((), PENDING, "work is asked for that no job has done")
    HOLD = Move(
        (PENDING,), PENDING, "the pipeline's `quiet` or `at_most` makes it wait, or does so no longer"
    )
    HURRY = Move((PENDING,), PENDING, "a person asks for it, or something ended: it is due now")
    SUPERSEDE = Move((PENDING,), STOPPED, "a newer job trains its data too")
    SUBMIT = Move(
        (PENDING, SUBMITTING), SUBMITTING, "it is due, has a slot of the quota, and no submitter holds it"
    )
    WAIT = Move((SUBMITTING,), PENDING, "SageMaker refuses for now: a limit, a throttle")
    RUN = Move((SUBMITTING,), RUNNING, "SageMaker has the job")
    RETRY = Move(
        (SUBMITTING, RUNNING), PENDING, "the attempt failed by SageMaker's fault, and more are allowed"
    )
    FINALISE = Move((SUBMITTING, RUNNING), FINALISING, "SageMaker completed it; it takes its model's number")
    RENUMBER = Move((FINALISING,), FINALISING, "its number has files of another model")
    SUCCEED = Move((FINALISING,), SUCCEEDED, "the model version exists, in the same transaction")
    STOP = Move(_BEFORE_REST, STOPPING, "a person asks, it is stuck, or its pipeline was deleted")
    CEASE = Move((SUBMITTING, RUNNING, STOPPING), STOPPED, "SageMaker says so, or never had it")
    DIE = Move(
        _BEFORE_REST, DEAD, "it can bring no model: refused, failed for good, out of attempts, a bad artifact"
    )
    REVIVE = Move((DEAD, STOPPED), PENDING, "a person retries it: the next attempt")
