"""A gate that is changed judges again what it decided, from the stored figures; nothing is trained for it."""

from typing import Any

import pytest
from chalicelib.training.workflow.judging import decide_as_person

from shared.codec import to_row
from shared.entities.serving import Release
from shared.entities.training import JobPurpose, JobState, ModelState, ModelVersion
from shared.events import ModelVersionApproved, ModelVersionRejected
from tests.unit.training.test_comparing import BETTER, WORSE, compared
from tests.unit.training.world import World, make_archive, make_evaluation

LOOSE, STRICT = ["roc_auc >= 0.60"], ["roc_auc >= 0.90"]


def trained(**definition: Any) -> World:
    """Train v1 by the gate of *definition*."""
    world = World(**definition)
    train(world, 1)
    return world


def train(world: World, ordinal: int, **evaluation: Any) -> ModelVersion:
    world.ready(world.dataset(ordinal))
    job = next(job for job in world.jobs() if job.dataset_version == f"d{ordinal}")
    world.complete(job, make_archive(make_evaluation(**evaluation)))
    world.changed(job)
    return world.models()[-1]


def tried(world: World, version: str) -> None:
    world.releases_table.put({"pipeline": "flights", "entry": "history#1", "candidate": version})


@pytest.mark.parametrize(
    ("before", "after", "state", "told"),
    [
        (STRICT, LOOSE, ModelState.APPROVED, ModelVersionApproved),
        (LOOSE, STRICT, ModelState.REJECTED, ModelVersionRejected),
    ],
)
def test_a_changed_gate_judges_again_and_tells_it(
    before: list[str], after: list[str], state: ModelState, told: Any
) -> None:
    world = trained(gate=before)
    first = world.models()[0]
    world.bus.events.clear()
    world.define(gate=after)
    world.tick()
    (model,) = world.models()
    assert (first.state is state, model.state) == (False, state)
    assert len(world.bus.named(told)) == 1
    assert [each.basis and list(each.basis.gate) for each in model.judgements] == [before, after]
    assert len(world.sagemaker.created) == 1


def test_an_unchanged_gate_judges_once() -> None:
    world = trained(gate=LOOSE)
    for _ in range(3):
        world.tick()
    assert len(world.models()[0].judgements) == 1
    assert len(world.bus.named(ModelVersionApproved)) == 1


def test_a_new_wish_for_approval_is_a_changed_gate() -> None:
    world = trained(gate=LOOSE)
    world.define(gate=LOOSE, release={"approval": "person"})
    world.tick()
    assert world.models()[0].state is ModelState.PENDING_APPROVAL


def test_what_a_person_decided_is_never_overwritten() -> None:
    world = trained(gate=LOOSE, release={"approval": "person"})
    decide_as_person(world.ports, world.models()[0], ModelState.REJECTED, who="ann", reason="no")
    world.define(gate=["roc_auc >= 0.5"])
    world.tick()
    assert world.models()[0].state is ModelState.REJECTED


def test_a_person_who_decides_while_the_gate_judges_again_wins() -> None:
    world = trained(gate=LOOSE, release={"approval": "person"})
    world.define(gate=STRICT, release={"approval": "person"})
    model, read = world.models()[0], world.models_bucket.read

    def decide_meanwhile(key: str) -> bytes:
        world.models_bucket.read = read  # type: ignore[method-assign]
        decide_as_person(world.ports, model, ModelState.APPROVED, who="ann", reason="seen")
        return read(key)

    world.models_bucket.read = decide_meanwhile  # type: ignore[assignment]
    world.tick()
    assert world.models()[0].state is ModelState.APPROVED


@pytest.mark.parametrize("release", ["live", "candidate", "tried", "older"])
def test_what_had_its_turn_is_not_judged_again(release: str) -> None:
    world = trained(gate=LOOSE)
    if release == "tried":
        tried(world, "v1")
    elif release == "candidate":
        row = Release(pipeline="flights", candidate="v1", created_at="", updated_at="")
        world.releases_table.put(to_row(row))
    elif release == "live":
        world.go_live("v1")
    else:
        row2 = dict(world.models_table.rows[("flights", "v1")])
        world.models_table.put(row2 | {"version": "v2", "number": 2})
        # It was compared with the live one already: nothing but its number keeps it from another turn.
        world.models_table.rows[("flights", "v1")]["judgements"][-1]["basis"]["champion"] = "v2"
        world.go_live("v2")
    world.define(gate=STRICT)
    world.tick()
    assert world.ports.models.get("flights", "v1").state is ModelState.APPROVED
    assert [job.purpose for job in world.jobs()] == [JobPurpose.TRAIN]


@pytest.mark.parametrize(("interval", "state"), [(BETTER, ModelState.APPROVED), (WORSE, ModelState.REJECTED)])
def test_an_approval_whose_champion_was_replaced_is_compared_again_before_it_may_go_live(
    interval: dict[str, float], state: ModelState
) -> None:
    world = World()
    train(world, 1)
    train(world, 2)
    world.go_live("v1")
    world.tick()
    (job,) = (job for job in world.jobs() if job.purpose is JobPurpose.EVALUATE)
    assert (job.subject, job.champion, job.state) == ("v2", "v1", JobState.RUNNING)
    assert world.models()[-1].state is ModelState.APPROVED
    world.complete(job, compared(interval))
    world.changed(job)
    assert (world.models()[-1].state, world.models()[-1].evaluated_champion) == (state, "v1")
    world.tick()
    assert len([job for job in world.jobs() if job.purpose is JobPurpose.EVALUATE]) == 1


def test_of_many_versions_only_the_newest_is_worth_a_comparison() -> None:
    world = World(gate=STRICT)
    for ordinal in (1, 2, 3):
        train(world, ordinal)
    row = dict(world.models_table.rows[("flights", "v1")]) | {"state": "APPROVED"}
    world.models_table.put(row)
    world.go_live("v1")
    world.define(gate=LOOSE)
    world.tick()
    compared_versions = [job.subject for job in world.jobs() if job.purpose is JobPurpose.EVALUATE]
    assert compared_versions == ["v3"]


def test_a_version_judged_before_gates_were_recorded_is_left_alone() -> None:
    world = trained(gate=LOOSE)
    del world.models_table.rows[("flights", "v1")]["judgements"]
    world.define(gate=STRICT)
    world.tick()
    assert world.models()[0].state is ModelState.APPROVED
