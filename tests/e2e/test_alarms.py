"""Each alarm of a stage is fired once by its cause, tells people so, and is over when the cause is."""

import io
import json
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.observability.alarms import alarms
from infra.observability.panels import rows
from tests.e2e.conftest import Pipelines
from tests.e2e.data import TICK, deliveries
from tests.stage import Stage, eventually

BROKEN = "def app(event, context): raise RuntimeError('a broken deployment')"
SLOW = (
    "import time\ndef app(event, context):\n    time.sleep(3.2)\n    return {'statusCode': 200, 'body': ''}"
)
DEPTH = "ApproximateNumberOfMessages"


class Inbox:
    """A queue that is subscribed to the stage's alerts, and what came to it so far."""

    def __init__(self, stage: Stage) -> None:
        self._sqs = stage.aws("sqs")
        self._url = self._sqs.create_queue(QueueName="inbox")["QueueUrl"]
        arn = "arn:aws:sqs:us-east-1:000000000000:inbox"
        may = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [{**may, "Resource": arn}]}
        self._sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(policy)})
        topic = "arn:aws:sns:us-east-1:000000000000:headrace-local-alerts"
        stage.aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self._messages: list[dict[str, Any]] = []

    def messages(self) -> list[dict[str, Any]]:
        """Return all messages so far."""
        while found := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for message in found:
                self._messages.append(json.loads(json.loads(message["Body"])["Message"]))
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return self._messages

    def states(self, alarm: str) -> list[str]:
        """Return what was told of an alarm, in order."""
        return [one["NewStateValue"] for one in self.messages() if one.get("AlarmName") == alarm]


@pytest.fixture(scope="module")
def inbox(stage: Stage) -> Inbox:
    """What people get to read."""
    return Inbox(stage)


def state_of(stage: Stage, alarm: str) -> str:
    (found,) = stage.aws("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"]
    return str(found["StateValue"])


def after(stage: Stage, alarm: str, seconds: float) -> str:
    """Return the alarm's state when some time has passed."""
    stage.skip_time(seconds)
    return state_of(stage, alarm)


@contextmanager
def code_of_the_training_api(stage: Stage, source: str) -> Iterator[None]:
    """Deploy something else in place of the API's function."""
    lambdas, name = stage.aws("lambda"), "headrace-training-local"
    with urllib.request.urlopen(lambdas.get_function(FunctionName=name)["Code"]["Location"]) as answer:
        right = answer.read()
    wrong = io.BytesIO()
    with zipfile.ZipFile(wrong, "w") as package:
        package.writestr("app.py", source)
    lambdas.update_function_code(FunctionName=name, ZipFile=wrong.getvalue())
    try:
        yield
    finally:
        lambdas.update_function_code(FunctionName=name, ZipFile=right)


def an_event_that_nobody_can_handle(stage: Stage, _: Pipelines) -> Callable[[], None]:
    stage.aws("lambda").invoke(
        FunctionName="headrace-inference-local-batch", InvocationType="Event", Payload=b'{"no": "order"}'
    )
    sqs = stage.aws("sqs")
    queue = sqs.get_queue_url(QueueName="headrace-local-inference-dead-letters")["QueueUrl"]
    # Its three runs come seconds apart: minutes skipped in between would part them.
    asked = {"QueueUrl": queue, "AttributeNames": [DEPTH]}
    eventually(lambda: sqs.get_queue_attributes(**asked)["Attributes"][DEPTH] != "0")
    return lambda: sqs.purge_queue(QueueUrl=queue)


def silence(stage: Stage, _: Pipelines) -> Callable[[], None]:
    stage.skip_time(600)
    return lambda: stage.aws("lambda").invoke(FunctionName="headrace-ingest-local-reconcile", Payload=TICK)


def a_broken_deployment(stage: Stage, _: Pipelines) -> Callable[[], None]:
    with code_of_the_training_api(stage, BROKEN):
        for _number in range(5):
            assert stage.request("GET", "/v1/training-jobs")[0] >= 500
    return lambda: None


def a_slow_deployment(stage: Stage, _: Pipelines) -> Callable[[], None]:
    with code_of_the_training_api(stage, SLOW):
        for _minute in range(3):
            stage.request("GET", "/v1/training-jobs")
            stage.skip_time(60)
    return lambda: None


def a_quota_of_none(stage: Stage, pipelines: Pipelines) -> Callable[[], None]:
    faults = stage.root / "faults.json"
    faults.write_text(json.dumps([{"id": "none", "fault": "quota", "times": 99}]))
    name = pipelines.create("waiting")
    stage.put_object(name, "january.csv", deliveries(41))
    (job,) = eventually(lambda: pipelines.jobs(name))
    return lambda: _stop(stage, faults, job["job_id"])


def _stop(stage: Stage, faults: Path, job: str) -> None:
    faults.unlink(missing_ok=True)
    stage.request("POST", f"/v1/training-jobs/{job}/stop")


