"""Data capture: what AWS's own monitors read, written beside every answer (conformance item 14)."""

import base64
import json
import re
from typing import Any

import pytest

from tests.integration.sagemaker.harness import BUCKET, Cloud, refusal, wait_for
from tests.integration.sagemaker.hosting import ask, model, serve, variant


def capture(name: str, *modes: str, percentage: int = 100, **more: Any) -> dict[str, Any]:
    return {
        "EnableCapture": True,
        "InitialSamplingPercentage": percentage,
        "DestinationS3Uri": f"s3://{BUCKET}/{name}",
        "CaptureOptions": [{"CaptureMode": mode} for mode in modes],
        **more,
    }


def captured(cloud: Cloud, prefix: str, count: int) -> dict[str, list[dict[str, Any]]]:
    """Wait for so many lines under the prefix, and return them by key."""

    def found() -> dict[str, list[dict[str, Any]]] | None:
        listed = cloud.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        lines = {
            item["Key"]: [json.loads(line) for line in cloud.get(item["Key"]).splitlines()] for item in listed
        }
        return lines if sum(map(len, lines.values())) >= count else None

    return wait_for(found, 15, f"{count} lines under {prefix}")


@pytest.fixture(scope="module")
def watched(cloud: Cloud) -> str:
    config = capture(
        "captured", "Input", "Output", CaptureContentTypeHeader={"CsvContentTypes": ["text/plain"]}
    )
    shadows = [variant(model(cloud, "captured-shadow"))]
    return serve(
        cloud,
        "watched",
        variant(model(cloud, "captured")),
        DataCaptureConfig=config,
        ShadowProductionVariants=shadows,
    )


def test_request_and_answer_are_one_line_in_the_folder_of_their_hour(cloud: Cloud, watched: str) -> None:
    ask(cloud, watched, "first", InferenceId="order-1")
    (key, lines), *_ = captured(cloud, f"captured/{watched}/captured/", 1).items()
    assert re.fullmatch(
        rf"captured/{watched}/captured/\d{{4}}/\d\d/\d\d/\d\d/\d\d-\d\d-\d{{3}}-[0-9a-f-]{{36}}\.jsonl", key
    )
    line = lines[0]
    assert line["captureData"] == {
        "endpointInput": {
            "observedContentType": "text/plain",
            "mode": "INPUT",
            "data": "first",
            "encoding": "CSV",
        },
        "endpointOutput": {
            "observedContentType": "text/plain; charset=utf-8",
            "mode": "OUTPUT",
            "data": "captured got first",
            "encoding": "CSV",
        },
    }
    assert line["eventMetadata"]["inferenceId"] == "order-1"
    assert (line["eventVersion"], set(line["eventMetadata"])) == (
        "0",
        {"eventId", "inferenceId", "inferenceTime"},
    )


def test_what_a_shadow_answered_is_captured_under_its_own_name(cloud: Cloud, watched: str) -> None:
    ask(cloud, watched, "shade")
    lines = captured(cloud, f"captured/{watched}/captured-shadow/", 1)
    answers = [line["captureData"]["endpointOutput"]["data"] for found in lines.values() for line in found]
    assert all(answer.startswith("captured-shadow got ") for answer in answers)


def test_the_state_of_the_capture_is_described(cloud: Cloud, watched: str) -> None:
    assert cloud.sagemaker.describe_endpoint(EndpointName=watched)["DataCaptureConfig"] == {
        "EnableCapture": True,
        "CaptureStatus": "Started",
        "CurrentSamplingPercentage": 100,
        "DestinationS3Uri": f"s3://{BUCKET}/captured",
        "KmsKeyId": "",
    }


def test_a_type_nobody_named_is_base64_and_only_the_wanted_side_and_part_is_kept(cloud: Cloud) -> None:
    serve(
        cloud,
        "raw",
        variant(model(cloud, "raw")),
        DataCaptureConfig=capture("raw-captured", "Input", percentage=50),
    )
    for number in range(60):
        ask(cloud, "raw", f"body-{number}")
    ask_all = captured(cloud, "raw-captured/raw/raw/", 5)
    lines = [line for found in ask_all.values() for line in found]
    assert {tuple(line["captureData"]) for line in lines} == {("endpointInput",)}
    side = lines[0]["captureData"]["endpointInput"]
    assert (side["encoding"], base64.b64decode(side["data"])[:5]) == ("BASE64", b"body-")
    # Sixty of sixty at one half: once in 10^18 runs.
    assert len(lines) < 60


def test_an_answer_that_failed_is_not_captured(cloud: Cloud, watched: str) -> None:
    assert refusal(cloud.runtime.invoke_endpoint, EndpointName=watched, Body="fail")[0] == "ModelError"
    ask(cloud, watched, "the-last")

    def inputs() -> list[str]:
        lines = captured(cloud, f"captured/{watched}/captured/", 1).values()
        return [line["captureData"]["endpointInput"]["data"] for found in lines for line in found]

    wait_for(lambda: "the-last" in inputs(), 10, "the last request is captured")
    assert "fail" not in inputs()
