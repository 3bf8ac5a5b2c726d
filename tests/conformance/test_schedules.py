"""Rules on a schedule: EventBridge's own event, once a minute, to what the rule names."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.integration.sagemaker.harness import Cloud, wait_for
from tests.integration.sagemaker.test_events import queue_of_rule

# A minute is the shortest schedule there is; the second is looked for while the first is waited for.
SCHEDULES = {"every-minute": "rate(1 minute)", "each-minute": "cron(* * * * ? *)"}


@pytest.fixture(scope="module")
def queues(cloud: Cloud) -> dict[str, str]:
    return {
        name: queue_of_rule(cloud, name, ScheduleExpression=expression)
        for name, expression in SCHEDULES.items()
    }


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_is_an_event_of_eventbridge_itself(
    cloud: Cloud, queues: dict[str, str], name: str
) -> None:
    sqs = cloud.client("sqs")

    def first() -> Any:
        found = sqs.receive_message(QueueUrl=queues[name], WaitTimeSeconds=5).get("Messages")
        return json.loads(found[0]["Body"]) if found else None

    event = wait_for(first, 120, f"the rule {name} fires")
    assert (event["source"], event["detail-type"], event["detail"]) == ("aws.events", "Scheduled Event", {})
    assert event["resources"] == [f"arn:aws:events:us-east-1:000000000000:rule/{name}"]
    assert abs((datetime.now(UTC) - datetime.fromisoformat(event["time"])).total_seconds()) < 120
    cloud.client("events").disable_rule(Name=name)
