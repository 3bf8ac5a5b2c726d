"""The test of the test, for deletions: what is taken away from the services, or planted, is missed by some invariant."""

from typing import Any

import pytest
from chalicelib.inference.workflow import batches as batch_requests
from chalicelib.inference.workflow import deleting
from chalicelib.ingest import administer
from chalicelib.training.workflow import reconciling

from shared.readers import Pipelines
from tests.simulation import batches, deletions
from tests.simulation.guards import SEEDS, seen
from tests.simulation.world import World

UPLOADS = 500


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have many pipelines that serve when they are deleted, many of them for good, and many batches."""
    monkeypatch.setattr(deletions, "PIPELINES", 1.0)
    monkeypatch.setattr(deletions, "RACES_EACH", 1)
    monkeypatch.setattr(deletions, "DELETIONS_EACH", 1)
    monkeypatch.setattr(deletions, "DEFINED_AGAIN", 0.3)
    monkeypatch.setattr(batches, "PER_LIVE", 3)


def busy(seed: int) -> World:
    return World(seed, UPLOADS)


@pytest.mark.parametrize(
    ("module", "name", "instead", "promise"),
    [
        pytest.param(
            deleting,
            "take_down_all",
            lambda _: None,
            "answered predict",
            id="the minute takes down what no event told of",
        ),
        pytest.param(
            reconciling,
            "stop_if_deleted",
            lambda _, job, __: job,
            "deleted long before",
            id="jobs are stopped",
        ),
        pytest.param(
            batch_requests, "stop_deleted", lambda _: None, "was answered, and", id="batches are stopped"
        ),
        pytest.param(
            Pipelines, "life", lambda *_: 0, "was defined again, and", id="what begins carries its life"
        ),
    ],
)
def test_without_a_part_of_deletions_a_promise_is_broken(
    module: Any, name: str, instead: Any, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, instead)
    # The event would do the same.
    monkeypatch.setattr(administer, "_announce", lambda *_: None)
    seen({promise}, busy)


def test_with_all_of_deletions_nothing_is_broken() -> None:
    for seed in SEEDS[:3]:
        assert busy(seed).run().invariants.broken == []
