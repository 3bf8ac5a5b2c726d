"""What CloudWatch tells of an alarm that changed its state: a message to its topics, an event on the bus."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec

Alarm = dict[str, Any]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One change of state; `before_reason` and `before_at` are of the state that ended."""

    before: str
    after: str
    reason: str
    at_s: float
    before_reason: str = ""
    before_at_s: float = 0.0
    account: str
    region: str


def message(alarm: Alarm, change: Change) -> tuple[str, str]:
    """Return subject and body of the message that SNS gets (user guide, "Notify users on alarm changes")."""
    name = alarm["AlarmName"]
    body = {
        "AlarmName": name,
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": change.account,
        "AlarmConfigurationUpdatedTimestamp": _time(alarm.get("AlarmConfigurationUpdatedTimestamp") or 0),
        "NewStateValue": change.after,
        "NewStateReason": change.reason,
        "StateChangeTime": _time(change.at_s),
        "Region": change.region,
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": change.before,
        "OKActions": alarm.get("OKActions") or [],
        "AlarmActions": alarm.get("AlarmActions") or [],
        "InsufficientDataActions": alarm.get("InsufficientDataActions") or [],
        "Trigger": _trigger(alarm),
    }
    return f'{change.after}: "{name}" in {change.region}'[:100], json.dumps(body)


def event(alarm: Alarm, change: Change) -> dict[str, Any]:
    """Return the event "CloudWatch Alarm State Change", as MiniStack's EventBridge keeps it."""
    detail = {
        "alarmName": alarm["AlarmName"],
        "configuration": _configuration(alarm),
        "previousState": {
            "reason": change.before_reason,
            "timestamp": _time(change.before_at_s),
            "value": change.before,
        },
        "state": {"reason": change.reason, "timestamp": _time(change.at_s), "value": change.after},
    }
    return {
        "EventId": str(uuid.uuid4()),
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(detail),
        "EventBusName": "default",
        "Time": int(change.at_s),
        "Resources": [alarm["AlarmArn"]],
        "Account": change.account,
        "Region": change.region,
    }


def _trigger(alarm: Alarm) -> dict[str, Any]:
    # SNS spells the dimensions in small letters, unlike everybody else.
    dimensions = [{"value": one["Value"], "name": one["Name"]} for one in alarm.get("Dimensions") or []]
    extended = alarm.get("ExtendedStatistic")
    kind = (
        {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": extended}
        if extended
        else {
            "StatisticType": "Statistic",
            "Statistic": str(alarm.get("Statistic") or "").upper(),
        }
    )
    return {
        "MetricName": alarm.get("MetricName"),
        "Namespace": alarm.get("Namespace"),
        **kind,
        "Unit": alarm.get("Unit"),
        "Dimensions": dimensions,
        "Period": alarm.get("Period"),
        "EvaluationPeriods": alarm.get("EvaluationPeriods"),
        "DatapointsToAlarm": alarm.get("DatapointsToAlarm"),
        "ComparisonOperator": alarm.get("ComparisonOperator"),
        "Threshold": alarm.get("Threshold"),
        "TreatMissingData": alarm.get("TreatMissingData"),
        "EvaluateLowSampleCountPercentile": "",
    }


def _configuration(alarm: Alarm) -> dict[str, Any]:
    described = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "MetricName" not in alarm:
        return described
    metric = {
        "dimensions": {one["Name"]: one["Value"] for one in alarm.get("Dimensions") or []},
        "name": alarm["MetricName"],
        "namespace": alarm["Namespace"],
    }
    statistic = {
        "metric": metric,
        "period": alarm["Period"],
        "stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
    }
    one = {"id": str(uuid.uuid4()), "metricStat": statistic, "returnData": True}
    return {**described, "metrics": [one]}


def _time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"
