"""UpdateEndpoint: without a failed request, without a broken model, and back when an alarm goes off (items 11 and 12)."""

import json
import threading
import urllib.request
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.sagemaker.harness import Cloud, Server, new_cloud, refusal, wait_for
from tests.integration.sagemaker.hosting import (
    ask,
    configure,
    model,
    model_error,
    serve,
    variant,
    wait_for_update,
)
from tests.integration.sagemaker.test_events import queue_for, received


@pytest.fixture(scope="module")
def updated(cloud: Cloud) -> str:
    configure(cloud, "new-config", variant(model(cloud, "new"), VariantName="AllTraffic"))
    allowed = [
        {"Effect": "Allow", "Action": ["s3:*", "logs:*", "cloudwatch:DescribeAlarms"], "Resource": "*"}
    ]
    watcher = model(cloud, "watched", ExecutionRoleArn=cloud.create_role("watcher", allowed))
    configure(cloud, "watched-config", variant(watcher, VariantName="AllTraffic"))
    cloud.create_model("broken-new", "def model_fn(folder): raise RuntimeError('no model')")
    configure(cloud, "broken-config", variant("broken-new", VariantName="AllTraffic"))
    return serve(cloud, "updated", variant(model(cloud, "old"), VariantName="AllTraffic"))


class Load:
    """Quick and slow requests one after the other, from the start of the block to its end; who answered them."""

    def __init__(self, cloud: Cloud, endpoint: str) -> None:
        self._cloud, self._endpoint = cloud, endpoint
        self.answers: list[str] = []
        self.errors: list[str] = []
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(body,)) for body in ("x", "slow")]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, body: str) -> None:
        while not self._is_over.is_set():
            try:
                self.answers.append(ask(self._cloud, self._endpoint, body).split()[0])
            except ClientError as error:
                self.errors.append(str(error))


def update(cloud: Cloud, endpoint: str, config: str, **more: Any) -> None:
    cloud.sagemaker.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, **more)


def test_an_update_under_load_loses_no_request_and_ends_with_the_new_model(
    cloud: Cloud, updated: str
) -> None:
    update(cloud, updated, "updated")
    wait_for_update(cloud, updated)
    with Load(cloud, updated) as load:
        wait_for(lambda: "old" in load.answers, 10, "the old model answers")
        update(cloud, updated, "new-config")
        endpoint = wait_for_update(cloud, updated)
        wait_for(lambda: "new" in load.answers, 10, "the new model answers")
    assert load.errors == []
    assert set(load.answers) == {"old", "new"}
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "new-config")
    assert "PendingDeploymentSummary" not in endpoint
    assert {ask(cloud, updated) for _ in range(5)} == {"new got x"}


def test_a_new_model_that_cannot_load_keeps_the_old_one_and_the_reason_until_the_next_update(
    cloud: Cloud, updated: str
) -> None:
    update(cloud, updated, "updated")
    wait_for_update(cloud, updated)
    with Load(cloud, updated) as load:
        update(cloud, updated, "broken-config")
        begun = cloud.sagemaker.describe_endpoint(EndpointName=updated)
        endpoint = wait_for_update(cloud, updated)
    assert begun["EndpointStatus"] == "Updating"
    assert load.errors == []
    assert set(load.answers) == {"old"}
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "updated")
    assert "did not pass the ping health check" in endpoint["FailureReason"]
    update(cloud, updated, "new-config")
    assert "FailureReason" not in wait_for_update(cloud, updated)


def test_an_endpoint_that_is_changing_takes_no_other_change(cloud: Cloud, updated: str) -> None:
    update(cloud, updated, "new-config")
    in_progress = (
        "ValidationException",
        f'Cannot update in-progress endpoint "arn:aws:sagemaker:us-east-1:000000000000:endpoint/{updated}".',
    )
    assert refusal(lambda: update(cloud, updated, "updated")) == in_progress
    assert refusal(cloud.sagemaker.delete_endpoint, EndpointName=updated) == in_progress
    assert wait_for_update(cloud, updated)["EndpointStatus"] == "InService"


