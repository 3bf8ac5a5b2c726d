"""A completed job's artifact becomes a model version.

Stages: fetch and hash the archive → read the documents beside the model → copy everything to ``v<N>`` → sign the
manifest → one transaction ends the job and makes the model exist → the gate. Each stage may be done again
after a crash: files are written once, the number is taken already, the transaction holds once.
"""

import base64
import hashlib
import math
import tempfile
from contextlib import suppress
from typing import IO

import msgspec
from chalicelib.training.archive import BadArtifact, fetch, read_documents
from chalicelib.training.documents import Documents, parse_documents
from chalicelib.training.evaluation import Evaluation
from chalicelib.training.job import Job, sagemaker_name
from chalicelib.training.job_files import hash_parameters
from chalicelib.training.model_files import artifact_key, folder_of
from chalicelib.training.ports import Ports
from chalicelib.training.reasons import sanitise
from chalicelib.training.workflow.judging import judge
from chalicelib.training.workflow.telling import count, tell_ended

from shared.clock import to_text
from shared.entities.training import ModelFile, ModelManifest, ModelState, ModelVersion
from shared.errors import ConditionFailed, Conflict, NotFound

_NUMBERS_TRIED = 20  # in one go; each costs a download of the artifact


def finalise(ports: Ports, job: Job) -> Job:
    """Make the model version of a FINALISING job and judge it; a bad artifact ends the job instead."""
    try:
        job, model = _make_numbered(ports, job)
    except ConditionFailed:
        # Stopped, or another finaliser took another number: that side goes on.
        return ports.jobs.get(job.job_id)
    except (BadArtifact, Conflict) as error:
        job = ports.jobs.dead(job, f"artifact: {sanitise(str(error))}")
        tell_ended(ports, job)
        return job
    # Two finalisers may both come here with equal files; the row of the model exists once.
    try:
        ports.jobs.table.transact(ports.jobs.succeeding(job), ports.models.registering(model))
    except ConditionFailed:
        return _end_where_the_model_exists(ports, job, model)
    count(ports, "TrainingJobSucceeded", job.pipeline, job_id=job.job_id, version=model.version)
    judge(ports, model)
    return ports.jobs.get(job.job_id)


def _make_numbered(ports: Ports, job: Job) -> tuple[Job, ModelVersion]:
    """Make the model under the job's number, or under the next that has no files of another model."""
    for _ in range(_NUMBERS_TRIED):
        try:
            _check_number(ports, job)
            return job, _make_model(ports, job)
        except Conflict:
            # Files outlive rows, and rows each other: a table restored from a backup names older numbers.
            job = ports.jobs.renumbered(job, ports.models.take_number(job.pipeline))
    _check_number(ports, job)
    return job, _make_model(ports, job)


def _check_number(ports: Ports, job: Job) -> None:
    """Raise Conflict where the job's number is that of another job's model."""
    found = ports.models.find(job.pipeline, f"v{job.number}")
    if found is not None and found.job_id != job.job_id:
        raise Conflict(f"{job.pipeline} v{job.number} is the model of training job {found.job_id}")


def _end_where_the_model_exists(ports: Ports, job: Job, model: ModelVersion) -> Job:
    """Return the job as it is; one whose own model exists already only lacks its end (its table was restored)."""
    found = ports.models.find(model.pipeline, model.version)
    if found is not None and found.job_id == job.job_id:
        with suppress(ConditionFailed):
            ports.jobs.table.transact(ports.jobs.succeeding(job))
    return ports.jobs.get(job.job_id)


def _make_model(ports: Ports, job: Job) -> ModelVersion:
    """Write all files of ``v<N>`` and return the row that will make them a model version."""
    version = f"v{job.number}"
    with tempfile.TemporaryFile() as archive:
        artifact, documents = _copy_artifact(ports, job, archive)
    plan = ports.job_files.read(job.job_id)
    # Before the row: a model version whose documents break the contract must not exist.
    parsed = parse_documents(documents, plan.parameters["task"])
    files = _copy_documents(ports, folder_of(job.pipeline, version), documents)
    body = msgspec.json.encode(_manifest(job, hash_parameters(plan), artifact, files, parsed.versions))
    key = f"{folder_of(job.pipeline, version)}manifest.json"
    digest = hashlib.sha256(body)
    manifest = ports.model_files.write_once(key, body, digest.hexdigest(), len(body))
    # Another signature of the same bytes is as good, but the row must carry the one that is stored.
    signature = ports.model_files.write_first(
        key.removesuffix("json") + "sig", ports.signer.sign(digest.digest())
    )
    return _row(ports, job, artifact, manifest, signature, parsed)


