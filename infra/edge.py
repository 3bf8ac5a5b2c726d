"""The one origin: CloudFront in front of the three APIs and the site."""

import json
from collections.abc import Mapping
from pathlib import Path

from infra.choices import AS_BEFORE, Choices, of_edge
from infra.stacks import Stack, deploy_stack, stack_outputs
from infra.stage import EDGE_REGION, Stage
from infra.tags import tags_of

TEMPLATE = Path(__file__).with_name("edge.yaml")
# By this name the local cloud knows which distribution answers plain requests to its port.
LOCAL_ALIAS = "127.0.0.1"


def stack_name(stage: Stage) -> str:
    """Return the name of the stage's edge stack."""
    return f"headrace-{stage.name}-edge"


def edge_outputs(stage: Stage) -> dict[str, str]:
    """Return the outputs of the edge stack; none before the first deployment."""
    return stack_outputs(stage.client("cloudformation", EDGE_REGION), stack_name(stage)) or {}


def deploy_edge(
    stage: Stage, outputs: Mapping[str, str], api_ids: Mapping[str, str], choices: Choices = AS_BEFORE
) -> Stack:
    """Bring the distribution to the current APIs and origin secret, and the web ACL to what is chosen."""
    parameters = {
        "Stage": stage.name,
        "StageRegion": stage.region,
        "SiteBucket": outputs["SiteBucket"],
        "IngestApi": api_ids["ingest"],
        "TrainingApi": api_ids["training"],
        "InferenceApi": api_ids["inference"],
        "OriginSecret": _origin_secret(stage, outputs["OriginSecretArn"]),
        "LogBucketDomain": log_bucket_domain(outputs.get("AccessLogs", "")),
        "Alias": LOCAL_ALIAS if stage.endpoint_url else "",
        **of_edge(stage, edge_outputs(stage), choices),
    }
    client = stage.client("cloudformation", EDGE_REGION)
    return deploy_stack(client, stack_name(stage), TEMPLATE, parameters, tags=tags_of(stage), poll_s=10.0)


def log_bucket_domain(bucket: str) -> str:
    """Return how CloudFront wants the bucket of its access logs named; empty is none."""
    return f"{bucket}.s3.amazonaws.com" if bucket else ""


def origin_url(stage: Stage, edge: Mapping[str, str]) -> str:
    """Return where people and programs find the stage; empty before its first deployment to AWS."""
    if stage.endpoint_url is not None:
        return stage.endpoint_url
    return f"https://{edge['DomainName']}" if edge else ""


def _origin_secret(stage: Stage, arn: str) -> str:
    # A dynamic reference would be tidier, but the edge is in us-east-1 and CloudFormation resolves
    # secrets of its own region only; the parameter is NoEcho.
    text = stage.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    value: str = json.loads(text)["current"]
    return value
