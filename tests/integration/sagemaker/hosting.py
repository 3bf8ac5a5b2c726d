"""Endpoints in few words: a model that says its name, configurations of several variants."""

from typing import Any

from botocore.exceptions import ClientError

from tests.integration.sagemaker.harness import Cloud, wait_for

SAY = """
import time
def model_fn(folder): return open(folder + "/name").read()
def transform_fn(name, body, content_type, accept):
    text = body.decode() if isinstance(body, bytes) else body
    print(f"{name} got {text}", flush=True)
    if text == "slow": time.sleep(1)
    if text == "fail": raise ValueError("asked to fail")
    return f"{name} got {text}", "text/plain"
"""


def model(cloud: Cloud, name: str, **changes: Any) -> str:
    """Make a model that answers with its name and what it got."""
    cloud.create_model(name, SAY, {"name": name}, **changes)
    return name


def variant(model_name: str, weight: float = 1.0, **more: Any) -> dict[str, Any]:
    """Return a variant that is called like its model."""
    instances = (
        {} if "ServerlessConfig" in more else {"InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    )
    return {
        "VariantName": model_name,
        "ModelName": model_name,
        "InitialVariantWeight": weight,
        **instances,
        **more,
    }


def configure(cloud: Cloud, name: str, *variants: dict[str, Any], **more: Any) -> str:
    """Make a configuration of these variants."""
    cloud.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=list(variants), **more)
    return name


def serve(cloud: Cloud, name: str, *variants: dict[str, Any], **more: Any) -> str:
    """Make configuration and endpoint of one name, and wait until it serves."""
    configure(cloud, name, *variants, **more)
    cloud.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert cloud.wait_for_endpoint(name)["EndpointStatus"] == "InService"
    return name


def ask(cloud: Cloud, endpoint: str, body: str = "x", **options: Any) -> str:
    """Return what the endpoint answers."""
    reply = cloud.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=body, ContentType="text/plain", **options
    )
    return str(reply["Body"].read().decode())


def model_error(cloud: Cloud, endpoint: str, body: str = "x") -> dict[str, Any]:
    """Return the response of an invocation that fails."""
    try:
        ask(cloud, endpoint, body)
    except ClientError as error:
        response: dict[str, Any] = error.response
        return response
    raise AssertionError(f"{endpoint} answered")


def wait_for_update(cloud: Cloud, endpoint: str, timeout_s: float = 60) -> dict[str, Any]:
    """Wait until nothing of an update is left, and return the endpoint."""

    def at_rest() -> dict[str, Any] | None:
        found: dict[str, Any] = cloud.sagemaker.describe_endpoint(EndpointName=endpoint)
        return found if found["EndpointStatus"] in ("InService", "Failed") else None

    return wait_for(at_rest, timeout_s, f"the update of {endpoint} is over")
