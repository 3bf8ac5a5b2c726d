"""The pipeline's own wish admits a job that new data asked for: the quiet time is over, ``at_most`` leaves room."""

from chalicelib.training.job import Job
from chalicelib.training.pacing import Hold, find_hold, recent_starts
from chalicelib.training.ports import Ports

from shared.clock import to_text
from shared.errors import ConditionFailed, NotFound
from shared.tables import Write


def admit(ports: Ports, job: Job) -> tuple[Write, ...] | None:
    """Return what must be written along with the job's claim; None where its pipeline holds it, which is noted."""
    if not job.paced or job.attempt > 1:
        return ()
    try:
        # As the definition is now: who relaxes it does not want to wait out what it said before.
        train = ports.pipelines.definition(job.pipeline).train
    except NotFound:
        return ()
    pacing, now = ports.pacing.get(job.pipeline), ports.clock()
    hold = find_hold(train, job, pacing.starts, now)
    _note(ports, job, hold)
    if hold is not None:
        return None
    if train.at_most == "none":
        return ()
    # In the claim's transaction: two jobs at once cannot both be the last that is allowed.
    starts = recent_starts(train, pacing.starts, now)
    return (ports.pacing.starting(pacing, job, starts, to_text(now)),)


def is_held(ports: Ports, job: Job) -> bool:
    """Say whether the pipeline itself holds the job back, as it was last noted."""
    return job.not_before is not None and job.not_before > to_text(ports.clock())


def _note(ports: Ports, job: Job, hold: Hold | None) -> None:
    """Write the hold into the row where it is another than the row says."""
    if (hold.until if hold else None) == job.not_before or (hold is None and not is_held(ports, job)):
        return
    try:
        ports.jobs.held(job, hold)
    except ConditionFailed:
        return  # claimed or ended meanwhile: that side goes on
