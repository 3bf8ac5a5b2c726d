"""What `chalice deploy` cannot do, and partly undoes: done after every deployment, only where it is missing.

For each service: every rule target gets a retry policy and the service's dead-letter queue; every function
that events start sends what it could not handle to the same queue (a second, different path); the API answers
its own errors in our shape and has a throttle; logs expire, and the prediction lines of one go to their writer; logs and
environments are under the stage's own key where it has one; all of it carries the stage's tag.
"""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from infra import gateway_responses, log_groups, own_key, records, subscription
from infra.calls import Call, send
from infra.errors import NotDeployed
from infra.records import Record
from infra.services import SERVICES
from infra.stage import Stage
from infra.tags import missing_tags

API_STAGE = "api"
RATE_PER_S, BURST = 200, 400
ASYNC_RETRIES = 2
# A fact may wait a day for its function; a missed tick is worth nothing a minute later, the next one is there.
FACT_RETRY = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}
TICK_RETRY = {"MaximumRetryAttempts": 2, "MaximumEventAgeInSeconds": 60}
STARTED_ASYNCHRONOUSLY = (subscription.WRITER, "-batch")
ROLE_POLICY = "dead-letters"
_MARK = "headrace "


class Ties(msgspec.Struct, frozen=True, kw_only=True):
    """What of the foundation a service is tied to: the ARN of its dead letters, and of the stage's own key, if any."""

    queue: str
    own_key: str = ""


def harden(stage: Stage, deployed: Mapping[str, Record], outputs: Mapping[str, str]) -> list[str]:
    """Harden the given services and return what had to be done, in words; nothing when all was in place."""
    with ThreadPoolExecutor(len(deployed) or 1) as pool:
        done = pool.map(
            lambda item: send(stage, plan(stage, item[1], ties(outputs, item[0]))), deployed.items()
        )
        return [what for one in done for what in one]


def is_hardened(stage: Stage, outputs: Mapping[str, str]) -> bool:
    """Say whether every service of the stage is deployed and nothing is left to harden."""
    for service in SERVICES:
        record = records.load(stage, outputs["ModelsBucket"], service)
        if record is None or plan(stage, record, ties(outputs, service)):
            return False
    return True


def dead_letters(outputs: Mapping[str, str], service: str) -> str:
    """Return the ARN of the service's dead-letter queue."""
    return outputs[f"{service.capitalize()}DeadLettersArn"]


def ties(outputs: Mapping[str, str], service: str) -> Ties:
    """Return what of the foundation a service is hardened with."""
    return Ties(queue=dead_letters(outputs, service), own_key=outputs.get(own_key.OUTPUT, ""))


def failure_policy(to: Ties) -> dict[str, Any]:
    """Return what a function's role needs so that Lambda may send in its name what failed."""
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": to.queue}
    return own_key.with_statements({"Version": "2012-10-17", "Statement": [statement]}, to.own_key)


def plan(stage: Stage, record: Record, to: Ties) -> list[Call]:
    """Return the calls that are missing; reads only.

    Raises
    ------
    NotDeployed
        A rule of the record is gone: deploy again.
    """
    calls: list[Call] = []
    events_start: list[str] = []
    for rule in record.rules:
        targets = _targets(stage, rule)
        events_start += [target["Arn"].rpartition(":")[2] for target in targets]
        calls += _rule(stage, rule, targets, to.queue)
    for function in events_start:
        calls += _async_function(stage, function, to)
    writer = subscription.writer_of(record)
    # CloudWatch and our own API invoke these as events do: what fails three times is kept.
    for function in record.functions:
        if function.endswith(STARTED_ASYNCHRONOUSLY):
            calls += _async_function(stage, function, to)
    for function in record.functions:
        calls += _logs(stage, function, to.own_key)
        calls += _environment(stage, function, to.own_key)
    if writer:
        calls += subscription.subscribe(stage, writer)
    return [*calls, *_api(stage, record.api_id), *missing_tags(stage, record)]


def _targets(stage: Stage, rule: str) -> list[dict[str, Any]]:
    events = stage.client("events")
    try:
        targets: list[dict[str, Any]] = events.list_targets_by_rule(Rule=rule)["Targets"]
    except events.exceptions.ResourceNotFoundException as error:
        raise NotDeployed(f"rule {rule} of the last deployment is gone; deploy the stage again") from error
    return targets


def _rule(stage: Stage, rule: str, targets: list[dict[str, Any]], queue: str) -> Iterator[Call]:
    is_tick = bool(stage.client("events").describe_rule(Name=rule).get("ScheduleExpression"))
    goal = {"RetryPolicy": TICK_RETRY if is_tick else FACT_RETRY, "DeadLetterConfig": {"Arn": queue}}
    wanted = [{**target, **goal} for target in targets]
    if wanted != targets:
        request = {"Rule": rule, "Targets": wanted}
        yield Call(
            what=f"dead letters of rule {rule}", service="events", operation="put_targets", request=request
        )