def a_stuck_job(stage: Stage, _: Pipelines) -> Callable[[], None]:
    # The line of a job that outlived its time by 15 minutes: tests/integration/jobs waits for a real one, in its own time.
    line = {"Namespace": "Headrace", "Dimensions": [["stage", "service"]], "Metrics": [{"Name": "StuckJob"}]}
    members = {"StuckJob": 1, "stage": "local", "service": "training"}
    _log(stage, "headrace-training-local-reconcile", {**members, "_aws": _metadata(line)})
    return lambda: None


def a_line_that_is_no_prediction(stage: Stage, _: Pipelines) -> Callable[[], None]:
    _log(stage, "headrace-inference-local", {"log": "prediction", "nonsense": True})
    return lambda: None


def _log(stage: Stage, function: str, line: dict[str, Any]) -> None:
    logs, stream = stage.aws("logs"), f"by-hand-{time.time_ns()}"
    group = f"/aws/lambda/{function}"
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    events = [{"timestamp": int(time.time() * 1000), "message": json.dumps(line)}]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def _metadata(directive: dict[str, Any]) -> dict[str, Any]:
    return {"Timestamp": int(time.time() * 1000), "CloudWatchMetrics": [directive]}


def a_rollback(stage: Stage, pipelines: Pipelines) -> Callable[[], None]:
    """Roll back a pipeline with two versions, which `released` has made."""
    why = {"reason": "to see the alarm"}
    status, _, body = stage.request("POST", "/v1/endpoints/deliveries/rollback", why)
    assert status in {200, 202}, body
    pipelines.live("deliveries", "v1")

    def second_version_again() -> None:
        # Others look for it.
        promote = {"version": "v2", "force": True, **why}
        stage.request("POST", "/v1/endpoints/deliveries/promote", promote)
        pipelines.live("deliveries", "v2")

    return second_version_again


Cause = Callable[[Stage, Pipelines], Callable[[], object]]
CAUSES: dict[str, tuple[str, Cause]] = {
    "DeadLetters": ("inference", an_event_that_nobody_can_handle),
    "FunctionErrors": ("inference-batch", an_event_that_nobody_can_handle),
    "ReconcilerSilent": ("ingest", silence),
    "Api5xx": ("training", a_broken_deployment),
    "HighLatency": ("training", a_slow_deployment),
    "JobWaiting": ("", a_quota_of_none),
    "StuckJob": ("", a_stuck_job),
    "LogDropped": ("", a_line_that_is_no_prediction),
    "RollbackHappened": ("", a_rollback),
}


# Its cause takes a live model and strange traffic: test_drift.py has both.
ELSEWHERE = {"DriftDetected"}


def test_every_alarm_has_its_cause() -> None:
    assert CAUSES.keys() | ELSEWHERE == {alarm.name for alarm in alarms()}


@pytest.mark.parametrize("name", CAUSES)
def test_an_alarm_fires_by_its_cause_tells_people_and_is_over_afterwards(
    stage: Stage, pipelines: Pipelines, inbox: Inbox, request: pytest.FixtureRequest, name: str
) -> None:
    subject, cause = CAUSES[name]
    if cause is a_rollback:
        request.getfixturevalue("released")
    alarm = "-".join(filter(None, ("headrace-local", name, subject)))
    mend = cause(stage, pipelines)
    assert eventually(lambda: state_of(stage, alarm) == "ALARM" or after(stage, alarm, 60) == "ALARM")
    assert eventually(lambda: inbox.states(alarm)[-1:] == ["ALARM"], within_s=10)

    def is_over() -> bool:
        # A reconciler must be heard again in every five minutes that pass.
        mend()
        return after(stage, alarm, 300) == "OK"

    assert eventually(is_over)
    assert eventually(lambda: inbox.states(alarm)[-1:] == ["OK"], within_s=10)


def test_people_hear_of_an_upload_that_was_rejected(stage: Stage, pipelines: Pipelines, inbox: Inbox) -> None:
    name = pipelines.create("unreadable")
    stage.put_object(name, "empty.csv", b"")

    def told() -> list[dict[str, Any]]:
        return [one for one in inbox.messages() if one.get("data", {}).get("pipeline") == name]

    (message,) = eventually(told)
    assert (message["what"], message["stage"]) == ("DatasetVersionRejected", "local")
    assert message["data"]["reason"]


@pytest.mark.usefixtures("released")
def test_what_each_pipeline_pays_for_is_on_a_graph(stage: Stage) -> None:
    drawn = {
        (metric.name, *sorted(metric.dimensions))
        for row in rows()
        for panel in row.panels
        for metric in panel.metrics
    }
    pages = stage.aws("cloudwatch").get_paginator("list_metrics").paginate(Namespace="Headrace")
    written = {
        (metric["MetricName"], *sorted(one["Name"] for one in metric["Dimensions"]))
        for page in pages
        for metric in page["Metrics"]
    }
    of_pipelines = {metric for metric in written if "pipeline" in metric}
    assert ("RowsRead", "pipeline", "service", "stage") in of_pipelines
    assert of_pipelines - drawn == set()
