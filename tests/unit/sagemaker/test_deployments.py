"""Guardrails of an endpoint's update: how the traffic moves, which policies are refused, and what takes an update back."""

from typing import Any

import pytest

from localcloud.sagemaker import deployment_policies, deployments
from localcloud.sagemaker.errors import ApiError
from localcloud.sagemaker.settings import Settings

ARN = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/one"


def variants(count: int = 1, name: str = "A", **more: Any) -> list[dict[str, Any]]:
    return [{"VariantName": name, "InitialInstanceCount": count, "ModelName": "m", **more}]


def size(value: int, kind: str = "CAPACITY_PERCENT") -> dict[str, Any]:
    return {"Type": kind, "Value": value}


def blue_green(kind: str, wait_s: int = 0, bake_s: int = 0, **routing: Any) -> dict[str, Any]:
    traffic = {"Type": kind, "WaitIntervalInSeconds": wait_s, **routing}
    return {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": traffic, "TerminationWaitInSeconds": bake_s}
    }


def rolling(batch: dict[str, Any], wait_s: int = 0, **more: Any) -> dict[str, Any]:
    return {"RollingUpdatePolicy": {"MaximumBatchSize": batch, "WaitIntervalInSeconds": wait_s, **more}}


@pytest.mark.parametrize(
    ("config", "instances", "moves"),
    [
        ({}, 2, [(1.0, 0)]),
        (blue_green("ALL_AT_ONCE", bake_s=9), 2, [(1.0, 9)]),
        (blue_green("CANARY", 5, 9, CanarySize=size(10)), 2, [(0.1, 5), (1.0, 9)]),
        (blue_green("CANARY", 5, 9, CanarySize=size(1, "INSTANCE_COUNT")), 4, [(0.25, 5), (1.0, 9)]),
        (
            blue_green("LINEAR", 5, 9, LinearStepSize=size(30)),
            2,
            [(0.3, 5), (0.6, 5), (0.9, 5), (1.0, 9)],
        ),
        # A third of three is a third: three steps, not four.
        (
            blue_green("LINEAR", 5, 9, LinearStepSize=size(1, "INSTANCE_COUNT")),
            3,
            [(1 / 3, 5), (2 / 3, 5), (1.0, 9)],
        ),
        # Every batch of a rolling update is watched for as long, also the last.
        (rolling(size(50), 7), 2, [(0.5, 7), (1.0, 7)]),
        (rolling(size(2, "INSTANCE_COUNT"), 7), 5, [(0.4, 7), (0.8, 7), (1.0, 7)]),
    ],
)
def test_traffic_moves_by_the_policy(
    config: dict[str, Any], instances: int, moves: list[tuple[float, int]]
) -> None:
    deployment_policies.check(config, variants(instances))
    steps = deployment_policies.steps(config, variants(instances))
    assert [(step.share, step.wait_s) for step in steps] == moves


def test_what_cannot_roll_is_updated_all_at_once() -> None:
    config = rolling(size(50), 7)
    for several in (variants() + variants(name="B"), variants(ServerlessConfig={"MaxConcurrency": 1})):
        steps = deployment_policies.steps(config, several)
        assert [(step.share, step.wait_s) for step in steps] == [(1.0, 0)]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (blue_green("ALL_AT_ONCE") | rolling(size(50)), "Only one update policy"),
        (blue_green("CANARY"), "CanarySize is required when the traffic routing type is CANARY"),
        (blue_green("LINEAR"), "LinearStepSize is required when the traffic routing type is LINEAR"),
        (
            blue_green("CANARY", CanarySize=size(51)),
            "CanarySize must be less than or equal to 50% of the variant's total instance count",
        ),
        (blue_green("LINEAR", LinearStepSize=size(9)), "LinearStepSize must be between 10% and 50%"),
        (blue_green("LINEAR", LinearStepSize=size(51)), "LinearStepSize must be between 10% and 50%"),
        (rolling(size(4)), "MaximumBatchSize must be between 5% and 50%"),
        (rolling(size(2, "INSTANCE_COUNT")), "MaximumBatchSize must be between 5% and 50%"),
        (
            rolling(size(50), 300, MaximumExecutionTimeoutInSeconds=600),
            "MaximumExecutionTimeoutInSeconds must be larger than the total waiting time",
        ),
    ],
)
def test_a_policy_that_does_not_fit_is_refused(config: dict[str, Any], words: str) -> None:
    with pytest.raises(ApiError, match=words):
        deployment_policies.check(config, variants(3))


