"""Walk from a model version to the uploads it was made of, and hold each link against the signed manifest."""

import base64
import hashlib
from collections.abc import Iterator

import msgspec
from chalicelib.training.job import sagemaker_name
from chalicelib.training.job_files import hash_parameters
from chalicelib.training.lineage import Check, Lineage, Origin, RawUpload, UsedCode, UsedDataset, pinned_by
from chalicelib.training.model_files import folder_of
from chalicelib.training.plan import TrainingPlan, hash_identity
from chalicelib.training.ports import Ports

from shared.entities.dataset import DatasetManifest
from shared.entities.training import ModelFile, ModelManifest, ModelVersion
from shared.errors import NotFound
from shared.objects import Bucket, ObjectInfo

# What the row says and the manifest signs, by the name that both have for it.
_SAME = ("pipeline", "version", "job_id", "recipe", "recipe_sha256", "image_uri", "dataset_versions")


def trace(ports: Ports, model: ModelVersion) -> Lineage:
    """Return the lineage with its checks; a link that is gone or does not hold is told, never hidden."""
    body = ports.model_files.bucket.read(f"{folder_of(model.pipeline, model.version)}manifest.json")
    manifest = msgspec.json.decode(body, type=ModelManifest)
    plan = _plan(ports, model)
    datasets = _manifests(ports, model)
    checks = (
        _check_manifest(ports, model, body),
        _check_row(ports, model, manifest),
        *_check_files(ports.model_files.bucket, model, manifest),
        *(_check_plan(plan, manifest, datasets) if plan else [_gone_plan(ports, model)]),
        _check_recipe(ports, manifest),
    )
    return Lineage(
        manifest=manifest,
        manifest_sha256=model.manifest_sha256,
        manifest_signature=model.manifest_signature,
        artifact=manifest.artifact,
        artifact_version_id=model.artifact_version_id,
        verified=all(check.holds for check in checks),
        checks=checks,
        job=_origin(ports, manifest),
        datasets=tuple(_used(ports, manifest) for manifest in datasets.values() if manifest),
        code=_code(ports, manifest),
        parameters=plan.parameters if plan else {},
        seed=plan.parameters.get("seed") if plan else None,
        evaluated_champion=manifest.evaluated_champion,
        state=model.state,
        verdicts=model.verdicts,
        judgements=model.judgements,
        package_arn=model.package_arn,
    )


def _plan(ports: Ports, model: ModelVersion) -> TrainingPlan | None:
    try:
        return ports.job_files.read(model.job_id)
    except NotFound:
        return None


def _gone_plan(ports: Ports, model: ModelVersion) -> Check:
    return Check(what="parameters", holds=False, detail=f"the plan of job {model.job_id} is gone")


def _check_plan(
    plan: TrainingPlan, manifest: ModelManifest, datasets: dict[str, DatasetManifest | None]
) -> Iterator[Check]:
    yield _check_parameters(plan, manifest)
    yield from _check_inputs(plan, manifest, datasets)


def _manifests(ports: Ports, model: ModelVersion) -> dict[str, DatasetManifest | None]:
    """Return the manifest of each dataset version that took part; None where it is gone."""
    found: dict[str, DatasetManifest | None] = {}
    for version in model.dataset_versions:
        try:
            found[version] = ports.datasets.manifest(ports.datasets.get(model.pipeline, version))
        except NotFound:
            found[version] = None
    return found


def _check_manifest(ports: Ports, model: ModelVersion, body: bytes) -> Check:
    digest = hashlib.sha256(body).digest()
    if digest.hex() != model.manifest_sha256:
        return Check(what="manifest", holds=False, detail="manifest.json is not the file that was registered")
    if not ports.signer.is_signed(digest, model.manifest_signature):
        return Check(what="manifest", holds=False, detail="its signature does not hold")
    return Check(what="manifest", holds=True, detail=f"signed, sha256 {digest.hex()}")


def _check_row(ports: Ports, model: ModelVersion, manifest: ModelManifest) -> Check:
    wrong = [name for name in _SAME if getattr(model, name) != getattr(manifest, name)]
    if model.artifact_sha256 != manifest.artifact.sha256:
        wrong.append("artifact_sha256")
    if model.artifact_uri != ports.model_files.bucket.uri(manifest.artifact.key):
        wrong.append("artifact_uri")
    if wrong:
        detail = f"the row says otherwise than the signed manifest of: {', '.join(wrong)}"
        return Check(what="row", holds=False, detail=detail)
    return Check(what="row", holds=True, detail="the row says what the manifest signs")


def _check_files(bucket: Bucket, model: ModelVersion, manifest: ModelManifest) -> Iterator[Check]:
    yield _check_file(bucket, manifest.artifact, model.artifact_version_id, "artifact")
    for file in manifest.files:
        yield _check_file(bucket, file, None, file.key.removeprefix(folder_of(model.pipeline, model.version)))