def test_an_update_can_keep_the_weights_that_were_set_since(cloud: Cloud) -> None:
    for name in ("kept-a", "kept-b"):
        model(cloud, name)
    serve(cloud, "kept", variant("kept-a"), variant("kept-b"))
    configure(cloud, "kept-2", variant("kept-a"), variant("kept-b"))
    cloud.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="kept", DesiredWeightsAndCapacities=[{"VariantName": "kept-a", "DesiredWeight": 7}]
    )
    wait_for_update(cloud, "kept")
    update(cloud, "kept", "kept-2", RetainAllVariantProperties=True)
    variants = wait_for_update(cloud, "kept")["ProductionVariants"]
    assert [item["CurrentWeight"] for item in variants] == [7, 1]


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


@pytest.fixture
def alarm(cloud: Cloud) -> str:
    return make_alarm(cloud, "too-many-errors", Namespace="Mine", MetricName="Errors")


def test_a_canary_gets_its_part_of_the_traffic_and_an_alarm_takes_it_back_with_an_event(
    cloud: Cloud, updated: str, alarm: str
) -> None:
    update(cloud, updated, "updated")
    wait_for_update(cloud, updated)
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Endpoint Deployment State Change"]}
    url = queue_for(cloud, "deployments", pattern | {"detail": {"EndpointName": [updated]}})
    with Load(cloud, updated) as load:
        update(cloud, updated, "watched-config", DeploymentConfig=guarded("CANARY", 600, alarm, **HALF))
        wait_for(lambda: {"old", "watched"} <= set(load.answers[-20:]), 60, "both fleets answer")
        cloud.client("cloudwatch").set_alarm_state(
            AlarmName=alarm, StateValue="ALARM", StateReason="too many"
        )
        endpoint = wait_for_update(cloud, updated)
    assert load.errors == []
    assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "updated")
    assert f"alarm {alarm} is in ALARM" in endpoint["FailureReason"]
    assert {ask(cloud, updated) for _ in range(10)} == {"old got x"}
    told = [
        (
            event["detail"]["EndpointStatus"],
            event["detail"]["PendingDeploymentSummary"]["ProductionVariants"][0]["VariantStatus"][0][
                "Status"
            ],
        )
        for event in received(cloud, url, 3)
    ]
    assert set(told) == {
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


def test_what_has_no_meaning_on_one_machine_is_refused(cloud: Cloud, updated: str) -> None:
    size = {"Type": "CAPACITY_PERCENT", "Value": 50}
    rolling = {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 0}}
    code, message = refusal(lambda: update(cloud, updated, "updated", DeploymentConfig=rolling))
    assert (code, "no RollingUpdatePolicy" in message) == ("ValidationException", True)
    incomplete = guarded("CANARY", 0, "none")
    assert (
        "CanarySize is required"
        in refusal(lambda: update(cloud, updated, "updated", DeploymentConfig=incomplete))[1]
    )


def test_a_server_that_ends_in_an_update_comes_back_with_what_was_in_service(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    server = Server(tmp_path_factory.mktemp("ended"))
    cloud = new_cloud(server.url)
    serve(cloud, "ended", variant(model(cloud, "before")))
    cloud.create_model("never", "import time\ndef model_fn(folder): time.sleep(600)")
    configure(cloud, "never", variant("never"))
    update(cloud, "ended", "never")
    assert cloud.sagemaker.describe_endpoint(EndpointName="ended")["EndpointStatus"] == "Updating"
    assert ask(cloud, "ended") == "before got x"
    server.stop()
    server.start()
    try:
        endpoint = wait_for_update(cloud, "ended")
        assert (endpoint["EndpointStatus"], endpoint["EndpointConfigName"]) == ("InService", "ended")
        assert "PendingDeploymentSummary" not in endpoint
        assert ask(cloud, "ended") == "before got x"
    finally:
        server.stop()
