"""The test of the test, for the monitor: what is taken away from the services, or planted, is missed by some invariant."""

import math
from typing import Any

import pytest
from chalicelib.inference import drifting
from chalicelib.inference.workflow import monitoring
from chalicelib.training.job_rows import JobRows
from chalicelib.training.workflow import planning, triggers

from tests.simulation import people
from tests.simulation.guards import SEEDS, seen
from tests.simulation.world import World

UPLOADS = 400


@pytest.fixture(autouse=True)
def _all_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have all pipelines watched, and trained where they drift."""
    (kind,) = (kind for kind in people.KINDS if kind.get("retrain") == {"on": ["drift"]})
    monkeypatch.setattr(people, "KINDS", (kind,) * len(people.KINDS))


def watched(seed: int) -> World:
    return World(seed, UPLOADS)


@pytest.mark.parametrize(
    ("module", "name", "instead", "promise"),
    [
        pytest.param(
            monitoring,
            "_announce",
            lambda *_: None,
            "was noted, and not told",
            id="an alarm is told before it is noted",
        ),
        pytest.param(monitoring, "check_all", lambda _: None, "looked at was", id="who is live is looked at"),
        pytest.param(
            monitoring, "age_s", lambda *_: math.inf, "was looked at again", id="no more often than is wanted"
        ),
        pytest.param(drifting, "LOSS_LIMIT", 0.1, "has an alarm", id="the verdict is that of the log"),
        pytest.param(
            triggers,
            "on_drift_detected",
            lambda *_: None,
            "has drifted, and",
            id="what has drifted is trained",
        ),
    ],
)
def test_without_a_part_of_the_monitor_a_promise_is_broken(
    module: Any, name: str, instead: Any, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, instead)
    seen({promise}, watched)


def test_without_the_mark_of_what_was_trained_each_look_trains_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JobRows, "is_trained", lambda *_: False)
    monkeypatch.setattr(planning, "plan_data", planning.plan_job)
    seen({"trained again"}, watched)


def test_with_all_of_the_monitor_nothing_is_broken() -> None:
    for seed in SEEDS:
        assert watched(seed).run().invariants.broken == []
