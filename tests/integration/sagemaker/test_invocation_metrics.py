"""What CloudWatch knows of invocations: AWS/SageMaker by endpoint and variant."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.sagemaker.harness import Cloud, wait_for
from tests.integration.sagemaker.hosting import ask, model, model_error, serve, variant

COUNTS = {
    "Invocations",
    "InvocationsPerInstance",
    "Invocation4XXErrors",
    "Invocation5XXErrors",
    "InvocationModelErrors",
}
REFUSE = """
import flask
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept): return flask.Response("no", status=415)
"""


def measured(cloud: Cloud, name: str, endpoint: str, variant_name: str) -> dict[str, Any]:
    """Return the only point of a metric; an empty one where there is none."""
    now = datetime.now(UTC)
    dimensions = {"EndpointName": endpoint, "VariantName": variant_name}
    answer = cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=name,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        Period=7200,
        Statistics=["Sum", "SampleCount", "Average"],
    )
    points: list[dict[str, Any]] = answer["Datapoints"]
    return {
        "Sum": sum(point["Sum"] for point in points),
        "SampleCount": sum(point["SampleCount"] for point in points),
        "Unit": {point["Unit"] for point in points},
    }


def sums(cloud: Cloud, endpoint: str, variant_name: str) -> dict[str, float]:
    return {name: measured(cloud, name, endpoint, variant_name)["Sum"] for name in COUNTS}


def test_every_answer_is_an_invocation_and_each_kind_of_error_is_counted_of_all_of_them(cloud: Cloud) -> None:
    serve(cloud, "counted", variant(model(cloud, "counted")))
    for _ in range(3):
        ask(cloud, "counted")
    model_error(cloud, "counted", "fail")
    assert sums(cloud, "counted", "counted") == {
        "Invocations": 4,
        "InvocationsPerInstance": 4,
        "Invocation4XXErrors": 0,
        "Invocation5XXErrors": 1,
        "InvocationModelErrors": 1,
    }
    # A zero of each good answer makes an average a rate.
    assert measured(cloud, "Invocation5XXErrors", "counted", "counted")["SampleCount"] == 4


def test_a_containers_own_refusal_is_a_4xx(cloud: Cloud) -> None:
    cloud.create_model("unwilling", REFUSE)
    serve(cloud, "unwilling", variant("unwilling"))
    model_error(cloud, "unwilling")
    found = sums(cloud, "unwilling", "unwilling")
    assert (found["Invocation4XXErrors"], found["Invocation5XXErrors"]) == (1, 0)


def test_no_answer_in_time_is_a_models_error_of_neither_kind(
    cloud: Cloud, faults: Callable[..., None]
) -> None:
    serve(cloud, "silent", variant(model(cloud, "silent")))
    faults({"fault": "slow-answer", "endpoints": "^silent$", "after_s": 60})
    model_error(cloud, "silent")
    found = sums(cloud, "silent", "silent")
    assert (found["Invocations"], found["InvocationModelErrors"]) == (1, 1)
    assert found["Invocation4XXErrors"] == found["Invocation5XXErrors"] == 0


def test_latencies_are_in_microseconds_and_the_models_is_that_of_the_model(cloud: Cloud) -> None:
    serve(cloud, "timed", variant(model(cloud, "timed")))
    ask(cloud, "timed", "slow")
    model_latency = measured(cloud, "ModelLatency", "timed", "timed")
    assert model_latency["Unit"] == {"Microseconds"}
    assert model_latency["Sum"] >= 1_000_000, "this model sleeps a second"
    assert 0 <= measured(cloud, "OverheadLatency", "timed", "timed")["Sum"] < model_latency["Sum"]


def test_each_variant_is_measured_on_its_own(cloud: Cloud) -> None:
    serve(cloud, "two-sides", variant(model(cloud, "left")), variant(model(cloud, "right")))
    for side in ("left", "right", "right"):
        ask(cloud, "two-sides", TargetVariant=side)
    found = {side: measured(cloud, "Invocations", "two-sides", side)["Sum"] for side in ("left", "right")}
    assert found == {"left": 1, "right": 2}


def test_a_shadows_answers_are_measured_under_its_own_name(cloud: Cloud) -> None:
    shadows = [variant(model(cloud, "measured-shadow"))]
    serve(cloud, "with-shadow", variant(model(cloud, "measured")), ShadowProductionVariants=shadows)
    model_error(cloud, "with-shadow", "fail")
    wait_for(
        lambda: measured(cloud, "Invocation5XXErrors", "with-shadow", "measured-shadow")["Sum"] == 1,
        10,
        "the shadow's failure is counted",
    )


def test_what_never_reached_a_container_is_not_measured(cloud: Cloud) -> None:
    serve(cloud, "unreached", variant(model(cloud, "unreached")))
    with pytest.raises(cloud.runtime.exceptions.ClientError, match="Variant nobody not found"):
        ask(cloud, "unreached", TargetVariant="nobody")
    assert measured(cloud, "Invocations", "unreached", "unreached")["SampleCount"] == 0
