"""Rows as they follow from what is written once: manifests, plans, evaluations. Pure.

What no document tells is not invented. Times are those of the document, ``rev`` and ``attempt`` begin anew, and of a
decision only the state is known, not when and by whom.
"""

import base64
import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from shared.codec import Row, to_row
from shared.entities.dataset import DatasetManifest, DatasetState, DatasetVersion
from shared.entities.training import (
    JobPurpose,
    JobState,
    ModelManifest,
    ModelState,
    ModelVersion,
    TrainingJob,
)

COUNTERS = "#counters"
_STATES = {"Approved": ModelState.APPROVED, "Rejected": ModelState.REJECTED}
_OURS = "Headrace: "


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """One object of S3: where it lies, when it was written, its bytes."""

    uri: str
    written_at: str
    body: bytes


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What ``plan.json`` of a training job tells that its model's manifest does not."""

    job_id: str
    pipeline: str
    purpose: JobPurpose = JobPurpose.TRAIN
    dataset_version: str
    dataset_versions: tuple[str, ...]
    dataset_ordinal: int
    recipe: str
    recipe_sha256: str
    image_uri: str
    input_sha256: str
    max_attempts: int


class ModelDocuments(msgspec.Struct, frozen=True, kw_only=True):
    """The files of one model version, and its package in SageMaker where there is one."""

    manifest: Document
    signature: bytes
    evaluation: bytes
    serving: bytes | None
    inputs: bytes
    artifact_uri: str
    artifact_version_id: str | None
    package: Mapping[str, Any] | None


def dataset_rows(documents: Iterable[Document]) -> Iterator[Row]:
    """Yield the rows of READY versions, of who holds which content and the newest schema, and of the last ordinal."""
    found = [(msgspec.json.decode(one.body, type=DatasetManifest), one) for one in documents]
    holders: dict[tuple[str, str], str] = {}
    schemas: dict[str, tuple[str, str]] = {}
    last: dict[str, int] = {}
    for manifest, document in sorted(found, key=lambda pair: (pair[0].pipeline, pair[0].ordinal)):
        content = (manifest.pipeline, manifest.raw.sha256)
        first = holders.setdefault(content, manifest.version)
        yield to_row(_dataset(manifest, document, None if first == manifest.version else first))
        last[manifest.pipeline] = manifest.ordinal
        # Whoever brought the schema first holds it; who says nothing new leaves it there.
        if schemas.get(manifest.pipeline, ("", ""))[1] != manifest.schema_sha256:
            schemas[manifest.pipeline] = (manifest.version, manifest.schema_sha256)
    for pipeline, (version, sha256) in schemas.items():
        yield {
            "pipeline": f"#schema#{pipeline}",
            "version": "newest",
            "holder": version,
            "sha256": sha256,
        }
    for (pipeline, sha256), version in holders.items():
        yield {"pipeline": f"#content#{pipeline}", "version": sha256, "holder": version}
    for pipeline, ordinal in last.items():
        yield {"pipeline": COUNTERS, "version": pipeline, "ordinal": ordinal}


def model_rows(models: Iterable[ModelDocuments], plans: Mapping[str, Plan]) -> Iterator[Row]:
    """Yield the rows of model versions, and the last number of each pipeline."""
    last: dict[str, int] = {}
    for documents in models:
        manifest = msgspec.json.decode(documents.manifest.body, type=ModelManifest)
        number = int(manifest.version[1:])
        yield to_row(_model(documents, manifest, number, plans.get(manifest.job_id)))
        last[manifest.pipeline] = max(number, last.get(manifest.pipeline, 0))
    for pipeline, number in last.items():
        yield {"pipeline": COUNTERS, "version": pipeline, "number": number}


def job_rows(models: Iterable[ModelDocuments], plans: Mapping[str, Plan]) -> Iterator[Row]:
    """Yield the rows of jobs that made a model, and for every plan that its data has had its training.

    Without the latter the reconciler would train all data again.
    """
    for documents in models:
        manifest = msgspec.json.decode(documents.manifest.body, type=ModelManifest)
        if plan := plans.get(manifest.job_id):
            yield to_row(_job(documents.manifest, manifest, plan))
    training = [plan for plan in plans.values() if plan.purpose is JobPurpose.TRAIN]
    marks = {(plan.pipeline, version): plan.job_id for plan in training for version in plan.dataset_versions}
    # Later jobs train it too; its own is the one that it asked for.
    marks |= {(plan.pipeline, plan.dataset_version): plan.job_id for plan in training}
    for (pipeline, version), job_id in sorted(marks.items()):
        yield {"job_id": f"#dataset#{pipeline}#{version}", "trained_by": job_id}


