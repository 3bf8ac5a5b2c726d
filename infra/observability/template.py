"""The CloudFormation template of a stage's alarms, dashboard and messages to people."""

import json
from typing import Any

import yaml

from infra.observability.alarms import Alarm, alarms
from infra.observability.dashboards import cloudwatch_body
from infra.observability.metrics import SERVICES
from shared.events import EVENTS

_HEAD = "# Written by `make docs` from infra/observability/: change it there.\n"
_COMPARISONS = {
    ">": "GreaterThanThreshold",
    ">=": "GreaterThanOrEqualToThreshold",
    "<": "LessThanThreshold",
}
# What people want to hear of: the facts that say that something did not work.
_BAD_NEWS = ("Rejected", "Failed", "RolledBack")
# As `harden` has it for the rules of the services.
_RETRY = {"MaximumRetryAttempts": 185, "MaximumEventAgeInSeconds": 86400}


class _Short(str):
    """The text of a short form; `tag` is its name."""

    tag = ""


class Sub(_Short):
    """`!Sub`."""

    tag = "!Sub"


class Ref(_Short):
    """`!Ref`."""

    tag = "!Ref"


class _Dumper(yaml.SafeDumper):
    """Writes the short forms, and no anchors: CloudFormation reads them, people do not."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write equal values out each time."""
        return True


def _represent(dumper: yaml.SafeDumper, value: _Short) -> yaml.Node:
    return dumper.represent_scalar(value.tag, str(value))


_Dumper.add_representer(Sub, _represent)
_Dumper.add_representer(Ref, _represent)


def template() -> str:
    """Return the template's text."""
    document = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Headrace, what watches one stage: alarms, a dashboard, messages to people.",
        "Parameters": _parameters(),
        "Conditions": {"HasAlertEmail": {"Fn::Not": [{"Fn::Equals": [Ref("AlertEmail"), ""]}]}},
        "Resources": {
            **{_logical_id(alarm): _alarm(alarm) for alarm in alarms()},
            **{f"{service.capitalize()}Facts": _facts(service) for service in SERVICES},
            "AlertSubscription": _subscription(),
            "Dashboard": _dashboard(),
        },
        "Outputs": {
            "AlertEmail": {"Value": Ref("AlertEmail")},
            "Fingerprint": {"Value": Ref("Fingerprint")},
        },
    }
    return _HEAD + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=110, default_flow_style=None)


def _parameters() -> dict[str, Any]:
    text = {"Type": "String"}
    return {
        "Stage": {**text, "AllowedPattern": "^[a-z]{2,8}$"},
        "AlertsTopicArn": {
            **text,
            "Description": "The stage's topic; its policy lets alarms and these rules publish.",
        },
        "AlertEmail": {
            **text,
            "Default": "",
            "Description": "Who gets the messages by mail; empty is nobody.",
        },
        "Fingerprint": {
            **text,
            "Default": "",
            "Description": "Digest of this template and the other parameters; equal means nothing to deploy.",
        },
    }


def _logical_id(alarm: Alarm) -> str:
    words = [word for part in alarm.subject.split("-") for word in part.split("_")]
    return alarm.name + "".join(word.capitalize() for word in words)


def _alarm(alarm: Alarm) -> dict[str, Any]:
    metric = alarm.metric
    is_percentile = metric.statistic.startswith("p")
    properties = {
        "AlarmName": Sub(alarm.full_name),
        "AlarmDescription": f"{alarm.means} {alarm.remedy}",
        "Namespace": metric.namespace,
        "MetricName": metric.name,
        "Dimensions": [
            {"Name": name, "Value": Sub(value) if "$" in value else value}
            for name, value in metric.dimensions.items()
        ],
        "ExtendedStatistic" if is_percentile else "Statistic": metric.statistic,
        "Period": alarm.period_s,
        "EvaluationPeriods": alarm.periods,
        "DatapointsToAlarm": alarm.needed,
        "ComparisonOperator": _COMPARISONS[alarm.comparison],
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.missing,
        "AlarmActions": [Ref("AlertsTopicArn")],
        "OKActions": [Ref("AlertsTopicArn")],
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}


def _facts(service: str) -> dict[str, Any]:
    bad_news = [
        event.__name__ for event in EVENTS if event.service == service and event.__name__.endswith(_BAD_NEWS)
    ]
    pattern = {"source": [Sub(f"headrace.${{Stage}}.{service}")], "detail-type": bad_news}
    told = {"what": "$.detail-type", "at": "$.time", "data": "$.detail.data"}
    words = '{"stage": "${Stage}", "what": <what>, "at": <at>, "data": <data>}'
    queue = "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:headrace-${Stage}-" + service
    target = {
        "Id": "alerts",
        "Arn": Ref("AlertsTopicArn"),
        "InputTransformer": {"InputPathsMap": told, "InputTemplate": Sub(words)},
        "RetryPolicy": _RETRY,
        "DeadLetterConfig": {"Arn": Sub(f"{queue}-dead-letters")},
    }
    properties = {
        "Name": Sub(f"headrace-{service}-${{Stage}}-facts"),
        "Description": "Facts that say that something did not work, to people.",
        "EventPattern": pattern,
        "Targets": [target],
    }
    return {"Type": "AWS::Events::Rule", "Properties": properties}


def _subscription() -> dict[str, Any]:
    properties = {"TopicArn": Ref("AlertsTopicArn"), "Protocol": "email", "Endpoint": Ref("AlertEmail")}
    return {"Type": "AWS::SNS::Subscription", "Condition": "HasAlertEmail", "Properties": properties}


def _dashboard() -> dict[str, Any]:
    # Said once: CloudFormation takes a template of more than 51,200 bytes from S3 only.
    arn = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:headrace-${Stage}"
    body = json.dumps(cloudwatch_body(), separators=(",", ":")).replace(arn, "${Alarm}")
    filled = {"Fn::Sub": [body, {"Alarm": Sub(arn)}]}
    properties = {"DashboardName": Sub("headrace-${Stage}"), "DashboardBody": filled}
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}
