"""What `harden` does after `chalice deploy`, as a template that `chalice package --merge-template` takes.

The same settings from the same constants: whoever deploys by CloudFormation gets a hardened stage at once.
"""

from collections.abc import Iterator
from typing import Any

from infra import gateway_responses, log_groups, subscription
from infra.harden import (
    ASYNC_RETRIES,
    BURST,
    FACT_RETRY,
    RATE_PER_S,
    ROLE_POLICY,
    STARTED_ASYNCHRONOUSLY,
    TICK_RETRY,
    Ties,
    failure_policy,
)
from infra.stage import Stage
from infra.tags import STAGE_TAG, tags_of

Template = dict[str, Any]
_FUNCTION, _ROLE, _API = "AWS::Serverless::Function", "AWS::IAM::Role", "AWS::Serverless::Api"


def merge_template(stage: Stage, template: Template, to: Ties) -> Template:
    """Return what has to be merged into Chalice's *template* of a service."""
    functions = _of_type(template, _FUNCTION)
    added: dict[str, Any] = {}
    for logical, function in functions.items():
        # Chalice leaves names to CloudFormation; the policies name the log groups by those that it gives itself.
        name, key = function["FunctionName"], to.own_key
        added[logical] = {"Properties": {"FunctionName": name, **({"KmsKeyArn": key} if key else {})}}
        added[f"{logical}Log"] = _log_group(stage, name, key)
        if _is_started_by_events(function):
            added[logical]["Properties"] |= _failures(function, to.queue)
            role = function["Role"]["Fn::GetAtt"][0]
            policies = template["Resources"][role]["Properties"]["Policies"]
            added[role] = {"Properties": {"Policies": [*policies, _may_send(to)]}}
        if name.endswith(subscription.WRITER):
            added |= _subscription(stage, logical, name, functions)
    for logical, role in _of_type(template, _ROLE).items():
        named = {"RoleName": role["RoleName"], "Tags": tags_of(stage)}
        added.setdefault(logical, {"Properties": {}})["Properties"] |= named
    for logical, api in _of_type(template, _API).items():
        title = f"{api['DefinitionBody']['info']['title']}-{stage.name}"
        added[logical] = {"Properties": {"Name": title, **_api(stage)}}
    return {"Resources": added}


def hardened(stage: Stage, template: Template, to: Ties) -> Template:
    """Return Chalice's template of a service with what `harden` adds, merged as `chalice package` does it."""
    from chalice.package import TemplateDeepMerger

    merged: Template = TemplateDeepMerger().merge(merge_template(stage, template, to), template)
    return merged


def _of_type(template: Template, kind: str) -> dict[str, dict[str, Any]]:
    return {
        logical: resource["Properties"]
        for logical, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def _is_started_by_events(function: dict[str, Any]) -> bool:
    has_rule = any(event["Type"] != "Api" for event in function.get("Events", {}).values())
    return has_rule or function["FunctionName"].endswith(STARTED_ASYNCHRONOUSLY)


def _failures(function: dict[str, Any], queue: str) -> dict[str, Any]:
    """Return both ways into the dead letters: from the rule that could not start, from the run that failed."""
    events = {name: _event(event, queue) for name, event in function.get("Events", {}).items()}
    return {
        "EventInvokeConfig": {
            "MaximumRetryAttempts": ASYNC_RETRIES,
            "DestinationConfig": {"OnFailure": {"Type": "SQS", "Destination": queue}},
        },
        **({"Events": events} if events else {}),
    }


def _event(event: dict[str, Any], queue: str) -> dict[str, Any]:
    is_tick = event["Type"] == "Schedule"
    return {
        # The older name of the type takes no dead letters in every version of the transform.
        "Type": "Schedule" if is_tick else "EventBridgeRule",
        "Properties": {
            "DeadLetterConfig": {"Arn": queue},
            "RetryPolicy": TICK_RETRY if is_tick else FACT_RETRY,
        },
    }


def _may_send(to: Ties) -> dict[str, Any]:
    return {"PolicyName": ROLE_POLICY, "PolicyDocument": failure_policy(to)}


def _log_group(stage: Stage, function: str, key: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Logs::LogGroup",
        "DeletionPolicy": "RetainExceptOnCreate",
        "UpdateReplacePolicy": "Retain",
        "Properties": {
            "LogGroupName": f"/aws/lambda/{function}",
            "RetentionInDays": log_groups.DAYS,
            "Tags": tags_of(stage),
            **({"KmsKeyId": key} if key else {}),
        },
    }


def _api(stage: Stage) -> dict[str, Any]:
    return {
        "Tags": {STAGE_TAG: stage.name},
        "MethodSettings": [
            {
                "ResourcePath": "/*",
                "HttpMethod": "*",
                "ThrottlingRateLimit": RATE_PER_S,
                "ThrottlingBurstLimit": BURST,
            }
        ],
        "GatewayResponses": dict(_gateway_responses()),
    }


def _gateway_responses() -> Iterator[tuple[str, dict[str, Any]]]:
    for response in gateway_responses.gateway_responses():
        headers = {
            name.removeprefix("gatewayresponse.header."): value
            for name, value in response["responseParameters"].items()
        }
        yield (
            response["responseType"],
            {
                "StatusCode": response["statusCode"],
                "ResponseParameters": {"Headers": headers},
                "ResponseTemplates": response["responseTemplates"],
            },
        )


def _subscription(
    stage: Stage, logical: str, name: str, functions: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return the filter that brings prediction lines of the API's log to their writer, and its permission."""
    group = f"/aws/lambda/{name.removesuffix(subscription.WRITER)}"
    source = next(one for one, made in functions.items() if f"/aws/lambda/{made['FunctionName']}" == group)
    arn = f"arn:{stage.partition}:logs:{stage.region}:{stage.account}:log-group:{group}:*"
    return {
        f"{logical}Permission": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "FunctionName": {"Ref": logical},
                "Action": "lambda:InvokeFunction",
                "Principal": "logs.amazonaws.com",
                "SourceArn": arn,
                "SourceAccount": stage.account,
            },
        },
        f"{logical}Subscription": {
            "Type": "AWS::Logs::SubscriptionFilter",
            "DependsOn": [f"{logical}Permission", f"{source}Log"],
            "Properties": {
                "FilterName": subscription.NAME,
                "FilterPattern": subscription.PATTERN,
                "LogGroupName": group,
                "DestinationArn": {"Fn::GetAtt": [logical, "Arn"]},
            },
        },
    }