def _copy_artifact(ports: Ports, job: Job, archive: IO[bytes]) -> tuple[ModelFile, dict[str, bytes]]:
    staged = f"staging/{sagemaker_name(ports.place.stage, job.job_id, job.attempt)}/output/model.tar.gz"
    try:
        fetched = fetch(ports.staging, staged, archive)
    except NotFound as error:
        raise BadArtifact("the job left no model.tar.gz") from error
    documents = read_documents(archive)
    # Written from the disk, not copied in S3: these are the bytes that were hashed and checked.
    archive.seek(0)
    key = artifact_key(job.pipeline, f"v{job.number}")
    return ports.model_files.write_once(key, archive, fetched.sha256, fetched.size_bytes), documents


def _copy_documents(ports: Ports, folder: str, documents: dict[str, bytes]) -> tuple[ModelFile, ...]:
    return tuple(
        ports.model_files.write_once(folder + name, body, hashlib.sha256(body).hexdigest(), len(body))
        for name, body in sorted(documents.items())
    )


def _manifest(
    job: Job,
    parameters_sha256: str,
    artifact: ModelFile,
    files: tuple[ModelFile, ...],
    versions: dict[str, str],
) -> ModelManifest:
    """Return the lineage; nothing in it depends on when it is written, so a redo writes the same bytes."""
    return ModelManifest(
        pipeline=job.pipeline,
        version=f"v{job.number}",
        job_id=job.job_id,
        attempt=job.attempt,
        artifact=artifact,
        files=files,
        dataset_versions=job.dataset_versions,
        recipe=job.recipe,
        recipe_sha256=job.recipe_sha256,
        image_uri=job.image_uri,
        parameters_sha256=parameters_sha256,
        input_sha256=job.input_sha256,
        evaluated_champion=job.champion,
        versions=versions,
    )


def _row(
    ports: Ports,
    job: Job,
    artifact: ModelFile,
    manifest: ModelFile,
    signature: bytes,
    parsed: Documents,
) -> ModelVersion:
    now = to_text(ports.clock())
    bucket = ports.model_files.bucket
    return ModelVersion(
        pipeline=job.pipeline,
        version=f"v{job.number}",
        number=job.number or 0,
        state=ModelState.REGISTERED,
        life=job.life,
        job_id=job.job_id,
        task=parsed.evaluation.task,
        artifact_uri=bucket.uri(artifact.key),
        artifact_version_id=bucket.head(artifact.key).version_id,
        artifact_sha256=artifact.sha256,
        manifest_uri=bucket.uri(manifest.key),
        manifest_sha256=manifest.sha256,
        manifest_signature=base64.b64encode(signature).decode(),
        image_uri=job.image_uri,
        recipe=job.recipe,
        recipe_sha256=job.recipe_sha256,
        dataset_version=job.dataset_version,
        dataset_versions=job.dataset_versions,
        trained_through=parsed.evaluation.trained_through,
        evaluated_champion=job.champion,
        metrics=_finite_metrics(parsed.evaluation),
        inputs=parsed.inputs,
        attention="open",
        correlation_id=job.correlation_id,
        created_at=now,
        updated_at=now,
    )


def _finite_metrics(evaluation: Evaluation) -> dict[str, float]:
    """Return the challenger's scores; DynamoDB holds neither NaN nor infinity, evaluation.json keeps them."""
    served = evaluation.serving
    scores = evaluation.metrics.challenger | (served.metrics.challenger if served else {})
    return {name: v for name, v in scores.items() if v is not None and math.isfinite(v)}
