"""The SageMaker requests that put one model version behind an endpoint, as plain data."""

import hashlib
from typing import Any

import msgspec
from chalicelib.inference.naming import MAX_LENGTH, endpoint_name
from chalicelib.inference.states import Refused

from shared.entities.releasing import Realtime, Serverless
from shared.entities.training import ModelVersion

CONTENT_TAG = "headrace:content"
# The server runs one worker per vCPU; more threads in each only fight for it.
_ENVIRONMENT = {
    "SAGEMAKER_PROGRAM": "inference.py",
    "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class EndpointPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Requests for CreateModel, CreateEndpointConfig and CreateEndpoint, all of one name.

    ``content`` names what answers (image, artifact, environment), not where it runs: an endpoint with the
    same content is the same endpoint, whatever its memory or instance.
    """

    name: str
    content: str
    model: dict[str, Any]
    config: dict[str, Any]
    endpoint: dict[str, Any]


def plan_endpoint(
    model: ModelVersion, hosting: Serverless | Realtime, *, stage: str, role_arn: str
) -> EndpointPlan:
    """Return the requests for *model* on *hosting*.

    Raises
    ------
    Refused
        SageMaker has no room for the name.
    """
    name = endpoint_name(stage, model.pipeline, model.version)
    if len(name) > MAX_LENGTH:
        raise Refused(f"the endpoint's name {name} is longer than SageMaker's {MAX_LENGTH} characters")
    content = _content(model)
    tags = [*tags_of(model, stage), {"Key": CONTENT_TAG, "Value": content}]
    return EndpointPlan(
        name=name,
        content=content,
        # Serverless endpoints refuse isolation: https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html
        model=plan_model(model, name, role_arn, tags, is_isolated=isinstance(hosting, Realtime)),
        config={"EndpointConfigName": name, "ProductionVariants": [_variant(name, hosting)], "Tags": tags},
        endpoint={"EndpointName": name, "EndpointConfigName": name, "Tags": tags},
    )


def plan_model(
    model: ModelVersion, name: str, role_arn: str, tags: list[dict[str, str]], *, is_isolated: bool
) -> dict[str, Any]:
    """Return the request for CreateModel: what answers, whoever asks it."""
    container = {
        "Image": model.image_uri,
        "ModelDataUrl": model.artifact_uri,
        "Environment": dict(_ENVIRONMENT),
    }
    return {
        "ModelName": name,
        "PrimaryContainer": container,
        "ExecutionRoleArn": role_arn,
        "EnableNetworkIsolation": is_isolated,
        "Tags": tags,
    }


def _variant(name: str, hosting: Serverless | Realtime) -> dict[str, Any]:
    variant: dict[str, Any] = {"VariantName": "primary", "ModelName": name}
    if isinstance(hosting, Serverless):
        sizes = {"MemorySizeInMB": hosting.memory_mb, "MaxConcurrency": hosting.max_concurrency}
        return variant | {"ServerlessConfig": sizes}
    return variant | {"InstanceType": hosting.instance, "InitialInstanceCount": hosting.count}


def _content(model: ModelVersion) -> str:
    """Return a hash of what will answer requests."""
    parts = (model.image_uri, model.artifact_uri, model.artifact_sha256, _ENVIRONMENT)
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def tags_of(model: ModelVersion, stage: str) -> list[dict[str, str]]:
    """Return the tags by which resources of *model* are found and paid for."""
    values = {
        "headrace:stage": stage,
        "headrace:pipeline": model.pipeline,
        "headrace:version": model.version,
    }
    return [{"Key": key, "Value": value} for key, value in values.items()]
