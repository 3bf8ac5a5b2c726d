"""No process ends under a request, and whoever asks for an endpoint that comes back waits for it."""

import threading
from typing import Any

import pytest

from localcloud.sagemaker.endpoint_process import StartFailed
from localcloud.sagemaker.fleets import Fleet, Fleets

ARN = "arn:aws:sagemaker:us-east-1:000000000000:endpoint/mine"


class FakeProcess:
    """A web server that is nothing but its state."""

    def __init__(self, name: str, failure: Exception | None = None) -> None:
        self.name, self.state, self._failure = name, "new", failure

    def start(self) -> None:
        if self._failure:
            raise self._failure
        self.state = "running"

    def stop(self) -> None:
        self.state = "stopped"


def fleet(*names: str, failing: dict[str, Exception] | None = None) -> Fleet:
    def make(variant: dict[str, Any]) -> Any:
        return FakeProcess(variant["VariantName"], (failing or {}).get(variant["VariantName"]))

    return Fleet({"_Variants": [{"VariantName": name} for name in names]}, make)


def states(one: Fleet, *names: str) -> list[str]:
    return [str(getattr(one.process(name), "state")) for name in names]  # noqa: B009 - a fake's own


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (StartFailed("no model"), "no model"),
        (RuntimeError("boom"), "We encountered an internal error. Please try again. (boom)"),
    ],
)
def test_variants_start_together_or_not_at_all(failure: Exception, reason: str) -> None:
    whole, broken = fleet("a", "b"), fleet("a", "b", failing={"b": failure})
    assert whole.start() is None
    assert states(whole, "a", "b") == ["running", "running"]
    assert broken.start() == reason
    assert states(broken, "a", "b") == ["stopped", "stopped"]


def test_a_retired_fleet_ends_only_once_its_requests_are_answered() -> None:
    fleets, old = Fleets(), fleet("a")
    old.start()
    fleets.route(ARN, (old, 1.0))
    with fleets.borrow(ARN, 1) as borrowed:
        assert borrowed is old
        fleets.route(ARN, (fleet("a"), 1.0))
        retiring = threading.Thread(target=fleets.retire, args=(old, 10))
        retiring.start()
        retiring.join(0.05)
        assert states(old, "a") == ["running"]
    retiring.join(5)
    assert states(old, "a") == ["stopped"]


def test_requests_wait_for_an_endpoint_that_comes_back_and_not_for_one_that_does_not() -> None:
    fleets, back = Fleets(), fleet("a")
    with fleets.borrow(ARN, 10) as found:
        assert found is None
    fleets.expect([ARN])
    seen: list[Fleet | None] = []

    def ask() -> None:
        with fleets.borrow(ARN, 10) as found:
            seen.append(found)

    asking = threading.Thread(target=ask)
    asking.start()
    assert fleets.start(ARN, back) is None
    assert seen == []
    fleets.route(ARN, (back, 1.0))
    asking.join(5)
    assert seen == [back]


def test_requests_go_to_two_fleets_by_their_shares() -> None:
    fleets, blue, green = Fleets(), fleet("a"), fleet("a")
    fleets.route(ARN, (green, 0.0), (blue, 1.0))
    for _ in range(20):
        with fleets.borrow(ARN, 1) as found:
            assert found is blue
    fleets.route(ARN, (green, 0.5), (blue, 0.5))
    drawn = set()
    for _ in range(60):
        with fleets.borrow(ARN, 1) as found:
            drawn.add(found)
    assert drawn == {blue, green}
    fleets.remove(ARN)
    assert states(blue, "a") == states(green, "a") == ["stopped"]
