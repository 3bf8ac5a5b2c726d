"""A completed evaluation-only job becomes one more evaluation of its model version, which is then judged by it."""

import tempfile

from chalicelib.training.archive import BadArtifact, fetch, read_documents
from chalicelib.training.documents import check_evaluation, read_evaluation
from chalicelib.training.job import Job, sagemaker_name
from chalicelib.training.model_files import evaluation_key, serving_key
from chalicelib.training.ports import Ports
from chalicelib.training.reasons import sanitise
from chalicelib.training.workflow.judging import judge
from chalicelib.training.workflow.telling import count, tell_ended

from shared.entities.training import JobPurpose
from shared.errors import ConditionFailed, NotFound

_NAMES = ("evaluation.json", "serving.json")


def finish_evaluation(ports: Ports, job: Job) -> Job:
    """Keep what a FINALISING job found and judge its model version by it; without a result the job is dead."""
    subject = job.subject or ""
    try:
        evaluation, serving = _read_evaluation(ports, job)
    except BadArtifact as error:
        job = ports.jobs.dead(job, f"artifact: {sanitise(str(error))}")
        tell_ended(ports, job)
        return job
    # The first one stays: a finaliser that comes again, or a second attempt, may have timed other latencies.
    key = evaluation_key(job.pipeline, subject, job.job_id)
    ports.model_files.write_first(serving_key(key), serving)
    ports.model_files.write_first(key, evaluation)
    try:
        ports.jobs.table.transact(ports.jobs.succeeding(job))
    except ConditionFailed:
        return ports.jobs.get(job.job_id)
    count(ports, "EvaluationSucceeded", job.pipeline, job_id=job.job_id, version=subject)
    judge(ports, ports.models.get(job.pipeline, subject))
    return ports.jobs.get(job.job_id)


def _read_evaluation(ports: Ports, job: Job) -> tuple[bytes, bytes]:
    staged = f"staging/{sagemaker_name(ports.place.stage, job.job_id, job.attempt)}/output/model.tar.gz"
    with tempfile.TemporaryFile() as archive:
        try:
            fetch(ports.staging, staged, archive)
        except NotFound as error:
            raise BadArtifact("the job left no model.tar.gz") from error
        documents = read_documents(archive, _NAMES)
    body, serving = (documents[name] for name in _NAMES)
    evaluation = read_evaluation(body, serving)
    # A recipe of old knows no purpose and would have trained a model nobody asked for.
    if evaluation.purpose != JobPurpose.EVALUATE:
        raise BadArtifact(f"the recipe did not evaluate: its purpose was {evaluation.purpose!r}")
    check_evaluation(evaluation, ports.job_files.read(job.job_id).parameters["task"])
    return body, serving
