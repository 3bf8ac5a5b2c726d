"""A dataset version asks for a model: decide what to train and write it down, once."""

from datetime import datetime

import msgspec
from chalicelib.training.families import family_of
from chalicelib.training.job import Job, new_job
from chalicelib.training.model_files import artifact_key
from chalicelib.training.pacing import find_hold, is_paced
from chalicelib.training.pacing_rows import Pacing
from chalicelib.training.plan import (
    Champion,
    TrainingPlan,
    Work,
    choose_readings,
    plan_evaluation,
    plan_training,
)
from chalicelib.training.ports import Ports

from shared import log
from shared.clock import to_text
from shared.entities.dataset import DatasetState, DatasetVersion
from shared.entities.pipeline import PipelineDefinition, pushed_recipe
from shared.entities.training import JobPurpose, JobState, ModelVersion
from shared.errors import ConditionFailed, Conflict, Unavailable

_PLAN_TRIES = 5
_log = log.logger("training")


def is_trainable(version: DatasetVersion) -> bool:
    """Say whether a model may be trained for *version*: it is READY and not a copy of another."""
    return version.state is DatasetState.READY and not version.duplicate_of


def trains_on_new_data(definition: PipelineDefinition) -> bool:
    """Say whether new data shall become a model without a person."""
    return "new_data" in definition.retrain.on


def plan_new_data(ports: Ports, pipeline: str, version: str) -> Job | None:
    """Plan the job that a new dataset version asks for; None where none is wanted.

    A dataset version asks once: told again after another champion went live, it must not train again.
    """
    definition = ports.pipelines.definition(pipeline)
    dataset = ports.datasets.get(pipeline, version)
    if not trains_on_new_data(definition) or not is_trainable(dataset):
        return None
    if ports.jobs.is_trained(pipeline, version):
        return None
    return plan_data(ports, definition, dataset)


def plan_after_drift(ports: Ports, pipeline: str, version: str) -> Job | None:
    """Plan the job that the drift of the live *version* asks for; None where none is wanted or would tell nothing new.

    The same data gives the same model: while the newest READY dataset version was trained on there is nothing to do.
    """
    definition = ports.pipelines.definition(pipeline)
    release = ports.releases.current(pipeline)
    if "drift" not in definition.retrain.on or release is None or release.live != version:
        return None
    ready = ports.datasets.ready(pipeline)
    # A job for the newest trains on what came before it, too.
    if not ready or ports.jobs.is_trained(pipeline, ready[-1].version):
        _log.info(
            "drift, but no data that was not trained on", extra={"pipeline": pipeline, "version": version}
        )
        return None
    return plan_data(ports, definition, ready[-1])


def plan_data(ports: Ports, definition: PipelineDefinition, dataset: DatasetVersion) -> Job:
    """Return the job for data that asks by itself, paced as the pipeline wants it."""
    plan = _gather if is_paced(definition.train) else _plan_once
    for _ in range(_PLAN_TRIES):
        try:
            return plan(ports, definition, dataset)
        except ConditionFailed:
            # Told twice at once: who planned it first may have met another champion, and one job is enough.
            if job := ports.jobs.trained_by(definition.name, dataset.version):
                return job
    raise Unavailable(f"other uploads of {definition.name!r} are planned right now")


