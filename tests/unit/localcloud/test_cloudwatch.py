"""What becomes of a metric before an alarm sees it: read from a line, added up, thinned out, in skipped time."""

import copy
import json
from typing import Any

import pytest

from localcloud.cloudwatch import emf, notices
from localcloud.cloudwatch.clock import Clock
from localcloud.cloudwatch.points import DISTINCT, Points
from localcloud.cloudwatch.watch import Watch
from shared import metrics

LINE: dict[str, Any] = {
    "_aws": {
        "Timestamp": 1_700_000_000_500,
        "CloudWatchMetrics": [
            {
                "Namespace": "Ours",
                "Dimensions": [["stage"], ["stage", "pipeline"], ["stage", "absent"]],
                "Metrics": [{"Name": "requests", "Unit": "Count"}, {"Name": "latency"}],
            }
        ],
    },
    "stage": "dev",
    "pipeline": "flights",
    "version": "v7",
    "requests": 2,
    "latency": [1.5, 3],
}


def test_each_dimension_set_of_a_line_is_a_metric_and_a_set_without_its_member_is_none() -> None:
    found = {(one.name, tuple(one.dimensions), one.value) for one in emf.read(json.dumps(LINE))}
    assert found == {
        ("requests", ("stage",), 2.0),
        ("latency", ("stage",), 1.5),
        ("latency", ("stage",), 3.0),
        ("requests", ("stage", "pipeline"), 2.0),
        ("latency", ("stage", "pipeline"), 1.5),
        ("latency", ("stage", "pipeline"), 3.0),
    }
    first = emf.read(json.dumps(LINE))[0]
    assert (first.namespace, first.unit, first.at_s) == ("Ours", "Count", 1_700_000_000.5)


@pytest.mark.parametrize(
    "line",
    [
        "START RequestId: 1",
        '{"level": "INFO", "message": "plain"}',
        '{"_aws": "text"}',
        '{"_aws": {"Timestamp": 1}}',
        '{"_aws": ',
        json.dumps({**LINE, "requests": "two", "latency": True}),
    ],
)
def test_a_line_that_breaks_the_format_carries_nothing(line: str) -> None:
    assert emf.read(line) == []


def test_a_metric_has_at_most_a_hundred_values_in_a_line() -> None:
    found = emf.read(json.dumps({**LINE, "latency": list(range(101))}))
    values = [one.value for one in found if one.name == "latency" and one.dimensions == {"stage": "dev"}]
    assert values == list(range(100))


def test_what_our_services_write_is_read_back(capsys: pytest.CaptureFixture[str]) -> None:
    metrics.emit({"LogDropped": (3, "Count")}, dimensions={"stage": "dev", "service": "inference"})
    (found,) = emf.read(capsys.readouterr().out)
    assert (found.namespace, found.name, found.value) == (metrics.NAMESPACE, "LogDropped", 3.0)
    assert found.dimensions == {"stage": "dev", "service": "inference"}


def _point(at: float, value: float) -> dict[str, Any]:
    return {"Timestamp": at, "Value": value, "Unit": "Count", "Dimensions": {}}


def test_equal_values_of_a_minute_are_one_point() -> None:
    points = Points()
    for at, value in ((60.0, 1), (61.5, 1), (119.9, 2), (120.0, 1)):
        points.append(_point(at, value))
    assert [(p["Timestamp"], p["Value"], p["Count"]) for p in points] == [(60, 1, 2), (60, 2, 1), (120, 1, 1)]


def test_however_many_requests_a_minute_has_its_points_are_few_and_their_sum_is_close() -> None:
    points = Points()
    for number in range(10_000):
        points.append(_point(60.0, 100 + number / 10))
    assert len(points) <= DISTINCT * 2
    assert sum(p["Count"] for p in points) == 10_000
    assert sum(p["Value"] * p["Count"] for p in points) == pytest.approx(5_999_500, rel=0.01)


def test_old_minutes_become_hours_with_the_same_sum_and_very_old_ones_go() -> None:
    points = Points()
    now = 40.0 * 86_400
    for minute in range(3 * 24 * 60):
        points.append(_point(now - 60 * minute, minute % 7))
    total = sum(p["Value"] * p["Count"] for p in points)
    points.thin(now)
    points.thin(now)
    fine = sum(p["Value"] * p["Count"] for p in points if "_stat" not in p)
    coarse = sum(p["_stat"]["Sum"] for p in points if "_stat" in p)
    assert fine + coarse == total
    assert len(points) < 300
    points.thin(now + 16 * 86_400)
    assert points == []


def test_a_copy_for_the_disk_holds_the_points_and_does_not_follow_them() -> None:
    points = Points()
    points.append(_point(60.0, 1))
    kept = copy.deepcopy(points)
    points.append(_point(60.0, 1))
    assert kept == [_point(60.0, 1) | {"Count": 1.0}]


def test_time_that_is_skipped_is_looked_at_minute_by_minute() -> None:
    seen: list[float] = []
    clock = Clock(real=lambda: 1_000_010.0)
    told = Watch(clock, seen.append).advance(150)
    assert seen == [1_000_020.0, 1_000_080.0, 1_000_140.0]
    assert told == {"time": 1_000_160.0, "minutes": 3}
    assert clock.shifted(1_000_010.0) == clock.time()


def test_a_notice_names_the_metric_and_both_states() -> None:
    alarm = {
        "AlarmName": "headrace-dev-dead-letters",
        "AlarmArn": "arn:aws:cloudwatch:us-east-1:000000000000:alarm:headrace-dev-dead-letters",
        "MetricName": "Depth",
        "Namespace": "AWS/SQS",
        "Statistic": "Maximum",
        "Period": 60,
        "Dimensions": [{"Name": "QueueName", "Value": "q"}],
        "OKActions": ["topic"],
    }
    change = notices.Change(
        before="OK", after="ALARM", reason="why", at_s=0.5, account="1", region="us-east-1"
    )
    subject, body = notices.message(alarm, change)
    assert subject == 'ALARM: "headrace-dev-dead-letters" in us-east-1'
    sent = json.loads(body)
    assert (sent["OldStateValue"], sent["NewStateValue"], sent["NewStateReason"]) == ("OK", "ALARM", "why")
    assert sent["StateChangeTime"] == "1970-01-01T00:00:00.500+0000"
    assert sent["Trigger"]["Dimensions"] == [{"value": "q", "name": "QueueName"}]
    event = notices.event(alarm, change)
    detail = json.loads(event["Detail"])
    assert (event["Source"], event["DetailType"]) == ("aws.cloudwatch", "CloudWatch Alarm State Change")
    assert detail["state"]["value"] == "ALARM"
    assert detail["configuration"]["metrics"][0]["metricStat"]["metric"]["dimensions"] == {"QueueName": "q"}
