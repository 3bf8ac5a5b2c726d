"""What Chalice made: rules, functions, APIs, roles. Its own record may be lost, so all are found by their names."""

import re
from collections.abc import Iterator
from typing import Any

from infra import records
from infra.calls import Call
from infra.removal.kinds import pages, removed_by
from infra.services import SERVICES
from infra.stage import Stage
from infra.tags import STAGE_TAG


def find_rules(stage: Stage) -> list[str]:
    """Return the rules and schedules of the services."""
    found = pages(stage.client("events"), "list_rules", NamePrefix="headrace-")
    return _of_services(stage, (rule["Name"] for page in found for rule in page["Rules"]))


def remove_rule(stage: Stage, name: str) -> Iterator[Call]:
    """Take the targets off, then the rule: EventBridge removes none that still has one."""
    events, gone = stage.client("events"), ("ResourceNotFoundException",)
    targets = [
        target["Id"]
        for page in pages(events, "list_targets_by_rule", Rule=name)
        for target in page["Targets"]
    ]
    if targets:
        request = {"Rule": name, "Ids": targets}
        yield Call(
            what=f"targets of {name}",
            service="events",
            operation="remove_targets",
            request=request,
            done_if=gone,
        )
    yield Call(what=name, service="events", operation="delete_rule", request={"Name": name}, done_if=gone)


def find_functions(stage: Stage) -> list[str]:
    """Return the functions of the services."""
    found = pages(stage.client("lambda"), "list_functions")
    return _of_services(stage, (one["FunctionName"] for page in found for one in page["Functions"]))


# With its permissions and what it does on failure.
remove_function = removed_by("lambda", "delete_function", "FunctionName", "ResourceNotFoundException")


def find_apis(stage: Stage) -> list[str]:
    """Return the ids of the stage's REST APIs; before `harden` they are called alike on every stage of the account."""
    gateway = stage.client("apigateway")
    items = [item for page in pages(gateway, "get_rest_apis") for item in page["items"]]
    named = {f"headrace-{service}-{stage.name}" for service in SERVICES}
    unnamed = {f"headrace-{service}" for service in SERVICES}
    return [
        item["id"]
        for item in items
        if item["name"] in named or (item["name"] in unnamed and _is_api_of(stage, gateway, item))
    ]


# API Gateway deletes one in half a minute: the client's retries wait for it.
remove_api = removed_by("apigateway", "delete_rest_api", "restApiId", "NotFoundException")


def find_roles(stage: Stage) -> list[str]:
    """Return the roles of the functions."""
    return _of_services(stage, _roles(stage))


def find_foundation_roles(stage: Stage) -> list[str]:
    """Return the roles of SageMaker's jobs, which the foundation made."""
    return sorted(name for name in _roles(stage) if name.startswith(f"headrace-{stage.name}-"))


def remove_role(stage: Stage, name: str) -> Iterator[Call]:
    """Take a role's policies off, then delete it: IAM deletes none that still has one."""
    iam, gone = stage.client("iam"), ("NoSuchEntity",)
    for page in pages(iam, "list_role_policies", RoleName=name):
        for policy in page["PolicyNames"]:
            request = {"RoleName": name, "PolicyName": policy}
            yield Call(
                what=f"{policy} of {name}",
                service="iam",
                operation="delete_role_policy",
                request=request,
                done_if=gone,
            )
    for page in pages(iam, "list_attached_role_policies", RoleName=name):
        for attached in page["AttachedPolicies"]:
            request = {"RoleName": name, "PolicyArn": attached["PolicyArn"]}
            yield Call(
                what=f"{attached['PolicyName']} of {name}",
                service="iam",
                operation="detach_role_policy",
                request=request,
                done_if=gone,
            )
    yield Call(what=name, service="iam", operation="delete_role", request={"RoleName": name}, done_if=gone)


def find_records(stage: Stage) -> list[str]:
    """Return the keys of what the deployments noted; a next one must not believe it."""
    s3 = stage.client("s3")
    try:
        listed = list(pages(s3, "list_objects_v2", Bucket=_models_bucket(stage), Prefix=records.PREFIX))
    except s3.exceptions.NoSuchBucket:
        return []
    return [entry["Key"] for page in listed for entry in page.get("Contents", [])]


def remove_record(stage: Stage, name: str) -> Iterator[Call]:
    """Delete a record; the bucket is versioned and keeps what it was for a month."""
    request = {"Bucket": _models_bucket(stage), "Key": name}
    yield Call(what=name, service="s3", operation="delete_object", request=request, done_if=("NoSuchBucket",))


def _models_bucket(stage: Stage) -> str:
    return f"headrace-{stage.name}-{stage.account}-models"


def _roles(stage: Stage) -> list[str]:
    return [role["RoleName"] for page in pages(stage.client("iam"), "list_roles") for role in page["Roles"]]


def _of_services(stage: Stage, names: Any) -> list[str]:
    ours = re.compile(rf"headrace-({'|'.join(SERVICES)})-{stage.name}(-.+)?")
    return sorted(name for name in names if ours.fullmatch(name))


def _is_api_of(stage: Stage, gateway: Any, item: dict[str, Any]) -> bool:
    """Look at the tag that `harden` sets; without one, at the function that the API calls."""
    if tagged := item.get("tags", {}).get(STAGE_TAG):
        return bool(tagged == stage.name)
    function = f":function:{item['name']}-{stage.name}/"
    resources = pages(gateway, "get_resources", restApiId=item["id"], embed=["methods"])
    return any(
        function in method.get("methodIntegration", {}).get("uri", "")
        for page in resources
        for resource in page["items"]
        for method in resource.get("resourceMethods", {}).values()
    )
