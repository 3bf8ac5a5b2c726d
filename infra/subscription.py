"""The subscription that brings the prediction lines of the inference service's log to the function that writes them.

`chalice deploy` knows no log subscriptions: the function is deployed by it, and connected here.
"""

import json
from collections.abc import Iterator
from typing import Any

from infra.calls import Call
from infra.records import Record
from infra.stage import Stage

WRITER = "-prediction_log"
NAME = "prediction-log"
PATTERN = '{ $.log = "prediction" }'
_SID = "prediction-log"


def writer_of(record: Record) -> str | None:
    """Return the name of the function that writes the prediction log, None for a service without one."""
    return next((name for name in record.functions if name.endswith(WRITER)), None)


def subscribe(stage: Stage, writer: str) -> Iterator[Call]:
    """Plan what is missing between the log of the API's function and *writer*."""
    lambdas = stage.client("lambda")
    arn: str = lambdas.get_function_configuration(FunctionName=writer)["FunctionArn"]
    group = f"/aws/lambda/{writer.removesuffix(WRITER)}"
    source, account = _log_arn(arn, group)
    # Before the subscription: CloudWatch tries whether it may invoke.
    if not _is_permitted(lambdas, writer):
        yield Call(
            what=f"the log may start {writer}",
            service="lambda",
            operation="add_permission",
            request={
                "FunctionName": writer,
                "StatementId": _SID,
                "Action": "lambda:InvokeFunction",
                "Principal": "logs.amazonaws.com",
                "SourceArn": source,
                "SourceAccount": account,
            },
        )
    wanted = {"filterName": NAME, "filterPattern": PATTERN, "destinationArn": arn}
    if _filter(stage.client("logs"), group) != wanted:
        yield Call(
            what=f"subscription of {writer}",
            service="logs",
            operation="put_subscription_filter",
            request={"logGroupName": group, **wanted},
        )


def _log_arn(function_arn: str, group: str) -> tuple[str, str]:
    """Return the ARN of a log group beside the function, and the account."""
    _, partition, _, region, account, *_ = function_arn.split(":")
    return f"arn:{partition}:logs:{region}:{account}:log-group:{group}:*", account


def _is_permitted(lambdas: Any, function: str) -> bool:
    try:
        policy = json.loads(lambdas.get_policy(FunctionName=function)["Policy"])
    except lambdas.exceptions.ResourceNotFoundException:
        return False
    return any(statement["Sid"] == _SID for statement in policy["Statement"])


def _filter(logs: Any, group: str) -> dict[str, str] | None:
    try:
        found = logs.describe_subscription_filters(logGroupName=group, filterNamePrefix=NAME)
    except logs.exceptions.ResourceNotFoundException:
        return None
    keys = ("filterName", "filterPattern", "destinationArn")
    return next(({key: one[key] for key in keys} for one in found["subscriptionFilters"]), None)