def _gather(ports: Ports, definition: PipelineDefinition, dataset: DatasetVersion) -> Job:
    """Return the waiting job of the pipeline, made anew to take in the newest data.

    Raises
    ------
    ConditionFailed
        Another upload was planned, or the job that waited has started, since both were read.
    """
    pacing = ports.pacing.get(definition.name)
    waiting = _still_waiting(ports, pacing)
    # The newest, whichever asks: events come in any order, and a large file is ready after smaller ones behind it.
    newest = ports.datasets.ready(definition.name)[-1]
    if covering := _find_covering(ports, dataset, newest):
        ports.jobs.mark_trained(covering, dataset.version)
        return covering
    plan = plan_training(gather_work(ports, definition, newest))
    if same := _find_same_data(ports, plan, dataset):
        ports.jobs.mark_trained(same, dataset.version)
        return same
    existing = ports.jobs.find(plan.job_id)
    if existing is not None:
        ports.jobs.mark_trained(existing, dataset.version)
        # It gave way to one that has lost its data since (archived, or rejected by a person): it is wanted after all.
        return _wanted_after_all(ports, existing) if existing.superseded_by else existing
    ports.job_files.write(plan)
    job = _paced(_begin(ports, plan, newest.correlation_id or newest.version), waiting)
    job = _held(definition, job, pacing, ports.clock())
    ended = [ports.jobs.superseding(waiting, job.job_id)] if waiting else []
    ports.jobs.create(job, ports.pacing.gathering(pacing, job), *ended, first_for=dataset.version)
    told = {"job_id": job.job_id, "instead_of": waiting.job_id if waiting else None}
    _log.info("training job planned for new data", extra=told)
    return ports.jobs.get(job.job_id)


def _wanted_after_all(ports: Ports, job: Job) -> Job:
    return ports.jobs.revived(job, job.instance, ports.pipelines.life(job.pipeline))


def _find_covering(ports: Ports, dataset: DatasetVersion, newest: DatasetVersion) -> Job | None:
    """Return the job that trains the newest data where *dataset*, whose event came after it, is in its window."""
    job = ports.jobs.trained_by(newest.pipeline, newest.version)
    if job is None or job.superseded_by or dataset.version not in job.dataset_versions:
        return None
    return job


def _find_same_data(ports: Ports, plan: TrainingPlan, dataset: DatasetVersion) -> Job | None:
    """Return the job that has trained what *plan* would, where *dataset* is not in its window.

    An upload that comes after newer ones may be outside of the window. Without this its event would train their data
    again, only because another version has gone live since.
    """
    if dataset.version in plan.dataset_versions:
        return None
    jobs = (ports.jobs.trained_by(plan.pipeline, version) for version in reversed(plan.dataset_versions))
    return next(
        (
            job
            for job in jobs
            if job and not job.superseded_by and job.dataset_versions == plan.dataset_versions
        ),
        None,
    )


def _still_waiting(ports: Ports, pacing: Pacing) -> Job | None:
    """Return the job that gathers the pipeline's data and has not been tried yet."""
    job = ports.jobs.find(pacing.waiting) if pacing.waiting else None
    if job is None or job.state is not JobState.PENDING or not job.paced or job.attempt > 1:
        return None
    return job


def _paced(job: Job, waiting: Job | None) -> Job:
    """Return the new job as a paced one; it takes over the place in the line of the job it replaces."""
    first = (waiting.queued_at or waiting.created_at) if waiting else job.created_at
    return msgspec.structs.replace(job, paced=True, data_at=job.created_at, queued_at=first)


def _held(definition: PipelineDefinition, job: Job, pacing: Pacing, now: datetime) -> Job:
    hold = find_hold(definition.train, job, pacing.starts, now)
    if hold is None:
        return job
    return msgspec.structs.replace(job, not_before=hold.until, waiting_reason=hold.reason)


def _plan_once(ports: Ports, definition: PipelineDefinition, dataset: DatasetVersion) -> Job:
    return plan_job(ports, definition, dataset, first_for=dataset.version)


def plan_job(
    ports: Ports, definition: PipelineDefinition, dataset: DatasetVersion, *, first_for: str | None = None
) -> Job:
    """Return the job for *dataset* against the champion of this moment, making it if it is not there.

    Raises
    ------
    ConditionFailed
        *first_for* names a dataset version that has had another job meanwhile.
    """
    plan = plan_training(gather_work(ports, definition, dataset))
    existing = ports.jobs.find(plan.job_id) or (_find_same_data(ports, plan, dataset) if first_for else None)
    if existing is None:
        return create_job(ports, plan, dataset.correlation_id or dataset.version, first_for=first_for)
    # A late file outside the window adds nothing to train: note it, or every tick would plan it again.
    ports.jobs.mark_trained(existing, dataset.version)
    return existing


