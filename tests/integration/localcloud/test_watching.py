"""The cloud watches itself: what runs is measured, and alarms tell whom they should, in skipped time."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.integration.localcloud.cloud import (
    Cloud,
    call,
    cloud_in,
    make_function,
    make_queue,
    policy,
    receive,
    unique,
    wait_for,
)

EMITS = """
import json, time
def handler(event, context):
    if event.get("fail"):
        raise ValueError("asked to")
    directive = {"Namespace": "Ours", "Dimensions": [["who"]], "Metrics": [{"Name": "beats", "Unit": "Count"}]}
    line = {"_aws": {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}}
    print(json.dumps({**line, "who": event["who"], "beats": event.get("beats", 1)}))
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A cloud of its own: its clock is advanced, which others must not notice."""
    with cloud_in(tmp_path_factory.mktemp("watched")) as running:
        yield running


def advance(cloud: Cloud, seconds: float) -> dict[str, Any]:
    body = json.dumps({"advance_s": seconds}).encode()
    with urllib.request.urlopen(f"{cloud.url}/_localcloud/clock", data=body, timeout=10) as answer:
        return dict(json.load(answer))


def open_queue(cloud: Cloud, service: str) -> tuple[str, str]:
    """Make a queue that *service* may send to; return URL and ARN."""
    url, arn = make_queue(cloud)
    may = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sqs:SendMessage", "Resource": arn}
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(may)})
    return url, arn


def state_of(cloud: Cloud, alarm: str) -> str:
    return str(
        cloud.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"]
    )


def put_alarm(cloud: Cloud, who: str, **settings: Any) -> str:
    name = unique("alarm")
    defaults = {
        "Namespace": "Ours",
        "MetricName": "beats",
        "Dimensions": [{"Name": "who", "Value": who}],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 0,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    cloud.client("cloudwatch").put_metric_alarm(AlarmName=name, **{**defaults, **settings})
    return name


def total(cloud: Cloud, namespace: str, name: str, statistic: str = "Sum", **dimensions: str) -> float:
    now = datetime.now(UTC)
    found = cloud.client("cloudwatch").get_metric_statistics(
        Namespace=namespace,
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(days=8),
        Period=86_400 * 10,
        Statistics=[statistic],
    )["Datapoints"]
    return float(sum(one[statistic] for one in found))


def told_topic(cloud: Cloud) -> tuple[str, str]:
    """Make a topic and a queue that hears it; return the topic's ARN and the queue's URL."""
    url, queue = open_queue(cloud, "sns.amazonaws.com")
    topic = str(cloud.client("sns").create_topic(Name=unique("topic"))["TopicArn"])
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    return topic, url


def notices(cloud: Cloud, url: str) -> list[tuple[str, str]]:
    """Return which alarms told of which state so far."""
    found = cloud.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    told = [json.loads(json.loads(one["Body"])["Message"]) for one in found]
    return [(one["AlarmName"], one["NewStateValue"]) for one in told]


def beat(cloud: Cloud, who: str, unit: str = "Count") -> None:
    """Put one point of the alarms' metric."""
    dimensions = [{"Name": "who", "Value": who}]
    point = {"MetricName": "beats", "Dimensions": dimensions, "Value": 1, "Unit": unit}
    cloud.client("cloudwatch").put_metric_data(Namespace="Ours", MetricData=[point])


def test_an_alarm_fires_for_exactly_its_metric_and_tells_topic_and_bus_then_recovers(own: Cloud) -> None:
    function = make_function(own, EMITS)
    topic, url = told_topic(own)
    bus_url, bus_queue = open_queue(own, "events.amazonaws.com")
    mine, other = unique("me"), unique("other")
    alarm = put_alarm(own, mine, AlarmActions=[topic], OKActions=[topic])
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [alarm], "state": {"value": ["ALARM"]}}}
    own.client("events").put_rule(Name=alarm, EventPattern=json.dumps(pattern))
    own.client("events").put_targets(Rule=alarm, Targets=[{"Id": "1", "Arn": bus_queue}])
    call(own, function, {"who": other})
    advance(own, 60)
    assert state_of(own, alarm) == "OK", "the same metric of somebody else"
    call(own, function, {"who": mine})
    advance(own, 60)
    assert state_of(own, alarm) == "ALARM"
    assert notices(own, url) == [(alarm, "OK"), (alarm, "ALARM")]
    assert json.loads(receive(own, bus_url)["Body"])["detail"]["previousState"]["value"] == "OK"
    advance(own, 60)
    assert state_of(own, alarm) == "ALARM", "a real point farther back counts before a missing one does"
    advance(own, 120)
    assert state_of(own, alarm) == "OK"
    history = own.client("cloudwatch").describe_alarm_history(AlarmName=alarm)["AlarmHistoryItems"]
    assert sorted(one["HistorySummary"].removeprefix("Alarm updated ") for one in history) == [
        "from ALARM to OK",
        "from INSUFFICIENT_DATA to OK",
        "from OK to ALARM",
    ]


