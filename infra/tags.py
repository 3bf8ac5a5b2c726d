"""The tag by which everything of a stage is found: in the bill, in the console, and by `destroy`.

CloudFormation hands it on from the stack, Chalice gives it to functions (`tags` in config.json), the services to what
they make in SageMaker. Chalice tags neither rules nor roles nor APIs, so `harden` does, and the log groups.
"""

from collections.abc import Iterator

from infra.calls import Call
from infra.records import Record
from infra.stage import Stage

STAGE_TAG = "headrace:stage"


def tags_of(stage: Stage) -> list[dict[str, str]]:
    """Return the stage's tag as most services take it."""
    return [{"Key": STAGE_TAG, "Value": stage.name}]


def missing_tags(stage: Stage, record: Record) -> Iterator[Call]:
    """Plan the tags of a service's API, rules, roles and log groups where they are missing."""
    yield from _api(stage, record.api_id)
    for rule in record.rules:
        yield from _rule(stage, rule)
    for function in record.functions:
        yield from _role(stage, function)
        yield from _log_group(stage, f"/aws/lambda/{function}")


def _api(stage: Stage, api: str) -> Iterator[Call]:
    arn = f"arn:{stage.partition}:apigateway:{stage.region}::/restapis/{api}"
    if stage.client("apigateway").get_tags(resourceArn=arn)["tags"].get(STAGE_TAG) != stage.name:
        request = {"resourceArn": arn, "tags": {STAGE_TAG: stage.name}}
        yield Call(what=f"tag of API {api}", service="apigateway", operation="tag_resource", request=request)


def _rule(stage: Stage, rule: str) -> Iterator[Call]:
    events = stage.client("events")
    arn = events.describe_rule(Name=rule)["Arn"]
    if not _has(stage, events.list_tags_for_resource(ResourceARN=arn)["Tags"]):
        request = {"ResourceARN": arn, "Tags": tags_of(stage)}
        yield Call(what=f"tag of {rule}", service="events", operation="tag_resource", request=request)


def _role(stage: Stage, function: str) -> Iterator[Call]:
    arn = stage.client("lambda").get_function_configuration(FunctionName=function)["Role"]
    role = arn.rpartition("/")[2]
    if not _has(stage, stage.client("iam").list_role_tags(RoleName=role)["Tags"]):
        request = {"RoleName": role, "Tags": tags_of(stage)}
        yield Call(what=f"tag of role {role}", service="iam", operation="tag_role", request=request)


def _log_group(stage: Stage, group: str) -> Iterator[Call]:
    logs = stage.client("logs")
    arn = f"arn:{stage.partition}:logs:{stage.region}:{stage.account}:log-group:{group}"
    try:
        tags = logs.list_tags_for_resource(resourceArn=arn)["tags"]
    except logs.exceptions.ResourceNotFoundException:
        tags = {}  # a call before this one makes it
    if tags.get(STAGE_TAG) != stage.name:
        request = {"resourceArn": arn, "tags": {STAGE_TAG: stage.name}}
        yield Call(what=f"tag of {group}", service="logs", operation="tag_resource", request=request)


def _has(stage: Stage, tags: list[dict[str, str]]) -> bool:
    return {"Key": STAGE_TAG, "Value": stage.name} in tags
