"""Deployment guardrails: what a DeploymentConfig means, as plain data; `deployments.py` does it.

AWS has two update policies (developer guide, "Deployment guardrails"; API reference, DeploymentConfig). Blue/green moves the
traffic all at once, to a canary first, or in linear steps, and watches the new fleet for TerminationWaitInSeconds before
the old one ends. Rolling moves it batch by batch and watches each; serverless endpoints and those of several variants
cannot roll and are updated all at once instead ("Exclusions").
"""

from collections.abc import Sequence
from fractions import Fraction
from typing import Final

import msgspec

from localcloud.sagemaker.errors import validation
from localcloud.sagemaker.store import Row

# What a size may be, in percent of the instances; API reference, TrafficRoutingConfig and RollingUpdatePolicy.
_BOUNDS: Final = {"CanarySize": (0, 50), "LinearStepSize": (10, 50), "MaximumBatchSize": (5, 50)}
_SIZE_OF: Final = {"CANARY": "CanarySize", "LINEAR": "LinearStepSize"}


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the traffic for the new fleet, and how long it is watched before the next step."""

    share: float
    wait_s: float

    @property
    def status(self) -> str:
        """The VariantStatus that Describe shows meanwhile."""
        return "ActivatingTraffic" if self.share < 1 else "Baking"

    @property
    def message(self) -> str:
        """The words that go with it."""
        return f"{self.share:.0%} of the traffic goes to the new fleet, watched for {self.wait_s} s"


def chosen(request: Row, before: Row) -> Row:
    """Return the policy of an update: the one it brings, or the endpoint's last where it asks for that."""
    retained = before.get("LastDeploymentConfig") if request.get("RetainDeploymentConfig") else None
    config: Row = request.get("DeploymentConfig") or retained or {}
    return config


def check(config: Row, variants: Sequence[Row]) -> None:
    """Refuse a policy whose sizes or times do not fit the variants it is to update."""
    if config.get("BlueGreenUpdatePolicy") and config.get("RollingUpdatePolicy"):
        raise validation("Only one update policy should be used in the deployment configuration.")
    if found := _size(config):
        _check_size(*found, _instances(variants))
    limit_s = time_limit_s(config)
    if limit_s is not None and limit_s <= sum(step.wait_s for step in steps(config, variants)):
        raise validation("MaximumExecutionTimeoutInSeconds must be larger than the total waiting time.")


def check_names(config: Row, before: Sequence[Row], wanted: Sequence[Row]) -> None:
    """Refuse guardrails for variants of other names than those they replace ("Exclusions")."""
    if config and {one["VariantName"] for one in before} != {one["VariantName"] for one in wanted}:
        raise validation(
            "With a DeploymentConfig the new endpoint configuration must have the same variant name as the old one."
        )


def time_limit_s(config: Row) -> float | None:
    """Return after how many seconds an update must be over, None where it may take as long as it does."""
    policy = config.get("BlueGreenUpdatePolicy") or config.get("RollingUpdatePolicy") or {}
    return policy.get("MaximumExecutionTimeoutInSeconds")


def steps(config: Row, variants: Sequence[Row]) -> list[Step]:
    """Return how traffic moves to the new fleet; without a policy all at once.

    Parameters
    ----------
    config
        The DeploymentConfig of an update.
    variants
        Those of the new fleet: a size in instances is a share of theirs.
    """
    if rolling := config.get("RollingUpdatePolicy"):
        return _rolling(rolling, variants)
    policy = config.get("BlueGreenUpdatePolicy") or {}
    routing = policy.get("TrafficRoutingConfiguration") or {}
    shares = _shares(routing, _instances(variants))
    waits = [routing.get("WaitIntervalInSeconds", 0)] * (len(shares) - 1)
    waits.append(policy.get("TerminationWaitInSeconds", 0))
    return [Step(share=share, wait_s=wait_s) for share, wait_s in zip(shares, waits, strict=True)]


def _rolling(policy: Row, variants: Sequence[Row]) -> list[Step]:
    if not _can_roll(variants):
        return [Step(share=1.0, wait_s=0)]
    shares = _climb(_share(policy["MaximumBatchSize"], _instances(variants)))
    return [Step(share=share, wait_s=policy["WaitIntervalInSeconds"]) for share in shares]


def _can_roll(variants: Sequence[Row]) -> bool:
    return len(variants) == 1 and not variants[0].get("ServerlessConfig")


def _shares(routing: Row, instances: int) -> list[float]:
    kind = routing.get("Type", "ALL_AT_ONCE")
    if kind == "CANARY":
        return [float(_share(routing["CanarySize"], instances)), 1.0]
    if kind == "LINEAR":
        return _climb(_share(routing["LinearStepSize"], instances))
    return [1.0]


def _climb(step: Fraction) -> list[float]:
    """Return the shares of equal steps; the last is all, however much is left of it."""
    count = -(-1 // step)
    return [float(min(Fraction(1), step * number)) for number in range(1, count + 1)]


def _share(size: Row, instances: int) -> Fraction:
    whole = 100 if size["Type"] == "CAPACITY_PERCENT" else max(1, instances)
    return min(Fraction(1), Fraction(size["Value"], whole))


def _size(config: Row) -> tuple[str, Row] | None:
    """Return the size that the policy goes by and which member it is; None where all moves at once."""
    if rolling := config.get("RollingUpdatePolicy"):
        return "MaximumBatchSize", rolling["MaximumBatchSize"]
    routing = (config.get("BlueGreenUpdatePolicy") or {}).get("TrafficRoutingConfiguration") or {}
    kind = routing.get("Type", "ALL_AT_ONCE")
    if kind == "ALL_AT_ONCE":
        return None
    member = _SIZE_OF[kind]
    if not routing.get(member):
        raise validation(f"{member} is required when the traffic routing type is {kind}.")
    return member, routing[member]


def _check_size(member: str, size: Row, instances: int) -> None:
    low, high = _BOUNDS[member]
    if not low <= _share(size, instances) * 100 <= high:
        bounds = f"between {low}% and {high}%" if low else f"less than or equal to {high}%"
        raise validation(f"{member} must be {bounds} of the variant's total instance count.")


def _instances(variants: Sequence[Row]) -> int:
    return sum(int(variant.get("InitialInstanceCount", 1)) for variant in variants)
