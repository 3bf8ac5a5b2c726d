"""`headrace dlq`: what nobody could handle is shown, sent again once, or dropped; what is left stays."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from headrace.operate.commands import dlq
from headrace.operate.dead_letters import DeadLetters, parse_letter
from localcloud.mends.dead_letters import Letter, invocation_record, rule_letter
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import Nobody

FUNCTION = "headrace-training-local-on_dataset_version_ready"
ARN = f"arn:aws:lambda:us-east-1:000000000000:function:{FUNCTION}"
EVENT = {
    "source": "headrace.local.ingest",
    "detail-type": "DatasetVersionReady",
    "detail": {"metadata": {"id": "e1"}, "data": {"pipeline": "flights", "version": "d1"}},
}
FAILED = {"body": {"requestId": "r1", "errorType": "KeyError", "errorMessage": "no such thing"}}


def message(letter: Letter, identity: str, sent_ms: int = 1_700_000_000_000) -> dict[str, Any]:
    """Return the letter as SQS hands it out."""
    attributes = {
        name: {"DataType": "String", "StringValue": text} for name, text in letter.attributes.items()
    }
    return {
        "MessageId": identity,
        "ReceiptHandle": f"handle of {identity}",
        "Body": letter.body,
        "Attributes": {"SentTimestamp": str(sent_ms)},
        "MessageAttributes": attributes,
    }


class FakeSqs:
    """Queues whose messages are invisible from being received until they are given back."""

    def __init__(self, **queues: list[dict[str, Any]]) -> None:
        self.queues = queues
        self.hidden: set[str] = set()

    def receive_message(self, **request: Any) -> dict[str, Any]:
        waiting = [m for m in self.queues.get(request["QueueUrl"], []) if m["MessageId"] not in self.hidden]
        handed = waiting[: request["MaxNumberOfMessages"]]
        self.hidden.update(m["MessageId"] for m in handed)
        return {"Messages": handed} if handed else {}

    def change_message_visibility(self, **request: Any) -> None:
        assert request["VisibilityTimeout"] == 0
        self.hidden.discard(request["ReceiptHandle"].removeprefix("handle of "))

    def delete_message(self, **request: Any) -> None:
        kept = [m for m in self.queues[request["QueueUrl"]] if m["ReceiptHandle"] != request["ReceiptHandle"]]
        self.queues[request["QueueUrl"]] = kept


class FakeLambda:
    """Remembers what was started."""

    def __init__(self) -> None:
        self.started: list[tuple[str, Any]] = []

    def invoke(self, **request: Any) -> None:
        assert request["InvocationType"] == "Event"
        self.started.append((request["FunctionName"], json.loads(request["Payload"])))


@pytest.fixture
def sqs() -> FakeSqs:
    record = invocation_record(ARN, EVENT, FAILED, runs=3)
    unreached = rule_letter(json.dumps(EVENT), "arn:rule", ARN, "NO_PERMISSIONS", "not authorized")
    return FakeSqs(
        training=[message(record, "aaaa1111"), message(unreached, "bbbb2222", 1_600_000_000_000)],
        ingest=[message(Letter(body="{"), "cccc3333", 1_800_000_000_000)],
    )


@pytest.fixture
def lambdas(monkeypatch: pytest.MonkeyPatch, sqs: FakeSqs) -> FakeLambda:
    """The stage of the commands: these queues and functions."""
    fake = FakeLambda()
    urls = {"ingest": "ingest", "training": "training", "inference": "inference"}
    monkeypatch.setattr(dlq, "deployed", lambda _: (SimpleNamespace(name="local"), {}))
    monkeypatch.setattr(DeadLetters, "of", classmethod(lambda cls, *_: cls(sqs, fake, urls)))
    return fake


def listed(run: Run) -> list[dict[str, Any]]:
    result = run(Nobody(), "dlq", "ls", "-o", "json")
    assert result.exit_code == 0, result.stderr
    rows: list[dict[str, Any]] = json.loads(result.stdout)
    return rows


def test_lambdas_record_and_eventbridges_letter_both_tell_event_function_and_reason(sqs: FakeSqs) -> None:
    record, unreached = (parse_letter("training", "training", m) for m in sqs.queues["training"])
    assert (record.function, record.event, record.tries) == (FUNCTION, EVENT, 3)
    assert record.error == "KeyError: no such thing"
    assert (unreached.function, unreached.event, unreached.tries) == (FUNCTION, EVENT, None)
    assert unreached.error == "NO_PERMISSIONS: not authorized"
    assert record.about == unreached.about == "DatasetVersionReady flights"


def test_looking_leaves_every_letter_for_the_next_one(run: Run, lambdas: FakeLambda, sqs: FakeSqs) -> None:
    assert [row["id"] for row in listed(run)] == ["bbbb2222", "aaaa1111", "cccc3333"]
    assert [row["id"] for row in listed(run)] == ["bbbb2222", "aaaa1111", "cccc3333"]
    shown = run(Nobody(), "dlq", "show", "aaaa", "-o", "json")
    assert json.loads(shown.stdout)["event"] == EVENT
    assert (sqs.hidden, lambdas.started) == (set(), [])


def test_a_letter_is_sent_again_once_however_often_it_is_asked_for(run: Run, lambdas: FakeLambda) -> None:
    assert run(Nobody(), "dlq", "redrive", "--all", "--service", "training").exit_code == 0
    assert lambdas.started == [(FUNCTION, EVENT), (FUNCTION, EVENT)]
    assert run(Nobody(), "dlq", "redrive", "--all", "--service", "training").exit_code == 0
    assert len(lambdas.started) == 2
    assert [row["id"] for row in listed(run)] == ["cccc3333"]


def test_two_at_once_do_not_send_the_same_letter(run: Run, lambdas: FakeLambda, sqs: FakeSqs) -> None:
    with DeadLetters(sqs, lambdas, {"training": "training"}) as other:
        assert len(other.collect()) == 2
        assert run(Nobody(), "dlq", "redrive", "--all", "--service", "training").exit_code == 0
        assert lambdas.started == []
    assert len(listed(run)) == 3


def test_a_letter_whose_function_cannot_be_started_stays(
    run: Run, lambdas: FakeLambda, sqs: FakeSqs, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}, "Invoke")

    monkeypatch.setattr(lambdas, "invoke", refuse)
    result = run(Nobody(), "dlq", "redrive", "aaaa1111")
    assert (result.exit_code, "gone" in result.stderr) == (1, True)
    assert len(listed(run)) == 3


def test_what_cannot_be_read_is_shown_kept_from_redrive_and_can_be_dropped(
    run: Run, lambdas: FakeLambda
) -> None:
    result = run(Nobody(), "dlq", "redrive", "--all")
    assert (result.exit_code, "cccc3333" in result.stderr) == (1, True)
    assert len(lambdas.started) == 2
    assert [row["about"] for row in listed(run)] == ["unreadable"]
    assert run(Nobody(), "dlq", "drop", "cccc", text="n\n").exit_code == 1
    assert len(listed(run)) == 1
    assert run(Nobody(), "dlq", "drop", "cccc", "--yes").exit_code == 0
    assert listed(run) == []


@pytest.mark.parametrize("arguments", [(), ("aaaa", "--all")])
def test_nothing_is_sent_again_by_accident(run: Run, lambdas: FakeLambda, arguments: tuple[str, ...]) -> None:
    assert run(Nobody(), "dlq", "redrive", *arguments).exit_code == 2
    assert lambdas.started == []


def test_a_letter_that_is_not_there_is_3(run: Run, lambdas: FakeLambda) -> None:
    result = run(Nobody(), "dlq", "show", "ffff")
    assert (result.exit_code, "headrace dlq ls" in result.stderr) == (3, True)
