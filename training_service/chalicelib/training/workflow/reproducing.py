"""Train a model version again from exactly what it was trained from, and say whether the same comes out.

The repetition never becomes a model version and is never released: its report is a file beside the version's own.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from typing import Any

import msgspec
from chalicelib.training.archive import REQUIRED, BadArtifact, fetch, hash_members_of, read_documents
from chalicelib.training.job import AT_REST, Job, sagemaker_name
from chalicelib.training.model_files import artifact_key, evaluation_key, folder_of
from chalicelib.training.plan import TrainingPlan
from chalicelib.training.ports import Ports
from chalicelib.training.reasons import sanitise
from chalicelib.training.reproduction import Reproduction, Run, compare_runs
from chalicelib.training.views import ReproductionView
from chalicelib.training.workflow.planning import create_job
from chalicelib.training.workflow.submission import start_next
from chalicelib.training.workflow.telling import count, tell_ended

from shared.entities.training import JobPurpose, ModelVersion
from shared.errors import ConditionFailed, Conflict, NotFound
from shared.objects import Bucket

_MOST_NAMED = 5


def request_reproduction(ports: Ports, model: ModelVersion) -> ReproductionView:
    """Start a training of the version's recorded inputs, or return the one that is under way.

    Raises
    ------
    Conflict
        Something it was trained from is gone; the message names it.
    """
    plan = _plan(ports, model)
    job = ports.jobs.find(plan.job_id)
    if job is None:
        _check_inputs(ports, plan)
        job = create_job(ports, plan, model.correlation_id)
    elif job.state in AT_REST:
        # It ended without a report, or this plan would have another number.
        job = ports.jobs.revived(job, plan.instance, ports.pipelines.life(job.pipeline))
    start_next(ports, job)
    return _view(ports, ports.jobs.get(job.job_id))


def read_reproduction(ports: Ports, model: ModelVersion, job_id: str) -> ReproductionView:
    """Return where a repetition stands, with its report once there is one."""
    job = ports.jobs.find(job_id)
    about = (model.pipeline, model.version, JobPurpose.REPRODUCE)
    if job is None or (job.pipeline, job.subject, job.purpose) != about:
        raise NotFound(f"{model.pipeline} {model.version} has no reproduction {job_id!r}")
    return _view(ports, job)


def finish_reproduction(ports: Ports, job: Job) -> Job:
    """Compare what a FINALISING job left with the model version it repeats, and keep the report."""
    try:
        report = _compare(ports, job)
    except (BadArtifact, NotFound) as error:
        job = ports.jobs.dead(job, f"artifact: {sanitise(str(error))}")
        tell_ended(ports, job)
        return job
    key = report_key(job.pipeline, job.subject or "", job.job_id)
    ports.model_files.write_first(key, msgspec.json.encode(report))
    try:
        ports.jobs.table.transact(ports.jobs.succeeding(job))
    except ConditionFailed:
        return ports.jobs.get(job.job_id)
    count(
        ports,
        "ReproductionSucceeded",
        job.pipeline,
        job_id=job.job_id,
        version=job.subject,
        outcome=report.outcome,
    )
    return ports.jobs.get(job.job_id)


def report_key(pipeline: str, version: str, job_id: str = "") -> str:
    """Return the key of a repetition's report; without a job, what all of a version's begin with."""
    folder = f"{folder_of(pipeline, version)}reproductions/"
    return f"{folder}{job_id}.json" if job_id else folder


def _plan(ports: Ports, model: ModelVersion) -> TrainingPlan:
    """Return the plan of the version's own job under another id: one for each time it was done.

    How long a search of the best settings goes depends on the machine, so what the first run chose is stated.
    """
    plan = ports.job_files.read(model.job_id)
    done = sum(1 for _ in ports.model_files.bucket.list(report_key(model.pipeline, model.version)))
    identity = f"{JobPurpose.REPRODUCE} {model.pipeline} {model.version} {plan.input_sha256} {done}"
    input_sha256 = hashlib.sha256(identity.encode()).hexdigest()
    return msgspec.structs.replace(
        plan,
        purpose=JobPurpose.REPRODUCE,
        subject=model.version,
        job_id=input_sha256[:20],
        input_sha256=input_sha256,
        parameters={**plan.parameters, **_find_choice(ports, model)},
    )


def _find_choice(ports: Ports, model: ModelVersion) -> dict[str, Any]:
    search = ports.model_files.evaluation(evaluation_key(model.pipeline, model.version)).search
    return {"search": search} if search else {}


def _check_inputs(ports: Ports, plan: TrainingPlan) -> None:
    gone = list(_gone(ports, plan))
    if gone:
        named = ", ".join(gone[:_MOST_NAMED])
        more = f" and {len(gone) - _MOST_NAMED} more" if len(gone) > _MOST_NAMED else ""
        raise Conflict(f"{plan.pipeline} {plan.subject} cannot be trained again: gone are {named}{more}")


def _gone(ports: Ports, plan: TrainingPlan) -> Iterator[str]:
    models, data = ports.model_files.bucket, ports.job_files.bucket
    wanted: list[tuple[Bucket, str]] = [(models, f"code/{plan.recipe_sha256}/sourcedir.tar.gz")]
    if plan.champion:
        wanted.append((models, plan.champion.artifact_key))
    wanted += [(data, key) for keys in plan.channels.values() for key in keys]
    for bucket, key in wanted:
        try:
            bucket.head(key)
        except NotFound:
            yield bucket.uri(key)


def _compare(ports: Ports, job: Job) -> Reproduction:
    version = job.subject or ""
    staged = f"staging/{sagemaker_name(ports.place.stage, job.job_id, job.attempt)}/output/model.tar.gz"
    signed = ports.models.get(job.pipeline, version).artifact_sha256
    original = _read_run(ports.model_files.bucket, artifact_key(job.pipeline, version), signed)
    return compare_runs(job.pipeline, version, job.job_id, original, _read_run(ports.staging, staged))


def _read_run(bucket: Bucket, key: str, signed: str | None = None) -> Run:
    with tempfile.TemporaryFile() as archive:
        try:
            fetched = fetch(bucket, key, archive)
        except NotFound as error:
            raise BadArtifact(f"{bucket.uri(key)} is not there") from error
        if signed not in (None, fetched.sha256):
            raise BadArtifact(f"{bucket.uri(key)} is not the file that was signed")
        documents = read_documents(archive, REQUIRED)
        archive.seek(0)
        return Run(members=hash_members_of(archive), documents=documents)


def _view(ports: Ports, job: Job) -> ReproductionView:
    key = report_key(job.pipeline, job.subject or "", job.job_id)
    try:
        report = msgspec.json.decode(ports.model_files.bucket.read(key), type=Reproduction)
    except NotFound:
        report = None
    return ReproductionView(job_id=job.job_id, state=job.state, reason=job.reason, report=report)
