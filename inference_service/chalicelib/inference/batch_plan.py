"""The SageMaker requests that let a transform job answer a batch, as plain data."""

from typing import Any

import msgspec
from chalicelib.inference.naming import batch_model_name, transform_name
from chalicelib.inference.plan import plan_model, tags_of

from shared.entities.training import ModelVersion

# A payload over it goes through the endpoint. Two at a time are as many as the product with this may be: 100.
PAYLOAD_MB = 50
_AT_A_TIME = 2
_TIMEOUT_S = 600


class TransformPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Requests for CreateModel and CreateTransformJob; the model is the batch's own and lives as long."""

    name: str
    model: dict[str, Any]
    job: dict[str, Any]


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """As whom and on what transform jobs of a stage run."""

    stage: str
    role_arn: str
    instance: str


def plan_transform(
    model: ModelVersion, batch_id: str, attempt: int, *, manifest_uri: str, output_uri: str, where: Where
) -> TransformPlan:
    """Return the requests for one *attempt*: each object that the manifest names is one payload."""
    model_name, name = (
        batch_model_name(where.stage, batch_id),
        transform_name(where.stage, batch_id, attempt),
    )
    tags = tags_of(model, where.stage)
    source = {"S3DataSource": {"S3DataType": "ManifestFile", "S3Uri": manifest_uri}}
    job = {
        "TransformJobName": name,
        "ModelName": model_name,
        "MaxConcurrentTransforms": _AT_A_TIME,
        "MaxPayloadInMB": PAYLOAD_MB,
        "ModelClientConfig": {"InvocationsTimeoutInSeconds": _TIMEOUT_S, "InvocationsMaxRetries": 3},
        "TransformInput": {
            "DataSource": source,
            "ContentType": "application/json",
            "CompressionType": "None",
            "SplitType": "None",
        },
        "TransformOutput": {
            "S3OutputPath": output_uri,
            "Accept": "application/json",
            "AssembleWith": "None",
        },
        "TransformResources": {"InstanceType": where.instance, "InstanceCount": 1},
        "Tags": tags,
    }
    # Isolated whatever serves the endpoint: a job reads and writes through SageMaker, the model needs no network.
    own = plan_model(model, model_name, where.role_arn, tags, is_isolated=True)
    return TransformPlan(name=name, model=own, job=job)
