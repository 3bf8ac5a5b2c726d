"""The template of what watches a stage: names that exist, silence that was thought about, messages that arrive."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from docs.generate import SERVICES, load_app
from infra import templates
from infra.observability.alarms import alarms
from infra.observability.dashboards import cloudwatch_body, grafana
from infra.observability.metrics import FUNCTIONS
from shared.events import EVENTS
from tests.infra import rules

TEMPLATE = templates.load("observability.yaml")
ALARMS = dict(rules.properties(TEMPLATE, "AWS::CloudWatch::Alarm"))
NAMES = {
    *("DeadLetters", "ReconcilerSilent", "FunctionErrors", "Api5xx", "HighLatency"),
    *("StuckJob", "JobWaiting", "LogDropped", "RollbackHappened", "DriftDetected"),
}


def test_a_stage_has_every_agreed_alarm() -> None:
    assert {alarm.name for alarm in alarms()} == NAMES
    assert len(ALARMS) == len(alarms())


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_tells_people_when_it_fires_and_when_it_is_over(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == alarm["OKActions"] == [{"Ref": "AlertsTopicArn"}]
    assert len(alarm["AlarmDescription"]) > 40


def test_only_silence_itself_is_an_alarm_where_nothing_comes() -> None:
    breaching = {name for name, alarm in ALARMS.items() if alarm["TreatMissingData"] == "breaching"}
    assert breaching == {f"ReconcilerSilent{service.capitalize()}" for service in SERVICES}
    assert {alarm["TreatMissingData"] for alarm in ALARMS.values()} == {"breaching", "notBreaching"}


@pytest.mark.parametrize("service", SERVICES)
def test_every_function_that_events_start_has_an_alarm(service: str) -> None:
    app = load_app(service).app
    started = {source.name for source in app.event_sources} | {one.name for one in app.pure_lambda_functions}
    assert set(FUNCTIONS[service]) == started


def test_our_own_metrics_are_written_by_the_service_that_the_alarm_names() -> None:
    for alarm in ALARMS.values():
        if alarm["Namespace"] != "Headrace":
            continue
        (service,) = [d["Value"] for d in alarm["Dimensions"] if d["Name"] == "service"]
        own = rules.INFRA.parent / f"{service}_service"
        code = "".join(path.read_text() for path in [*own.glob("app.py"), *own.glob("chalicelib/**/*.py")])
        written = {"ReconcilerTick": "tell_alive(", "ReleaseRolledBack": "type(event).__name__"}
        assert written.get(alarm["MetricName"], f'"{alarm["MetricName"]}"') in code


def test_bad_news_and_no_good_ones_reach_people_and_none_is_lost() -> None:
    told = []
    for _, rule in rules.properties(TEMPLATE, "AWS::Events::Rule"):
        told += rule["EventPattern"]["detail-type"]
        (target,) = rule["Targets"]
        assert target["Arn"] == {"Ref": "AlertsTopicArn"}
        assert target["RetryPolicy"]["MaximumRetryAttempts"] > 0
        service = rule["Name"]["Fn::Sub"].split("-")[1]
        assert target["DeadLetterConfig"]["Arn"]["Fn::Sub"].endswith(
            f"headrace-${{Stage}}-{service}-dead-letters"
        )
    bad = [event.__name__ for event in EVENTS if re.search("Rejected|Failed|RolledBack", event.__name__)]
    assert sorted(told) == sorted(bad)


def test_the_topic_lets_alarms_and_these_rules_in_and_nobody_else() -> None:
    (policy,) = dict(rules.properties(templates.load("foundation.yaml"), "AWS::SNS::TopicPolicy")).values()
    allowed = [one for one in policy["PolicyDocument"]["Statement"] if one["Effect"] == "Allow"]
    by_whom = {one["Principal"]["Service"]: one for one in allowed}
    assert by_whom.keys() == {"cloudwatch.amazonaws.com", "events.amazonaws.com"}
    of_this_account = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert by_whom["cloudwatch.amazonaws.com"]["Condition"] == of_this_account
    pattern = by_whom["events.amazonaws.com"]["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
    for _, rule in rules.properties(TEMPLATE, "AWS::Events::Rule"):
        name = re.escape(pattern.rpartition("rule/")[2]).replace(r"\*", "[^-]+")
        assert re.fullmatch(name, rule["Name"]["Fn::Sub"])


def test_both_dashboards_show_the_same_metrics() -> None:
    in_cloudwatch = Counter(_of_cloudwatch(cloudwatch_body()))
    in_grafana = Counter(
        (target["namespace"], target["metricName"], target["statistic"], tuple(target["dimensions"].items()))
        for panel in grafana()["panels"]
        for target in panel.get("targets", [])
    )
    assert in_cloudwatch == in_grafana
    assert len(in_grafana) > 50


def _of_cloudwatch(body: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    for widget in body["widgets"]:
        for line in widget["properties"].get("metrics", []):
            if isinstance(line[0], dict):
                yield _searched(line[0]["expression"])
            else:
                namespace, name, *pairs, options = line
                yield namespace, name, options["stat"], tuple(zip(pairs[::2], pairs[1::2], strict=True))


def _searched(expression: str) -> tuple[Any, ...]:
    schema, wanted, statistic = re.findall(r"\{(.*)\} (.*)', '(.*)', 60\)", expression)[0]
    namespace, *names = schema.split(",")
    given = dict(re.findall(r'(\w+)="([^"]*)"', wanted))
    return namespace, given["MetricName"], statistic, tuple((name, given.get(name, "*")) for name in names)


def test_the_dashboard_is_json_that_cloudformation_fills_in() -> None:
    (dashboard,) = dict(rules.properties(TEMPLATE, "AWS::CloudWatch::Dashboard")).values()
    short, said_once = dashboard["DashboardBody"]["Fn::Sub"]
    text = short.replace("${Alarm}", said_once["Alarm"]["Fn::Sub"])
    assert set(re.findall(r"\$\{([^}]+)\}", text)) == {
        *("Stage", "AWS::Region", "AWS::AccountId", "AWS::Partition")
    }
    body = json.loads(re.sub(r"\$\{[^}]+\}", "x", text))
    names = {arn.partition(":alarm:")[2] for arn in body["widgets"][0]["properties"]["alarms"]}
    assert names == {alarm["AlarmName"]["Fn::Sub"].replace("${Stage}", "x") for alarm in ALARMS.values()}
