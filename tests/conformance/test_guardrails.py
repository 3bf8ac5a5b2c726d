"""Deployment guardrails: traffic in steps, and back when an alarm goes off (conformance item 12)."""

import json
import urllib.request
from typing import Any

import pytest

from tests.conformance.updating import Load, update
from tests.integration.sagemaker.harness import Cloud, refusal, wait_for
from tests.integration.sagemaker.hosting import ask, configure, model_error, variant, wait_for_update
from tests.integration.sagemaker.test_events import queue_for, received


def advance(cloud: Cloud, seconds: float) -> None:
    """Let metrics and alarms live some time at once."""
    body = json.dumps({"advance_s": seconds}).encode()
    urllib.request.urlopen(f"{cloud.url}/_localcloud/clock", data=body, timeout=30).close()


def guarded(kind: str, wait_s: int, alarm: str, **size: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait_s, **size}
    return {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 0},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }


def deployments_of(cloud: Cloud, endpoint: str, name: str) -> str:
    """Return a queue of the events of an endpoint's deployments."""
    kind = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Endpoint Deployment State Change"]}
    return queue_for(cloud, name, kind | {"detail": {"EndpointName": [endpoint]}})


def stages(cloud: Cloud, url: str, count: int) -> set[tuple[str, str]]:
    """Return what the deployment's events told: the endpoint's status, and the stage of its variant."""
    found = [event["detail"] for event in received(cloud, url, count)]
    return {
        (
            detail["EndpointStatus"],
            detail["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0]["Status"],
        )
        for detail in found
    }


def rolling(percent: int, wait_s: int, alarm: str) -> dict[str, Any]:
    size = {"Type": "CAPACITY_PERCENT", "Value": percent}
    return {
        "RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": wait_s},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm}]},
    }


HALF = {"CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50}}


def make_alarm(cloud: Cloud, name: str, **metric: Any) -> str:
    """Make an alarm on a sum of over one a minute, as yet not in ALARM."""
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        **metric,
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
    return name


def alarmed_while_both_answer(
    cloud: Cloud, endpoint: str, alarm: str, policy: dict[str, Any]
) -> dict[str, Any]:
    """Update under load, set the alarm off once both fleets answer, and return the endpoint when that is over."""
    with Load(cloud, endpoint) as load:
        update(cloud, endpoint, "watched-config", DeploymentConfig=policy)
        wait_for(lambda: {"old", "watched"} <= set(load.answers[-20:]), 60, "both fleets answer")
        cloud.client("cloudwatch").set_alarm_state(
            AlarmName=alarm, StateValue="ALARM", StateReason="too many"
        )
        ended = wait_for_update(cloud, endpoint)
    assert load.errors == []
    assert f"alarm {alarm} is in ALARM" in ended["FailureReason"]
    return ended


@pytest.fixture
def alarm(cloud: Cloud) -> str:
    return make_alarm(cloud, "too-many-errors", Namespace="Mine", MetricName="Errors")


def test_a_canary_gets_its_part_of_the_traffic_and_an_alarm_takes_it_back_with_an_event(
    cloud: Cloud, updated: str, alarm: str
) -> None:
    update(cloud, updated, "updated")
    wait_for_update(cloud, updated)
    url = deployments_of(cloud, updated, "deployments")
    policy = guarded("CANARY", 600, alarm, **HALF)
    endpoint = alarmed_while_both_answer(cloud, updated, alarm, policy)
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "updated")
    assert {ask(cloud, updated) for _ in range(10)} == {"old got x"}
    assert stages(cloud, url, 3) == {
        ("UPDATING", "Creating"),
        ("UPDATING", "ActivatingTraffic"),
        ("ROLLING_BACK", "Deleting"),
    }


