"""What endpoints do with traffic, in numbers: shares, shadows, captured lines, requests that expire."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud.sagemaker import endpoint_rows, traffic
from localcloud.sagemaker.async_inference import Accepted
from localcloud.sagemaker.capture import capture_line
from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.store import Scope
from localcloud.sagemaker.unix_http import Reply

SCOPE = Scope(account="000000000000", region="us-east-1")


@pytest.mark.parametrize(("weight", "expected"), [(1.0, 400), (0.0, 0), (0.5, 200)])
def test_a_shadow_gets_the_part_that_its_weight_is_of_its_variants(weight: float, expected: int) -> None:
    fleet: Any = SimpleNamespace(
        variants=[{"VariantName": "a", "InitialVariantWeight": 1.0}],
        shadows=[{"VariantName": "b", "InitialVariantWeight": weight}],
    )
    copies = sum(traffic.choose_shadow(fleet) is not None for _ in range(400))
    # Seven standard deviations of a fair coin.
    assert abs(copies - expected) <= (70 if 0 < weight < 1 else 0)


def test_without_any_weight_the_variants_share_evenly() -> None:
    fleet: Any = SimpleNamespace(
        variants=[{"VariantName": name, "InitialVariantWeight": 0.0} for name in ("a", "b")]
    )
    drawn = {traffic.choose_variant(fleet, None, "e", SCOPE)["VariantName"] for _ in range(100)}
    assert drawn == {"a", "b"}


@pytest.mark.parametrize(
    ("content_type", "encoding", "data"),
    [
        ("text/csv", "CSV", "1,2"),
        ("text/csv; charset=utf-8", "CSV", "1,2"),
        ("application/json", "JSON", "1,2"),
        ("application/x-npy", "BASE64", "MSwy"),
        (None, "BASE64", "MSwy"),
    ],
)
def test_a_body_is_captured_as_text_only_where_its_type_is_named(
    content_type: str | None, encoding: str, data: str
) -> None:
    config = {
        "CaptureOptions": [{"CaptureMode": "InputAndOutput"}],
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv"],
            "JsonContentTypes": ["application/json"],
        },
    }
    sent = {"content-type": content_type} if content_type else {}
    reply = Reply(status=200, headers={"Content-Type": "application/json"}, body=b"[3]")
    line = json.loads(capture_line(config, sent=sent, body=b"1,2", reply=reply))
    side = line["captureData"]["endpointInput"]
    assert (side["encoding"], side["data"]) == (encoding, data)
    assert line["captureData"]["endpointOutput"]["data"] == "[3]"


def test_an_update_keeps_the_properties_of_variants_that_stay_and_no_others() -> None:
    before = {
        "_Variants": [{"VariantName": "a", "InitialVariantWeight": 7, "InitialInstanceCount": 3}],
        "_Capture": {"EnableCapture": True},
    }
    wanted = {
        "_Variants": [
            {"VariantName": "a", "InitialVariantWeight": 1, "InitialInstanceCount": 1},
            {"VariantName": "b", "InitialVariantWeight": 1},
        ],
        "_Capture": None,
    }

    def retained(*excluded: str) -> dict[str, Any]:
        kinds = [{"VariantPropertyType": kind} for kind in excluded]
        request = {"RetainAllVariantProperties": True, "ExcludeRetainedVariantProperties": kinds}
        return endpoint_rows.retained(before, wanted, request)

    assert endpoint_rows.retained(before, wanted, {}) == wanted
    assert retained("DesiredInstanceCount") == {
        "_Variants": [
            {"VariantName": "a", "InitialVariantWeight": 7, "InitialInstanceCount": 1},
            {"VariantName": "b", "InitialVariantWeight": 1},
        ],
        "_Capture": {"EnableCapture": True},
    }
    assert retained("DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig") == wanted


def test_a_failed_endpoint_can_only_be_deleted() -> None:
    row = {"EndpointArn": "arn", "EndpointStatus": "Failed", "FailureReason": "why"}
    with pytest.raises(ApiError, match="it can only be deleted"):
        endpoint_rows.begin(row, "Updating")
    endpoint_rows.begin(row, "Deleting")
    assert row["EndpointStatus"] == "Deleting"


def test_a_request_expires_once_it_has_waited_longer_than_its_time_to_live() -> None:
    accepted = Accepted(
        row={},
        scope=SCOPE,
        headers={},
        inference_id="1",
        source="s3://b/in",
        output="s3://b/out",
        failure=None,
        ttl_s=60,
        timeout_s=900,
        received_at=1000.0,
    )
    assert (accepted.is_expired(1060), accepted.is_expired(1061)) == (False, True)