def _check_file(bucket: Bucket, file: ModelFile, version_id: str | None, what: str) -> Check:
    """Compare with the hash that S3 took of the bytes when they were written: nothing is downloaded."""
    try:
        info = bucket.head(file.key, version_id)
    except NotFound:
        return Check(what=what, holds=False, detail=f"{bucket.uri(file.key)} is gone")
    return Check(what=what, holds=_is_same(info, file), detail=_told(info, file))


def _is_same(info: ObjectInfo, file: ModelFile) -> bool:
    known = info.checksum_sha256
    return info.size_bytes == file.size_bytes and known in (None, _base64(file.sha256))


def _told(info: ObjectInfo, file: ModelFile) -> str:
    if not _is_same(info, file):
        return f"S3 has {info.size_bytes} bytes that are not those the manifest signs"
    # Written by a release before this one: its bytes are compared when the version is released.
    known = "" if info.checksum_sha256 else "; S3 took no hash of it, so only its size was compared"
    return f"sha256 {file.sha256}, {file.size_bytes} bytes{known}"


def _check_parameters(plan: TrainingPlan, manifest: ModelManifest) -> Check:
    holds = hash_parameters(plan) == manifest.parameters_sha256
    found = "those the job ran with" if holds else "not those the job ran with"
    return Check(what="parameters", holds=holds, detail=f"parameters.json: {found}")


def _check_inputs(
    plan: TrainingPlan, manifest: ModelManifest, datasets: dict[str, DatasetManifest | None]
) -> Iterator[Check]:
    """Compute the job's input hash again from the uploads' own hashes: the link that holds all others."""
    gone = [version for version, found in datasets.items() if found is None]
    if gone:
        yield Check(what="datasets", holds=False, detail=f"gone: {', '.join(gone)}")
        return
    hashes = [found.raw.sha256 for found in datasets.values() if found]
    computed = hash_identity(
        hashes, manifest.recipe_sha256, manifest.image_uri, plan.parameters, manifest.evaluated_champion
    )
    holds = computed == manifest.input_sha256
    found = f"input hash {computed[:20]}… of {len(hashes)} uploads, recipe, image, parameters and champion"
    yield Check(what="datasets", holds=holds, detail=found if holds else f"another {found}")


def _check_recipe(ports: Ports, manifest: ModelManifest) -> Check:
    key = _recipe_key(manifest)
    try:
        info = ports.model_files.bucket.head(key)
    except NotFound:
        return Check(what="recipe", holds=False, detail=f"{ports.model_files.bucket.uri(key)} is gone")
    holds = info.checksum_sha256 in (None, _base64(manifest.recipe_sha256))
    return Check(what="recipe", holds=holds, detail=f"{manifest.recipe} {manifest.recipe_sha256}")


def _origin(ports: Ports, manifest: ModelManifest) -> Origin:
    job = ports.jobs.find(manifest.job_id)
    return Origin(
        job_id=manifest.job_id,
        attempt=manifest.attempt,
        sagemaker_job=sagemaker_name(ports.place.stage, manifest.job_id, manifest.attempt),
        input_sha256=manifest.input_sha256,
        created_at=job.created_at if job else None,
        started_at=job.started_at if job else None,
        ended_at=job.ended_at if job else None,
    )


def _used(ports: Ports, found: DatasetManifest) -> UsedDataset:
    raw = found.raw
    key = f"datasets/{found.pipeline}/{found.version}/manifest.json"
    return UsedDataset(
        version=found.version,
        ordinal=found.ordinal,
        raw=RawUpload(
            uri=f"s3://{raw.bucket}/{raw.key}",
            version_id=raw.version_id,
            sha256=raw.sha256,
            size_bytes=raw.size_bytes,
        ),
        rows=found.rows.good,
        time_from=found.time.first if found.time else None,
        time_through=found.time.last if found.time else None,
        schema_sha256=found.schema_sha256,
        split_by=found.split.by,
        manifest_uri=f"s3://{ports.place.data_bucket}/{key}",
        code_version=found.code_version,
    )


def _code(ports: Ports, manifest: ModelManifest) -> UsedCode:
    return UsedCode(
        recipe=manifest.recipe,
        recipe_sha256=manifest.recipe_sha256,
        recipe_uri=ports.model_files.bucket.uri(_recipe_key(manifest)),
        image_uri=manifest.image_uri,
        pinned_by=pinned_by(manifest.image_uri),
        versions=manifest.versions,
    )


def _recipe_key(manifest: ModelManifest) -> str:
    return f"code/{manifest.recipe_sha256}/sourcedir.tar.gz"


def _base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()