def test_an_alarm_on_the_endpoints_own_errors_takes_an_update_back(cloud: Cloud, updated: str) -> None:
    update(cloud, updated, "updated")
    wait_for_update(cloud, updated)
    of_variant = {"EndpointName": updated, "VariantName": "AllTraffic"}
    own = make_alarm(
        cloud,
        "own-errors",
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": name, "Value": value} for name, value in of_variant.items()],
    )
    update(cloud, updated, "watched-config", DeploymentConfig=guarded("CANARY", 600, own, **HALF))
    wait_for(lambda: ask(cloud, updated) == "watched got x", 60, "the new fleet answers")
    for _ in range(2):
        model_error(cloud, updated, "fail")
    advance(cloud, 60)
    assert f"alarm {own} is in ALARM" in wait_for_update(cloud, updated)["FailureReason"]


def test_a_canary_that_no_alarm_stops_becomes_all_of_the_traffic(
    cloud: Cloud, updated: str, alarm: str
) -> None:
    config = guarded("CANARY", 1, alarm, **HALF)
    update(cloud, updated, "watched-config", DeploymentConfig=config)
    endpoint = wait_for_update(cloud, updated)
    assert endpoint["EndpointConfigName"] == "watched-config"
    assert endpoint["LastDeploymentConfig"] == config
    assert {ask(cloud, updated) for _ in range(5)} == {"watched got x"}


def test_alarms_that_the_role_may_not_read_stop_an_update(cloud: Cloud, updated: str, alarm: str) -> None:
    update(cloud, updated, "new-config", DeploymentConfig=guarded("CANARY", 600, alarm, **HALF))
    assert "cloudwatch:DescribeAlarms" in wait_for_update(cloud, updated)["FailureReason"]


def test_a_rolling_update_watches_each_batch_and_is_remembered_for_the_next(
    cloud: Cloud, updated: str, alarm: str
) -> None:
    update(cloud, updated, "updated")
    wait_for_update(cloud, updated)
    url = deployments_of(cloud, updated, "rolling")
    config = rolling(50, 1, alarm)
    update(cloud, updated, "watched-config", DeploymentConfig=config)
    endpoint = wait_for_update(cloud, updated)
    assert (endpoint["EndpointConfigName"], endpoint["LastDeploymentConfig"]) == ("watched-config", config)
    steps = {("UPDATING", "Creating"), ("UPDATING", "ActivatingTraffic"), ("UPDATING", "Baking")}
    assert stages(cloud, url, 3) == steps
    update(cloud, updated, "watched-config", RetainDeploymentConfig=True)
    assert wait_for_update(cloud, updated)["LastDeploymentConfig"] == config
    assert stages(cloud, url, 3) == steps


def test_an_alarm_during_a_batch_takes_a_rolling_update_back(cloud: Cloud, updated: str, alarm: str) -> None:
    update(cloud, updated, "updated")
    wait_for_update(cloud, updated)
    endpoint = alarmed_while_both_answer(cloud, updated, alarm, rolling(50, 600, alarm))
    assert endpoint["EndpointConfigName"] == "updated"


def test_a_policy_that_does_not_fit_is_refused_and_the_endpoint_stays_as_it_is(
    cloud: Cloud, updated: str
) -> None:
    update(cloud, updated, "updated")
    wait_for_update(cloud, updated)
    both = rolling(50, 0, "none") | guarded("CANARY", 0, "none", **HALF)
    for config, words in (
        (rolling(51, 0, "none"), "MaximumBatchSize must be between 5% and 50%"),
        (guarded("CANARY", 0, "none"), "CanarySize is required"),
        (both, "Only one update policy"),
    ):
        refused = refusal(lambda config=config: update(cloud, updated, "updated", DeploymentConfig=config))
        assert (refused[0], words in refused[1]) == ("ValidationException", True)
    configure(cloud, "renamed", variant("new", VariantName="Other"))
    renamed = refusal(
        lambda: update(cloud, updated, "renamed", DeploymentConfig=guarded("CANARY", 0, "none", **HALF))
    )
    assert "must have the same variant name" in renamed[1]
    assert cloud.sagemaker.describe_endpoint(EndpointName=updated)["EndpointStatus"] == "InService"