def test_each_state_has_actions_of_its_own_and_none_while_they_are_switched_off(own: Cloud) -> None:
    (bad, bad_url), (good, good_url), who = told_topic(own), told_topic(own), unique("me")
    loud = put_alarm(own, who, AlarmActions=[bad], OKActions=[good])
    quiet = put_alarm(own, who, AlarmActions=[bad], OKActions=[good], ActionsEnabled=False)
    beat(own, who)
    advance(own, 60)
    assert [state_of(own, name) for name in (loud, quiet)] == ["ALARM", "ALARM"]
    advance(own, 180)
    assert [state_of(own, name) for name in (loud, quiet)] == ["OK", "OK"]
    assert notices(own, bad_url) == [(loud, "ALARM")]
    assert notices(own, good_url) == [(loud, "OK")]


def test_an_alarm_that_names_a_unit_sees_no_points_in_others(own: Cloud) -> None:
    who = unique("me")
    alarm = put_alarm(own, who, Unit="Seconds")
    beat(own, who)
    advance(own, 60)
    assert state_of(own, alarm) == "OK"
    beat(own, who, "Seconds")
    advance(own, 60)
    assert state_of(own, alarm) == "ALARM"


def test_silence_is_an_alarm_where_missing_data_breaches(own: Cloud) -> None:
    function, who = make_function(own, EMITS), unique("heart")
    alarm = put_alarm(
        own,
        who,
        Threshold=1,
        ComparisonOperator="LessThanThreshold",
        Period=300,
        TreatMissingData="breaching",
    )
    call(own, function, {"who": who})
    advance(own, 60)
    assert state_of(own, alarm) == "OK"
    advance(own, 900)
    assert state_of(own, alarm) == "ALARM"
    call(own, function, {"who": who})
    advance(own, 60)
    assert state_of(own, alarm) == "OK"


def test_two_of_three_datapoints_and_a_percentile_decide(own: Cloud) -> None:
    function, who = make_function(own, EMITS), unique("slow")
    extended = {"ExtendedStatistic": "p90", "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 50}
    settings = {**extended, "Namespace": "Ours", "MetricName": "beats", "Period": 60}
    name = unique("alarm")
    own.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Dimensions=[{"Name": "who", "Value": who}],
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        **settings,
    )
    for beats in (*[10] * 9, 90):
        call(own, function, {"who": who, "beats": beats})
    advance(own, 60)
    assert state_of(own, name) == "OK", "its p90 is 18"
    for minute, state in enumerate(("OK", "ALARM")):
        for _ in range(3):
            call(own, function, {"who": who, "beats": 90})
        advance(own, 60)
        assert state_of(own, name) == state, minute


def test_every_run_of_a_function_is_measured_once_whoever_started_it(own: Cloud) -> None:
    function = make_function(own, EMITS)
    own.client("lambda").put_function_event_invoke_config(FunctionName=function, MaximumRetryAttempts=1)
    call(own, function, {"who": "x"})
    call(own, function, {"fail": True})
    own.client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=b'{"fail": true}')
    wait_for(lambda: total(own, "AWS/Lambda", "Errors", FunctionName=function) == 3)
    assert total(own, "AWS/Lambda", "Invocations", FunctionName=function) == 4
    assert total(own, "AWS/Lambda", "Duration", "SampleCount", FunctionName=function) == 4
    assert total(own, "AWS/Lambda", "ConcurrentExecutions", "Maximum", FunctionName=function) == 1


def test_a_throttled_call_is_a_throttle_and_no_invocation(own: Cloud) -> None:
    function = make_function(own, EMITS)
    own.client("lambda").put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    once = own.client("lambda", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ClientError, match="Rate Exceeded"):
        once.invoke(FunctionName=function)
    assert total(own, "AWS/Lambda", "Throttles", FunctionName=function) == 1
    assert total(own, "AWS/Lambda", "Invocations", FunctionName=function) == 0


def test_what_waits_in_a_queue_is_measured_at_the_end_of_each_minute(own: Cloud) -> None:
    url, arn = make_queue(own)
    name = arn.rpartition(":")[2]
    for text in ("a", "b"):
        own.client("sqs").send_message(QueueUrl=url, MessageBody=text)
    advance(own, 60)
    depth = ("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum")
    assert total(own, *depth, QueueName=name) == 2


def test_a_functions_runs_share_a_stream(own: Cloud) -> None:
    function = make_function(own, EMITS)
    for _ in range(3):
        call(own, function, {"who": "x"})
    group = {"logGroupName": f"/aws/lambda/{function}"}
    assert len(own.client("logs").describe_log_streams(**group)["logStreams"]) == 1
    lines = [one["message"] for one in own.client("logs").filter_log_events(**group)["events"]]
    assert sum(line.startswith("REPORT RequestId: ") for line in lines) == 3
