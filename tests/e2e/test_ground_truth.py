"""The prediction log and the truth about it, through the deployed functions and the log subscription between them."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.e2e.data import RECORD
from tests.stage import Stage, eventually

WITHIN_S = 30
CANARY = "van of Ada Lovelace"


def tell(stage: Stage, name: str, *labels: dict[str, Any]) -> dict[str, int]:
    status, _, body = stage.request("POST", f"/v1/ground-truth/{name}", {"labels": list(labels)})
    assert status == 200, body
    counts: dict[str, int] = body["counts"]
    return counts


def test_fifty_predictions_are_on_record_and_labels_make_live_quality(
    stage: Stage, released: Callable[[], str], tmp_path: Path
) -> None:
    name = released()
    before = _version(stage, name) or {"requests": 0, "labelled": 0}

    def ask(number: int) -> dict[str, Any]:
        record = RECORD | {"hour": number % 24, "carrier": CANARY if number % 7 == 0 else "van"}
        status, _, body = stage.request("POST", f"/v1/predictions/{name}", {"records": [record]})
        assert (status, body.get("model_version")) == (200, "v2"), body
        answered: dict[str, Any] = body["predictions"][0]
        return answered

    with ThreadPoolExecutor(4) as pool:
        asked = list(pool.map(ask, range(50)))
    # Labels of some are there before their record, perhaps: joined now or then, it is the same.
    early = [{"id": one["id"], "value": one["value"]} for one in asked[:10]]
    assert set(tell(stage, name, *early)) <= {"joined", "waiting"}
    eventually(lambda: _version(stage, name)["requests"] >= before["requests"] + 50, within_s=WITHIN_S)
    for one in asked:
        kept = stage.get(f"/v1/predictions/{name}/{one['id']}")
        assert (kept["value"], kept["model_version"]) == (one["value"], "v2")
    labels = [{"id": one["id"], "value": type(one["value"])(not one["value"])} for one in asked[10:]]
    file = tmp_path / "truth.ndjson"
    file.write_text("".join(json.dumps(label) + "\n" for label in labels), encoding="utf-8")
    done = stage.headrace("-o", "json", "truth", name, str(file))
    assert done.returncode == 0, done.stderr
    eventually(lambda: _version(stage, name)["labelled"] >= before["labelled"] + 50, within_s=WITHIN_S)
    assert tell(stage, name, *early, *labels) == {"unchanged": 50}
    found = _version(stage, name)
    assert found["labelled"] == before["labelled"] + 50
    assert found["latency_ms"]["p95"] > 0
    if not before["labelled"]:
        assert found["accuracy"] == 0.2
    assert stage.get(f"/v1/predictions/{name}/{asked[0]['id']}")["label"]["value"] == asked[0]["value"]
    told = stage.headrace("metrics", name)
    assert "ACCURACY" in told.stdout, told.stderr
    _no_input_in_logs(stage)


def _version(stage: Stage, name: str) -> dict[str, Any]:
    versions = stage.get(f"/v1/endpoints/{name}/metrics?window=2h")["versions"]
    found: dict[str, Any] = next((one for one in versions if one["model_version"] == "v2"), {})
    return found


def _no_input_in_logs(stage: Stage) -> None:
    logs = stage.aws("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/headrace-inference")["logGroups"]
    assert any(group["logGroupName"].endswith("-prediction_log") for group in groups)
    for group in groups:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        assert not [event for page in pages for event in page["events"] if CANARY in event["message"]]