def _async_function(stage: Stage, function: str, to: Ties) -> Iterator[Call]:
    lambdas, iam = stage.client("lambda"), stage.client("iam")
    role = lambdas.get_function_configuration(FunctionName=function)["Role"].rpartition("/")[2]
    policy = failure_policy(to)
    # Before the destination: Lambda tests with the function's own role that it may send.
    if _role_policy(iam, role) != policy:
        request = {"RoleName": role, "PolicyName": ROLE_POLICY, "PolicyDocument": json.dumps(policy)}
        yield Call(
            what=f"{role} may send dead letters", service="iam", operation="put_role_policy", request=request
        )
    kept = {"OnFailure": {"Destination": to.queue}}
    goal = {"MaximumRetryAttempts": ASYNC_RETRIES, "DestinationConfig": kept}
    if _invoke_config(lambdas, function) != goal:
        yield Call(
            what=f"dead letters of {function}",
            service="lambda",
            operation="put_function_event_invoke_config",
            request={"FunctionName": function, **goal},
        )


def _role_policy(iam: Any, role: str) -> Any:
    try:
        return iam.get_role_policy(RoleName=role, PolicyName=ROLE_POLICY)["PolicyDocument"]
    except iam.exceptions.NoSuchEntityException:
        return None


def _invoke_config(lambdas: Any, function: str) -> Any:
    try:
        found = lambdas.get_function_event_invoke_config(FunctionName=function)
    except lambdas.exceptions.ResourceNotFoundException:
        return None
    on_failure = found.get("DestinationConfig", {}).get("OnFailure", {})
    return {
        "MaximumRetryAttempts": found.get("MaximumRetryAttempts"),
        "DestinationConfig": {"OnFailure": on_failure},
    }


def _environment(stage: Stage, function: str, key: str) -> Iterator[Call]:
    """Plan the key of a function's environment: Lambda gives the role a grant to it."""
    lambdas = stage.client("lambda")
    if key and lambdas.get_function_configuration(FunctionName=function).get("KMSKeyArn") != key:
        yield Call(
            what=f"own key of the environment of {function}",
            service="lambda",
            operation="update_function_configuration",
            request={"FunctionName": function, "KMSKeyArn": key},
        )


def _logs(stage: Stage, function: str, key: str) -> Iterator[Call]:
    group = f"/aws/lambda/{function}"
    found = stage.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    there = next((one for one in found if one["logGroupName"] == group), None)
    if there is None:  # Lambda would make it at the first invocation, to be kept for ever
        there = {"kmsKeyId": key}
        yield log_groups.creation(group, key)
    if there.get("retentionInDays") != log_groups.DAYS:
        yield log_groups.retention(group)
    if key and there.get("kmsKeyId") != key:
        yield log_groups.encryption(group, key)


def _api(stage: Stage, api: str) -> Iterator[Call]:
    """Plan the API's name, errors and throttle; a deployment that has the errors carries their digest."""
    gateway = stage.client("apigateway")
    yield from _name(stage, gateway, api)
    now = gateway.get_stage(restApiId=api, stageName=API_STAGE)
    settings = now.get("methodSettings", {}).get("*/*", {})
    if (settings.get("throttlingRateLimit"), settings.get("throttlingBurstLimit")) != (RATE_PER_S, BURST):
        limits = {"rateLimit": RATE_PER_S, "burstLimit": BURST}
        patch = [
            {"op": "replace", "path": f"/*/*/throttling/{name}", "value": str(value)}
            for name, value in limits.items()
        ]
        request = {"restApiId": api, "stageName": API_STAGE, "patchOperations": patch}
        yield Call(
            what=f"throttle of API {api}", service="apigateway", operation="update_stage", request=request
        )
    mark = _MARK + gateway_responses.digest()
    deployment = gateway.get_deployment(restApiId=api, deploymentId=now["deploymentId"])
    if deployment.get("description") == mark:
        return
    for response in gateway_responses.gateway_responses():
        yield Call(
            what=f"{response['responseType']} of API {api}",
            service="apigateway",
            operation="put_gateway_response",
            request={"restApiId": api, **response},
        )
    # Nothing of the above is served before it is deployed.
    request = {"restApiId": api, "stageName": API_STAGE, "description": mark}
    yield Call(
        what=f"deployment of API {api}", service="apigateway", operation="create_deployment", request=request
    )


def _name(stage: Stage, gateway: Any, api: str) -> Iterator[Call]:
    """Plan the stage's name for the API: Chalice names it alike on every stage, and CloudWatch measures by name."""
    name: str = gateway.get_rest_api(restApiId=api)["name"]
    if not name.endswith(f"-{stage.name}"):
        patch = [{"op": "replace", "path": "/name", "value": f"{name}-{stage.name}"}]
        request = {"restApiId": api, "patchOperations": patch}
        yield Call(
            what=f"name of API {api}", service="apigateway", operation="update_rest_api", request=request
        )