def test_guardrails_want_variants_of_the_names_they_replace() -> None:
    config = rolling(size(50))
    deployment_policies.check_names(config, variants(), variants())
    deployment_policies.check_names({}, variants(), variants(name="B"))
    with pytest.raises(ApiError, match="must have the same variant name"):
        deployment_policies.check_names(config, variants(), variants(name="B"))


def test_an_update_brings_its_policy_or_asks_for_the_last_one() -> None:
    last, other = rolling(size(50)), rolling(size(10))
    before = {"LastDeploymentConfig": last}
    assert deployment_policies.chosen({"DeploymentConfig": other}, before) == other
    assert deployment_policies.chosen({"RetainDeploymentConfig": True}, before) == last
    assert deployment_policies.chosen({}, before) == {}


class Time:
    """A clock that runs only while somebody waits."""

    now = 0.0

    def clock(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


class Fleets:
    """Fleets that take so long to start, note where traffic goes, and whose endpoint goes on serving."""

    is_closing = False

    def __init__(self, time: Time, start_s: float) -> None:
        self._time, self._start_s = time, start_s
        self.blue = Fleet()
        self.routes: list[float] = []
        self.retired: list[Fleet] = []

    def serving(self, arn: str) -> list["Fleet"]:
        return [self.blue]

    def start(self, arn: str, fleet: "Fleet") -> str | None:
        self._time.pause(self._start_s)
        return None

    def route(self, arn: str, *shares: tuple["Fleet", float]) -> None:
        self.routes.append(sum(share for fleet, share in shares if fleet is not self.blue))

    def retire(self, fleet: "Fleet", timeout_s: float) -> None:
        self.retired.append(fleet)


class Fleet:
    variants = variants(4)


def deploy(config: dict[str, Any], tmp_path: Any, start_s: float = 0) -> tuple[Fleets, dict[str, Any], Time]:
    """Run one update to its end; return what the fleets saw, the endpoint's row and the time."""
    time, green = Time(), Fleet()
    fleets = Fleets(time, start_s)
    model = {"PrimaryContainer": {"Image": "image"}, "ExecutionRoleArn": "role"}
    row: dict[str, Any] = {
        "EndpointArn": ARN,
        "EndpointConfigName": "new",
        "_Variants": variants(4),
        "_Shadows": [],
        "_Models": {"A": model},
        "_Capture": None,
        "AsyncInferenceConfig": None,
        "CreationTime": 0.0,
    }

    def edit(change: Any) -> dict[str, Any]:
        change(row)
        return row

    settings = Settings(images=tmp_path, home=tmp_path, endpoint_url="")
    made: Any = {"fleets": fleets, "green": green, "edit": edit, "settings": settings}
    deployments.Deployment(dict(row), config, clock=time.clock, pause=time.pause, **made).run()
    return fleets, row, time


def test_a_rolling_update_watches_every_batch_and_ends_the_old_fleet(tmp_path: Any) -> None:
    config = rolling(size(1, "INSTANCE_COUNT"), 30, MaximumExecutionTimeoutInSeconds=600)
    fleets, row, time = deploy(config, tmp_path, start_s=470)
    assert fleets.routes == [0.25, 0.5, 0.75, 1.0]
    assert time.now == pytest.approx(470 + 4 * 30)
    assert fleets.retired == [fleets.blue]
    assert (row["EndpointStatus"], row["LastDeploymentConfig"]) == ("InService", config)


def test_an_update_that_takes_longer_than_it_may_goes_back(tmp_path: Any) -> None:
    config = rolling(size(50), 290, MaximumExecutionTimeoutInSeconds=600)
    fleets, row, _ = deploy(config, tmp_path, start_s=30)
    assert row["FailureReason"] == (
        "The deployment was rolled back: it exceeded MaximumExecutionTimeoutInSeconds (600)."
    )
    assert fleets.routes == [0.5, 1.0, 0.0]
    assert fleets.blue not in fleets.retired
    assert row["EndpointStatus"] == "InService"
