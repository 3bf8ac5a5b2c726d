"""Bring back rows of the tables from what is written once in S3, and from SageMaker's registry.

Stages: read and verify the documents → derive the rows (`rebuilt_rows`) → write those that are absent. A row that is there is
never touched, so a rebuild can be repeated, and run on a stage that lost one table or some rows of it.
"""

import base64
import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from infra.errors import DeployError
from infra.rebuilt_rows import Document, ModelDocuments, Plan, dataset_rows, job_rows, model_rows
from infra.stage import Stage
from shared.aws import endpoints
from shared.aws.json_api import of_dynamodb
from shared.aws.service import service_at
from shared.clock import to_text
from shared.codec import Row
from shared.conditions import Absent
from shared.errors import ConditionFailed
from shared.signing import SigningKey
from shared.tables import Table

_DATASET = re.compile(r"datasets/[^/]+/[^/]+/manifest\.json")
_MODEL = re.compile(r"models/[^/]+/v[0-9]+/manifest\.json")
_PLAN = re.compile(r"jobs/[^/]+/plan\.json")


class Tampered(DeployError):
    """A manifest is not what was signed: no row may say that it is."""


class Rebuilt(msgspec.Struct, frozen=True, kw_only=True):
    """What was done about one table."""

    table: str
    written: int
    there: int


def rebuild(stage: Stage, outputs: Mapping[str, str]) -> Iterator[Rebuilt]:
    """Write what is missing of datasets, models and jobs; yield what was done about each.

    Raises
    ------
    Tampered
        Before anything of models or jobs is written.
    """
    data, models = outputs["DataBucket"], outputs["ModelsBucket"]
    yield _write(
        stage, outputs["DatasetsTable"], dataset_rows(_documents(stage, data, "datasets/", _DATASET))
    )
    plans = {
        plan.job_id: plan
        for one in _documents(stage, data, "jobs/", _PLAN)
        for plan in [msgspec.json.decode(one.body, type=Plan)]
    }
    found = list(_models(stage, models, outputs["SigningKeyArn"]))
    yield _write(stage, outputs["ModelsTable"], model_rows(found, plans))
    yield _write(stage, outputs["JobsTable"], job_rows(found, plans))


def _write(stage: Stage, name: str, rows: Iterator[Row]) -> Rebuilt:
    """Write the rows that are absent."""
    keys = ("job_id",) if name.endswith("-jobs") else ("pipeline", "version")
    dynamodb = of_dynamodb(service_at(endpoints.DYNAMODB, stage.environment(os.environ)))
    table = Table(dynamodb, name, *keys)
    written = there = 0
    for row in rows:
        try:
            table.put(row, only_if=Absent(keys[0]))
            written += 1
        except ConditionFailed:
            there += 1
    return Rebuilt(table=name, written=written, there=there)


def _documents(stage: Stage, bucket: str, prefix: str, pattern: re.Pattern[str]) -> Iterator[Document]:
    s3 = stage.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", []):
            if pattern.fullmatch(entry["Key"]):
                body = s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                yield Document(
                    uri=f"s3://{bucket}/{entry['Key']}", written_at=to_text(entry["LastModified"]), body=body
                )


def _models(stage: Stage, bucket: str, key_arn: str) -> Iterator[ModelDocuments]:
    """Yield the files of each model version whose manifest is as it was signed."""
    s3, key = stage.client("s3"), SigningKey(stage.client("kms"), key_arn)
    for manifest in _documents(stage, bucket, "models/", _MODEL):
        folder = manifest.uri.removeprefix(f"s3://{bucket}/").removesuffix("manifest.json")
        signature = _read(s3, bucket, f"{folder}manifest.sig") or b""
        digest = hashlib.sha256(manifest.body).digest()
        if not key.is_signed(digest, base64.b64encode(signature).decode()):
            raise Tampered(f"{manifest.uri} is not what was signed: look who wrote it, and remove it")
        artifact = s3.head_object(Bucket=bucket, Key=f"{folder}model.tar.gz")
        yield ModelDocuments(
            manifest=manifest,
            signature=signature,
            evaluation=_read(s3, bucket, f"{folder}evaluation.json") or b"",
            serving=_read(s3, bucket, f"{folder}serving.json"),
            inputs=_read(s3, bucket, f"{folder}signature.json") or b"{}",
            artifact_uri=f"s3://{bucket}/{folder}model.tar.gz",
            artifact_version_id=artifact.get("VersionId"),
            package=_package(stage, folder.split("/")[1], hashlib.sha256(manifest.body).hexdigest()),
        )


def _read(s3: Any, bucket: str, key: str) -> bytes | None:
    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except s3.exceptions.NoSuchKey:
        return None
    return body


def _package(stage: Stage, pipeline: str, manifest_sha256: str) -> Mapping[str, Any] | None:
    """Return the model package that mirrors the manifest, as SageMaker describes it; None where there is none."""
    sagemaker = stage.client("sagemaker")
    pages = sagemaker.get_paginator("list_model_packages").paginate(
        ModelPackageGroupName=f"headrace-{stage.name}-{pipeline}"
    )
    try:
        arns = [one["ModelPackageArn"] for page in pages for one in page["ModelPackageSummaryList"]]
    except sagemaker.exceptions.ClientError as error:
        if "does not exist" not in str(error):
            raise
        return None
    for arn in arns:
        package: Mapping[str, Any] = sagemaker.describe_model_package(ModelPackageName=arn)
        if package.get("CustomerMetadataProperties", {}).get("headrace_manifest_sha256") == manifest_sha256:
            return package
    return None
