"""What people ask for over REST: a training, its end, a decision."""

import msgspec
from chalicelib.training.job import AT_REST, Job
from chalicelib.training.plan import hash_evaluation
from chalicelib.training.ports import Ports
from chalicelib.training.views import NewTrainingJob
from chalicelib.training.workflow.following import follow, stop
from chalicelib.training.workflow.judging import decide_as_person, is_gates_to_decide, judge
from chalicelib.training.workflow.planning import is_trainable, plan_job
from chalicelib.training.workflow.submission import start_next

from shared.entities.dataset import DatasetVersion
from shared.entities.training import JobState, ModelState, ModelVersion
from shared.errors import ConditionFailed, Conflict, InvalidRequest, NotFound
from shared.http.request import Caller


def request_training(ports: Ports, caller: Caller, asked: NewTrainingJob) -> Job:
    """Return the job for what was asked: a new one, the one that exists, or with ``retry`` its next attempt."""
    if not caller.may_touch(asked.pipeline):
        raise NotFound(f"no pipeline {asked.pipeline!r}")
    definition = ports.pipelines.definition(asked.pipeline)
    if asked.job_id is not None:
        job = _named(ports, caller, asked)
    else:
        # Not guarded by "already trained": a person may ask for a comparison with a new champion.
        job = plan_job(ports, definition, find_dataset(ports, asked))
    if asked.retry:
        job = revive(ports, job)
    if job.paced and job.state is JobState.PENDING:
        # Quiet times and rates are for data that asks by itself.
        job = _hurry(ports, job)
    start_next(ports, job)
    return ports.jobs.get(job.job_id)


def _named(ports: Ports, caller: Caller, asked: NewTrainingJob) -> Job:
    """Return the job that is asked for by its id, which only a retry may do."""
    job = find_job(ports, caller, str(asked.job_id))
    if job.pipeline != asked.pipeline:
        raise NotFound(f"pipeline {asked.pipeline!r} has no training job {asked.job_id!r}")
    if not asked.retry or asked.dataset_version is not None:
        raise InvalidRequest("job_id goes with retry and without dataset_version: a job knows its data")
    return job


def _hurry(ports: Ports, job: Job) -> Job:
    try:
        return ports.jobs.hurried(job)
    except ConditionFailed:
        return ports.jobs.get(job.job_id)  # it starts already


def find_dataset(ports: Ports, asked: NewTrainingJob) -> DatasetVersion:
    """Return the dataset version to train: the one that is named, else the newest.

    Raises
    ------
    Conflict
        It is not READY or a copy of another, or there is none yet.
    """
    if asked.dataset_version is None:
        ready = ports.datasets.ready(asked.pipeline)
        if not ready:
            raise Conflict(f"pipeline {asked.pipeline!r} has no READY dataset version; upload data first")
        return ready[-1]
    dataset = ports.datasets.get(asked.pipeline, asked.dataset_version)
    if dataset.duplicate_of:
        raise Conflict(f"{dataset.version} has the same content as {dataset.duplicate_of}; train that")
    if not is_trainable(dataset):
        raise Conflict(f"dataset version {dataset.version} is {dataset.state}, not READY")
    return dataset


def revive(ports: Ports, job: Job) -> Job:
    """Return the next attempt of a job that ended without a model; a job that still runs is left alone.

    It trains on the same inputs, with the instance and the time that the pipeline gives by now.
    """
    if job.state is JobState.SUCCEEDED:
        raise Conflict(f"training job {job.job_id} has succeeded; the same inputs would give the same model")
    if job.state not in AT_REST:
        return job
    # Before the definition: where that is deleted in between, the minute ends what is begun here.
    life = ports.pipelines.life(job.pipeline)
    train = ports.pipelines.definition(job.pipeline).train
    plan = msgspec.structs.replace(
        ports.job_files.read(job.job_id),
        instance=train.instance,
        spot=train.spot,
        max_minutes=train.max_minutes,
    )
    ports.job_files.write(plan)
    # A second "retry" of the same click meets a job that is no longer at rest, and starts nothing.
    try:
        return ports.jobs.revived(job, train.instance, life)
    except ConditionFailed:
        return ports.jobs.get(job.job_id)


def find_job(ports: Ports, caller: Caller, job_id: str) -> Job:
    """Return a job the caller may know of; any other is not found."""
    job = ports.jobs.find(job_id)
    if job is None or not caller.may_touch(job.pipeline):
        raise NotFound(f"no training job {job_id!r}")
    return job


def request_stop(ports: Ports, caller: Caller, job_id: str) -> Job:
    """Ask for the end of a job; asked again while it stops, look where it is.

    Raises
    ------
    Conflict
        The job has ended already.
    """
    job = find_job(ports, caller, job_id)
    if job.state in AT_REST:
        raise Conflict(f"training job {job_id} is {job.state} already")
    if job.state is JobState.STOPPING:
        return follow(ports, job)
    try:
        job = stop(ports, job, f"stopped by {caller.token_id or 'a person'}")
    except ConditionFailed:
        raise Conflict(f"training job {job_id} has just changed; look again") from None
    # Its slot is free at once if SageMaker never had it; otherwise the next ones are refused and wait on.
    start_next(ports, wake=True)
    return job


def request_judgement(ports: Ports, model: ModelVersion) -> ModelVersion:
    """Judge a version now instead of within a minute; a comparison that failed is tried once more.

    Raises
    ------
    Conflict
        A person decided about it, or it serves: its verdict stays.
    """
    release = ports.releases.current(model.pipeline)
    if release and model.version in {release.live, release.candidate}:
        raise Conflict(f"{model.version} is live or being released; its verdict stays")
    if not is_gates_to_decide(model):
        raise Conflict(f"a person decided about {model.version}; the gate does not overrule that")
    live = release.live if release else None
    job = ports.jobs.find(hash_evaluation(model.pipeline, model.version, live)[:20])
    if job is not None and job.state in {JobState.DEAD, JobState.STOPPED}:
        start_next(ports, revive(ports, job))
    return judge(ports, model)


def request_decision(
    ports: Ports, caller: Caller, model: ModelVersion, state: ModelState, reason: str
) -> ModelVersion:
    """Write down a person's decision about a model version."""
    return decide_as_person(ports, model, state, who=caller.token_id or "a person", reason=reason)