def gather_work(ports: Ports, definition: PipelineDefinition, dataset: DatasetVersion) -> Work:
    """Read all a plan is made of; a version that came after *dataset* is none of its business."""
    usable = [v for v in ports.datasets.ready(definition.name) if v.ordinal <= dataset.ordinal]
    read = choose_readings(definition, usable, dataset.version)
    return Work(
        definition=definition,
        trigger=dataset.version,
        manifests=tuple(ports.datasets.manifest(version) for version in read),
        recipe_sha256=pushed_recipe(definition) or _deployed_recipe(ports, definition),
        image_uri=definition.model.image or ports.image_uri,
        champion=find_champion(ports, definition.name),
    )


def _deployed_recipe(ports: Ports, definition: PipelineDefinition) -> str:
    family = family_of(definition).name
    if family not in ports.recipes:
        raise Conflict(f"no recipe {family!r} is deployed in this stage; deploy it again")
    return ports.recipes[family]


def plan_comparison(ports: Ports, definition: PipelineDefinition, model: ModelVersion, live: str) -> Job:
    """Return the job that judges *model* beside *live* on the newest data, making it if it is not there.

    Raises
    ------
    Conflict
        No recipe evaluates the pipeline any more, or no dataset version is READY.
    """
    ready = ports.datasets.ready(model.pipeline)
    if not ready:
        raise Conflict(f"pipeline {model.pipeline!r} has no READY dataset version to judge on")
    work = gather_work(ports, definition, ready[-1])
    champion = _contestant(ports.models.get(model.pipeline, live))
    plan = plan_evaluation(msgspec.structs.replace(work, champion=champion), _contestant(model))
    return ports.jobs.find(plan.job_id) or create_job(ports, plan, model.correlation_id)


def find_champion(ports: Ports, pipeline: str) -> Champion | None:
    """Return the model version that is live now, None while nothing is."""
    release = ports.releases.current(pipeline)
    if release is None or release.live is None:
        return None
    return _contestant(ports.models.get(pipeline, release.live))


def _contestant(model: ModelVersion) -> Champion:
    # By its own copy under v<N>, which stays; the job's staging folder expires.
    return Champion(
        version=model.version,
        trained_through=model.trained_through,
        artifact_key=artifact_key(model.pipeline, model.version),
    )


def create_job(ports: Ports, plan: TrainingPlan, correlation_id: str, *, first_for: str | None = None) -> Job:
    """Return the job of a plan. The files come before the row: where the row exists, all it names exists.

    Raises
    ------
    ConditionFailed
        *first_for* names a dataset version that has had another job meanwhile.
    """
    # Two planners at once write the same bytes; the row decides who was first.
    ports.job_files.write(plan)
    job = _begin(ports, plan, correlation_id)
    try:
        ports.jobs.create(job, first_for=first_for)
    except ConditionFailed:
        if there := ports.jobs.find(plan.job_id):
            return there
        raise
    _log.info("training job planned", extra={"job_id": job.job_id, "datasets": job.dataset_versions})
    return job


def _begin(ports: Ports, plan: TrainingPlan, correlation_id: str) -> Job:
    """Return the new job of a plan, of its pipeline's present life.

    Raises
    ------
    NotFound
        The pipeline was deleted meanwhile.
    """
    life = ports.pipelines.life(plan.pipeline)
    if plan.purpose is not JobPurpose.REPRODUCE:
        # In this order: a deletion that comes after the look leaves a greater life behind, and the minute ends the job.
        ports.pipelines.get(plan.pipeline)
    return new_job(plan, life=life, correlation_id=correlation_id, now=to_text(ports.clock()))
