"""What a deployment of a service made, kept in S3: any machine can deploy the next one.

Chalice knows its resources from `.chalice/deployed/<stage>.json`. A copy of it lies in the models bucket
under `deploy/`, with the fingerprint of what was deployed and the digest of each function's code.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from infra.errors import DeployedMeanwhile
from infra.stage import Stage

PREFIX = "deploy/"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One service's last deployment: `code` is function name to CodeSha256, `chalice` is Chalice's own record."""

    fingerprint: str
    code: dict[str, str]
    chalice: dict[str, Any]

    @property
    def api_id(self) -> str:
        """The REST API that Chalice made."""
        ids: list[str] = [r["rest_api_id"] for r in self.chalice["resources"] if "rest_api_id" in r]
        return ids[0]

    @property
    def functions(self) -> list[str]:
        """Names of the Lambda functions."""
        return functions_of(self.chalice)

    @property
    def rules(self) -> list[str]:
        """Names of the EventBridge rules, schedules included."""
        return [r["rule_name"] for r in self.chalice["resources"] if "rule_name" in r]


def functions_of(chalice: dict[str, Any]) -> list[str]:
    """Return the names of the Lambda functions in Chalice's record."""
    arns = [r["lambda_arn"] for r in chalice["resources"] if r["resource_type"] == "lambda_function"]
    return [arn.rpartition(":")[2] for arn in arns]


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A record as it was read; by its `etag` S3 tells whether it is still that one."""

    record: Record
    etag: str


def load(stage: Stage, bucket: str, service: str) -> Record | None:
    """Return the record of *service*, None where it was never deployed to the stage."""
    stored = read(stage, bucket, service)
    return None if stored is None else stored.record


def read(stage: Stage, bucket: str, service: str) -> Stored | None:
    """Return the record of *service* with what names its version."""
    s3 = stage.client("s3")
    try:
        answer = s3.get_object(Bucket=bucket, Key=_key(stage, service))
    except (s3.exceptions.NoSuchKey, s3.exceptions.NoSuchBucket):
        return None
    record = msgspec.json.decode(answer["Body"].read(), type=Record)
    return Stored(record=record, etag=answer["ETag"])


def save(stage: Stage, bucket: str, service: str, record: Record, *, instead_of: Stored | None) -> None:
    """Write the record, when everything it tells of exists, unless another deployer wrote one meanwhile.

    Raises
    ------
    DeployedMeanwhile
        What is there is not *instead_of*.
    """
    from botocore.exceptions import ClientError

    condition = {"IfNoneMatch": "*"} if instead_of is None else {"IfMatch": instead_of.etag}
    request = {"Bucket": bucket, "Key": _key(stage, service), "ContentType": "application/json", **condition}
    try:
        stage.client("s3").put_object(**request, Body=msgspec.json.encode(record))
    except ClientError as error:
        # 409: two of us wrote in the same moment.
        if error.response["Error"]["Code"] not in {"PreconditionFailed", "ConditionalRequestConflict"}:
            raise
        raise DeployedMeanwhile(
            f"{service}: somebody else deployed it to stage {stage.name!r} at the same time; functions may be of "
            "either. Agree on one checkout and deploy it again: that brings all to it"
        ) from error


def pull(record: Record | None, folder: Path, stage: Stage) -> None:
    """Give Chalice in *folder* the stage's record; one left by another cloud of the same name is removed."""
    path = deployed_file(folder, stage)
    if record is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record.chalice, indent=2) + "\n")


def deployed_file(folder: Path, stage: Stage) -> Path:
    """Return where Chalice keeps its record of the stage."""
    return folder / ".chalice" / "deployed" / f"{stage.name}.json"


def _key(stage: Stage, service: str) -> str:
    return f"{PREFIX}{service}/{stage.name}.json"
