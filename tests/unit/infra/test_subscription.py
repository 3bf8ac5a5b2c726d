"""What connects the inference service's log with the function that writes predictions, as AWS's models have it."""

import json
from typing import Any

import pytest

from infra import stage as stages
from infra import subscription
from infra.calls import send
from infra.records import Record
from infra.stage import Stage
from tests.aws_calls import NOT_THERE, Noted, Recorder, as_method, operations_in

DEV = Stage(name="dev", region="eu-west-1", account="111122223333")
API = "headrace-inference-dev"
WRITER = f"{API}-prediction_log"
ARN = f"arn:aws:lambda:eu-west-1:111122223333:function:{WRITER}"
GROUP = f"/aws/lambda/{API}"
PERMITTED = {"Policy": json.dumps({"Statement": [{"Sid": "prediction-log"}]})}
FILTER = {"filterName": "prediction-log", "filterPattern": '{ $.log = "prediction" }', "destinationArn": ARN}


def changes(monkeypatch: pytest.MonkeyPatch, policy: dict[str, Any], *filters: dict[str, Any]) -> list[Noted]:
    """Return the calls that change something where this is there already."""
    answers: dict[str, Any] = {
        "GetFunctionConfiguration": [{"FunctionArn": ARN}],
        "GetPolicy": [policy],
        "DescribeSubscriptionFilters": [{"subscriptionFilters": list(filters)}],
    }
    recorder = Recorder(answers)
    monkeypatch.setattr(stages, "_client", recorder.client)
    send(DEV, subscription.subscribe(DEV, WRITER))
    assert [one.wrong for one in recorder.notes if one.wrong] == []
    return [one for one in recorder.notes if one.changes]


def test_the_log_may_start_the_writer_before_it_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    permission, subscribed = changes(monkeypatch, NOT_THERE)
    assert {as_method(one.operation) for one in (permission, subscribed)} == operations_in([subscription])
    assert (permission.operation, permission.request["Principal"]) == ("AddPermission", "logs.amazonaws.com")
    # No log of another account, nor another log of this one.
    assert permission.request["SourceArn"] == f"arn:aws:logs:eu-west-1:111122223333:log-group:{GROUP}:*"
    assert permission.request["SourceAccount"] == "111122223333"
    assert subscribed.request == {"logGroupName": GROUP, **FILTER}


def test_what_is_there_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert changes(monkeypatch, PERMITTED, FILTER) == []


def test_a_subscription_that_goes_elsewhere_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    (subscribed,) = changes(monkeypatch, PERMITTED, {**FILTER, "destinationArn": f"{ARN}-before"})
    assert (subscribed.operation, subscribed.request["destinationArn"]) == ("PutSubscriptionFilter", ARN)


@pytest.mark.parametrize(("functions", "writer"), [([API, WRITER], WRITER), ([API, f"{API}-shadow"], None)])
def test_only_a_service_that_has_a_writer_has_one(functions: list[str], writer: str | None) -> None:
    resources = [{"resource_type": "lambda_function", "lambda_arn": f"arn:x:{name}"} for name in functions]
    record = Record(fingerprint="", code={}, chalice={"resources": resources})
    assert subscription.writer_of(record) == writer
