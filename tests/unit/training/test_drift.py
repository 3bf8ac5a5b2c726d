"""Drift of what is live starts a training where the pipeline wants that and there is something new to train on."""

from typing import Any

import pytest
from chalicelib.training.workflow import triggers

from shared.entities.training import JobState
from shared.events import DriftDetected
from tests.unit.training.world import World

EVENT = DriftDetected(
    pipeline="flights", version="v1", signal="estimated_loss", value=1.3, limit=1.1, detail="log_loss"
)


def world_with_v1(**retrain: Any) -> World:
    """Return a world whose first data became v1, which is live."""
    world = World(retrain={"on": ["new_data"]})
    world.ready(world.dataset(1))
    job = world.only_job()
    world.complete(job)
    world.changed(job)
    world.go_live("v1")
    world.define(retrain=retrain or {"on": ["drift"]})
    return world


def datasets(world: World) -> list[str]:
    return [job.dataset_version for job in world.jobs()]


def test_with_drift_alone_new_data_waits_until_the_live_version_drifts() -> None:
    world = world_with_v1()
    for ordinal in (2, 3):
        world.ready(world.dataset(ordinal))
    world.tick()
    assert datasets(world) == ["d1"]
    for _ in range(2):
        triggers.on_drift_detected(world.ports, EVENT)
    assert datasets(world) == ["d1", "d3"]
    (job,) = [job for job in world.jobs() if job.dataset_version == "d3"]
    assert (job.state, job.dataset_versions) == (JobState.RUNNING, ("d1", "d2", "d3"))


@pytest.mark.parametrize("on", [["new_data"], []])
def test_where_the_pipeline_does_not_want_it_drift_starts_nothing(on: list[str]) -> None:
    world = world_with_v1(on=on)
    world.dataset(2)
    triggers.on_drift_detected(world.ports, EVENT)
    assert datasets(world) == ["d1"]


def test_data_that_was_trained_on_is_not_trained_on_again() -> None:
    world = world_with_v1()
    triggers.on_drift_detected(world.ports, EVENT)
    assert datasets(world) == ["d1"]


def test_the_drift_of_a_version_that_is_not_live_any_more_starts_nothing() -> None:
    world = world_with_v1()
    world.dataset(2)
    world.go_live(None)
    triggers.on_drift_detected(world.ports, EVENT)
    assert datasets(world) == ["d1"]