def _dataset(manifest: DatasetManifest, document: Document, duplicate_of: str | None) -> DatasetVersion:
    return DatasetVersion(
        pipeline=manifest.pipeline,
        version=manifest.version,
        ordinal=manifest.ordinal,
        state=DatasetState.READY,
        bucket=manifest.raw.bucket,
        key=manifest.raw.key,
        version_id=manifest.raw.version_id,
        size_bytes=manifest.raw.size_bytes,
        content_sha256=manifest.raw.sha256,
        duplicate_of=duplicate_of,
        row_count=manifest.rows.read,
        rows_good=manifest.rows.good,
        rows_bad=manifest.rows.bad,
        manifest_uri=document.uri,
        attempt=1,
        correlation_id=manifest.version,
        rev=1,
        created_at=document.written_at,
        updated_at=document.written_at,
    )


def _model(
    documents: ModelDocuments, manifest: ModelManifest, number: int, plan: Plan | None
) -> ModelVersion:
    evaluation = msgspec.json.decode(documents.evaluation)
    serving = msgspec.json.decode(documents.serving) if documents.serving else {}
    scores = {**evaluation["metrics"]["challenger"], **_challenger(serving)}
    state, reasons = _decision(documents.package)
    newest = plan.dataset_version if plan else manifest.dataset_versions[-1]
    return ModelVersion(
        pipeline=manifest.pipeline,
        version=manifest.version,
        number=number,
        state=state,
        reasons=reasons,
        job_id=manifest.job_id,
        task=evaluation["task"],
        artifact_uri=documents.artifact_uri,
        artifact_version_id=documents.artifact_version_id,
        artifact_sha256=manifest.artifact.sha256,
        manifest_uri=documents.manifest.uri,
        manifest_sha256=hashlib.sha256(documents.manifest.body).hexdigest(),
        manifest_signature=base64.b64encode(documents.signature).decode(),
        image_uri=manifest.image_uri,
        recipe=manifest.recipe,
        recipe_sha256=manifest.recipe_sha256,
        dataset_version=newest,
        dataset_versions=manifest.dataset_versions,
        trained_through=evaluation.get("trained_through"),
        evaluated_champion=manifest.evaluated_champion,
        metrics={name: v for name, v in scores.items() if v is not None and math.isfinite(v)},
        inputs=msgspec.json.decode(documents.inputs),
        package_arn=documents.package["ModelPackageArn"] if documents.package else None,
        # Never decided, or decided and not mirrored yet: the gate judges it from its evaluation.
        attention="open" if state is ModelState.REGISTERED else None,
        correlation_id=newest,
        rev=1,
        created_at=documents.manifest.written_at,
        updated_at=documents.manifest.written_at,
    )


def _challenger(serving: Mapping[str, Any]) -> dict[str, float]:
    found: dict[str, float] = serving.get("metrics", {}).get("challenger") or {}
    return found


def _decision(package: Mapping[str, Any] | None) -> tuple[ModelState, tuple[str, ...]]:
    """Return state and reasons as SageMaker's registry mirrors them: the state we wrote, or what a person made of it."""
    if package is None:
        return ModelState.REGISTERED, ()
    noted, status = package.get("CustomerMetadataProperties", {}), package["ModelApprovalStatus"]
    state = _STATES.get(status, ModelState.NEEDS_PERSON)
    if status == noted.get("headrace_status"):
        state = ModelState(noted.get("headrace_state", state))
    told = str(package.get("ApprovalDescription", ""))
    if state is ModelState.APPROVED or not told.startswith(_OURS):
        return state, ()
    return state, tuple(told.removeprefix(_OURS).split("; "))


def _job(document: Document, manifest: ModelManifest, plan: Plan) -> TrainingJob:
    return TrainingJob(
        job_id=plan.job_id,
        pipeline=plan.pipeline,
        state=JobState.SUCCEEDED,
        attempt=manifest.attempt,
        max_attempts=plan.max_attempts,
        dataset_version=plan.dataset_version,
        dataset_versions=plan.dataset_versions,
        dataset_ordinal=plan.dataset_ordinal,
        recipe=plan.recipe,
        recipe_sha256=plan.recipe_sha256,
        image_uri=plan.image_uri,
        champion=manifest.evaluated_champion,
        input_sha256=plan.input_sha256,
        number=int(manifest.version[1:]),
        correlation_id=plan.dataset_version,
        rev=1,
        created_at=document.written_at,
        updated_at=document.written_at,
        ended_at=document.written_at,
    )
