"""Drift through the deployed stage: traffic unlike the training data is told within a minute, and lets waiting data train."""

import json
import time
from typing import Any

from tests.e2e.conftest import Pipelines
from tests.e2e.data import TICK, deliveries
from tests.e2e.test_alarms import after
from tests.stage import Stage, eventually

NAME = "drifting"
ALARM = "headrace-local-DriftDetected"
MONITOR = {"inputs": "full", "every": "1m", "alarm_on": "drift"}
# A delivery far beyond any in the training data, at night.
STRANGE = {"distance_km": 900.0, "hour": 3, "carrier": "van", "fragile": "no"}


def test_strange_traffic_is_told_within_a_minute_and_data_that_waited_is_trained_on(
    stage: Stage, pipelines: Pipelines
) -> None:
    pipelines.create(NAME, monitor=MONITOR)
    stage.put_object(NAME, "january.csv", deliveries(1))
    pipelines.live(NAME, "v1")
    pipelines.create(NAME, monitor=MONITOR, retrain={"on": ["drift"]})
    stage.put_object(NAME, "february.csv", deliveries(2))
    pipelines.settled(NAME, "february.csv")
    assert len(pipelines.jobs(NAME)) == 1
    for _ in range(6):
        status, _, answer = stage.request("POST", f"/v1/predictions/{NAME}", {"records": [STRANGE] * 50})
        assert status == 200, answer
    asked = time.monotonic()
    told = eventually(lambda: alarm(stage), within_s=60) or {}
    print(f"P20: drift told {time.monotonic() - asked:.1f} s after the traffic")
    assert told["model_version"] == "v1"
    # The name of what is looked at each minute; the test does not wait for the minute.
    done = stage.aws("lambda").invoke(FunctionName="headrace-inference-local-monitor", Payload=TICK)
    assert "FunctionError" not in done, done["Payload"].read()
    eventually(lambda: len(pipelines.jobs(NAME)) == 2, within_s=30)
    row = stage.aws("dynamodb").get_item(
        TableName="headrace-local-releases", Key={"pipeline": {"S": NAME}, "entry": {"S": "monitor"}}
    )["Item"]
    assert row["alarm_since"]["S"]
    assert eventually(lambda: after(stage, ALARM, 60) == "ALARM")
    shown = stage.headrace("-o", "json", "drift", NAME)
    assert "ALARM" in shown.stderr
    assert any(one["what"] == "column distance_km" and one["drifted"] for one in json.loads(shown.stdout))
    # Nobody looks in the minutes that are skipped, so nothing is told of.
    assert eventually(lambda: after(stage, ALARM, 300) == "OK")


def alarm(stage: Stage) -> dict[str, Any] | None:
    found: dict[str, Any] = stage.get(f"/v1/endpoints/{NAME}/drift")
    return found if found["alarm"] else None
