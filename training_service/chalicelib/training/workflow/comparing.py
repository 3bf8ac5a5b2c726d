"""Which evaluation compares a model version with the one that is live now; where there is none, a job makes it."""

import msgspec
from chalicelib.training.evaluation import Evaluation
from chalicelib.training.job import AT_REST, Job
from chalicelib.training.model_files import evaluation_key
from chalicelib.training.plan import hash_evaluation
from chalicelib.training.ports import Ports
from chalicelib.training.workflow.planning import plan_comparison
from chalicelib.training.workflow.submission import start_next

from shared.entities.pipeline import PipelineDefinition
from shared.entities.training import JobState, ModelVersion
from shared.errors import Conflict


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """The evaluation and its key; without one, the sentence that says why, and whether a job is at work on it."""

    evaluation: Evaluation | None = None
    key: str = ""
    waits: bool = False
    reason: str = ""


def compare(
    ports: Ports, definition: PipelineDefinition, model: ModelVersion, live: str | None
) -> Comparison:
    """Return the comparison of *model* with *live*: of its own training if that was the champion, else of a job.

    Asked again it finds the same job, whose id follows from the two versions: they are compared once.
    """
    key = evaluation_key(model.pipeline, model.version)
    own = ports.model_files.evaluation(key)
    # Without a live version there is nobody to be better than, whoever the training compared with.
    if live is None or own.champion_version == live:
        return Comparison(evaluation=own, key=key)
    story = (
        f"{model.version} was compared with {own.champion_version or 'no champion'} when it was trained, "
        f"but {live} is live now"
    )
    try:
        job = _job_for(ports, definition, model, live)
    except Conflict as error:
        return Comparison(reason=f"{story}, and the two cannot be compared: {error}")
    if job.state is JobState.SUCCEEDED:
        key = evaluation_key(model.pipeline, model.version, job.job_id)
        return Comparison(evaluation=ports.model_files.evaluation(key), key=key)
    if job.state in AT_REST:
        return Comparison(reason=f"{story}, and job {job.job_id} could not compare them: {job.reason}")
    return Comparison(waits=True, reason=f"{story}: job {job.job_id} compares the two without training")


def _job_for(ports: Ports, definition: PipelineDefinition, model: ModelVersion, live: str) -> Job:
    job = ports.jobs.find(hash_evaluation(model.pipeline, model.version, live)[:20])
    if job is not None:
        return job
    job = plan_comparison(ports, definition, model, live)
    # At once where the quota admits it: the minute would only make everybody wait.
    start_next(ports, job)
    return ports.jobs.get(job.job_id)
