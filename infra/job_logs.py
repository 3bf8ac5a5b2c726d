"""How long SageMaker's own logs are kept: it makes their groups when they are first needed, to be kept for ever.

The groups of jobs belong to everybody in the account. Where there is none yet it is made with a retention; one that is there is left as it is,
since to shorten it could delete somebody else's lines. Each endpoint has a group of its own, which is the stage's to decide.
"""

from collections.abc import Iterator
from typing import Any

from infra import log_groups
from infra.calls import Call
from infra.stage import Stage

JOB_GROUPS = tuple(f"/aws/sagemaker/{kind}" for kind in ("ProcessingJobs", "TrainingJobs", "TransformJobs"))
ENDPOINTS = "/aws/sagemaker/Endpoints/"


def make_groups(stage: Stage, own_key: str = "") -> Iterator[Call]:
    """Plan the groups of jobs that are not there yet, each with its retention, encrypted with the key if there is one."""
    logs = stage.client("logs")
    for group in JOB_GROUPS:
        if group not in {one["logGroupName"] for one in _groups(logs, group)}:
            yield log_groups.creation(group, own_key)
            yield log_groups.retention(group)


def expire_endpoints(stage: Stage, own_key: str = "") -> Iterator[Call]:
    """Plan retention and key of the groups of endpoints that were made since the deployment before."""
    logs = stage.client("logs")
    for found in _groups(logs, f"{ENDPOINTS}headrace-{stage.name}-"):
        if found.get("retentionInDays") != log_groups.DAYS:
            yield log_groups.retention(found["logGroupName"])
        if own_key and found.get("kmsKeyId") != own_key:
            yield log_groups.encryption(found["logGroupName"], own_key)


def _groups(logs: Any, prefix: str) -> list[dict[str, Any]]:
    found = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
    return [group for page in found for group in page["logGroups"]]
