"""What the bus promises: a told fact reaches a rule that asks for it, as its schema says."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from shared.bus import Bus
from shared.events import DatasetVersionReady, json_schema, source
from tests.clouds import event_bridge
from tests.fakes import FakeBus
from tests.integration.contracts.conftest import IN_MEMORY

FACT = DatasetVersionReady(
    pipeline="flights", version="0" * 20, ordinal=1, manifest_uri="s3://b/k/manifest.json", row_count=7
)


class Heard:
    """A bus and what a rule for the stage's ingest events hears of it."""

    def __init__(self, bus: Bus, receive: Callable[[], list[dict[str, Any]]]) -> None:
        self.bus = bus
        self.receive = receive


def fake_heard() -> Heard:
    bus = FakeBus()
    return Heard(
        bus,
        lambda: [{"detail-type": e["DetailType"], "detail": json.loads(e["Detail"])} for e in bus.entries],
    )


@pytest.fixture
def heard(cloud: str, url: str | None, clients: Callable[[str], Any]) -> Heard:
    """A bus with a queue behind a rule."""
    if cloud in IN_MEMORY:
        return fake_heard()
    events, queues = clients("events"), clients("sqs")
    name = f"contract-{uuid.uuid4().hex[:8]}"
    queue = queues.create_queue(QueueName=name)["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [source(name, "ingest")]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])

    def receive() -> list[dict[str, Any]]:
        messages = queues.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=2)
        return [json.loads(message["Body"]) for message in messages.get("Messages", [])]

    return Heard(Bus(event_bridge(url), name), receive)


def test_a_told_fact_reaches_its_rule_in_the_documented_shape(heard: Heard) -> None:
    heard.bus.announce(FACT, correlation_id="c-1")
    (event,) = heard.receive()
    assert event["detail-type"] == "DatasetVersionReady"
    assert event["detail"]["metadata"]["correlation_id"] == "c-1"
    jsonschema.validate(event["detail"], json_schema(DatasetVersionReady))
    assert DatasetVersionReady.from_detail(event["detail"]) == FACT


def test_the_same_fact_told_twice_has_one_id(heard: Heard) -> None:
    heard.bus.announce(FACT)
    heard.bus.announce(FACT, correlation_id="again")
    received = heard.receive()
    assert len(received) == 2
    assert len({event["detail"]["metadata"]["id"] for event in received}) == 1
