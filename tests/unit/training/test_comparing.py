"""Another version went live while one was trained: a job compares the two, once, and then the gate decides."""

import json
from typing import Any

import pytest
from chalicelib.training.job import Job
from chalicelib.training.workflow.judging import decide_as_person

from shared.entities.training import JobPurpose, JobState, ModelState, ModelVersion
from shared.errors import Unavailable
from shared.events import ModelVersionApproved, ModelVersionRejected
from tests.unit.training.test_finalising import crash_at
from tests.unit.training.world import World, make_archive, make_documents, make_evaluation, make_serving

BETTER = {"estimate": -0.01, "low": -0.02, "high": 0.004}
WORSE = {"estimate": 0.02, "low": 0.01, "high": 0.03}


def compared(interval: dict[str, float], champion: str = "v1", **changes: Any) -> bytes:
    """Return the archive of an evaluation-only job."""
    differences = {
        "champion": {"log_loss": interval},
        "baseline": make_evaluation()["differences"]["baseline"],
    }
    found = make_evaluation(purpose="evaluate", differences=differences, champion_version=champion, **changes)
    documents = {"evaluation.json": found, "serving.json": make_serving()}
    return make_archive(documents={name: json.dumps(each).encode() for name, each in documents.items()})


def being_overtaken(quota: int = 1) -> tuple[World, Job]:
    """Return a world in which v1 went live while the returned job, of v2, was training without a champion."""
    world = World(quota=quota)
    world.ready(world.dataset(1))
    world.clock.advance(1)
    world.ready(world.dataset(2))
    first, second = world.jobs()
    world.complete(first)
    world.changed(first)
    world.go_live("v1")
    second = world.ports.jobs.get(second.job_id)
    return world, second


def overtaken(quota: int = 1) -> World:
    """Train v2 without a champion, while v1 goes live."""
    world, second = being_overtaken(quota)
    world.complete(second)
    world.changed(second)
    world.bus.events.clear()
    return world


def evaluations(world: World) -> list[Job]:
    return [job for job in world.jobs() if job.purpose is JobPurpose.EVALUATE]


def newest(world: World) -> ModelVersion:
    return world.models()[-1]


def test_a_version_that_was_overtaken_waits_for_a_job_that_compares_without_training() -> None:
    world = overtaken()
    (job,) = evaluations(world)
    assert (job.state, job.subject, job.champion) == (JobState.RUNNING, "v2", "v1")
    request = world.sagemaker.created[-1]
    channels = {
        c["ChannelName"]: c["DataSource"]["S3DataSource"]["S3Uri"] for c in request["InputDataConfig"]
    }
    assert channels["challenger"] == "s3://models/models/flights/v2/model.tar.gz"
    assert channels["champion"] == "s3://models/models/flights/v1/model.tar.gz"
    parameters = json.loads(world.data.read(f"jobs/{job.job_id}/parameters.json"))
    assert parameters["purpose"] == "evaluate"
    assert newest(world).state is ModelState.REGISTERED
    assert newest(world).reasons == (
        "v2 was compared with no champion when it was trained, but v1 is live now: "
        f"job {job.job_id} compares the two without training",
    )


@pytest.mark.parametrize(
    ("interval", "state", "told"),
    [
        (BETTER, ModelState.APPROVED, ModelVersionApproved),
        (WORSE, ModelState.REJECTED, ModelVersionRejected),
    ],
)
def test_what_that_job_finds_decides(interval: dict[str, float], state: ModelState, told: Any) -> None:
    world = overtaken()
    (job,) = evaluations(world)
    world.complete(job, compared(interval))
    world.changed(job)
    model = newest(world)
    assert (model.state, model.evaluated_champion, model.attention) == (state, "v1", None)
    assert model.judgements[-1].basis is not None
    key = f"models/flights/v2/evaluations/{job.job_id}.json"
    assert model.judgements[-1].basis.evaluation_key == key
    assert json.loads(world.models_bucket.read(key))["champion_version"] == "v1"
    assert len(world.bus.named(told)) == 1
    assert len(world.models()) == 2


def test_two_versions_are_compared_once_however_often_it_is_asked_for() -> None:
    world = overtaken()
    (job,) = evaluations(world)
    for _ in range(2):
        world.tick()
        # Newer data must not make the same comparison another job.
        world.dataset(3)
        world.changed(job)
    world.complete(job, compared(BETTER))
    for _ in range(2):
        world.changed(job)
        world.tick()
    assert len(evaluations(world)) == 1
    assert len(world.bus.named(ModelVersionApproved)) == 1


def test_the_comparison_leaves_its_data_to_be_trained() -> None:
    world = overtaken()
    world.dataset(3)
    world.tick()
    assert world.ports.jobs.is_trained("flights", "d3")
    late = World()
    job = evaluations(overtaken())[0]
    late.ports.jobs.create(job)
    assert not late.ports.jobs.is_trained("flights", job.dataset_version)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize(
    ("table", "method", "nth"),
    [
        ("jobs_table", "transact", 1),
        ("models_bucket", "write", 1),
        ("jobs_table", "transact", 2),
        ("models_bucket", "read", 1),
        ("models_table", "update", 1),
        ("bus", "announce", 1),
    ],
)
def test_a_crash_at_any_step_costs_a_minute_and_no_second_job(
    table: str, method: str, nth: int, *, after: bool
) -> None:
    world = overtaken()
    (job,) = evaluations(world)
    world.complete(job, compared(BETTER))
    mend = crash_at(getattr(world, table), method, nth, after=after)
    with pytest.raises(Unavailable):
        world.changed(job)
    mend()
    world.tick()
    assert (newest(world).state, newest(world).attention) == (ModelState.APPROVED, None)
    assert len(evaluations(world)) == 1
    assert world.ports.jobs.get(job.job_id).state is JobState.SUCCEEDED


def test_a_crash_before_the_job_was_planned_is_mended_by_the_tick() -> None:
    world, second = being_overtaken()
    world.complete(second)
    mend = crash_at(world.data, "write", 1, after=False)
    with pytest.raises(Unavailable):
        world.changed(second)
    mend()
    world.tick()
    assert [job.state for job in evaluations(world)] == [JobState.RUNNING]


def test_a_live_version_that_changes_again_is_compared_with_again() -> None:
    world = overtaken()
    (job,) = evaluations(world)
    third = add_version(world, "v3")
    world.go_live(third)
    world.complete(job, compared(BETTER))
    world.changed(job)
    assert [each.champion for each in evaluations(world)] == ["v1", "v3"]
    assert newest_of(world, "v2").state is ModelState.REGISTERED


def test_nothing_live_any_more_needs_no_comparison() -> None:
    world = overtaken()
    world.go_live(None)
    world.tick()
    assert newest(world).state is ModelState.APPROVED
    assert newest(world).evaluated_champion is None


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        (make_documents(), "the recipe did not evaluate"),
        ({"card.md": b"x"}, "lacks evaluation.json"),
    ],
)
def test_a_comparison_that_fails_leaves_the_decision_to_a_person_with_the_reason(
    documents: dict[str, bytes], says: str
) -> None:
    world = overtaken()
    (job,) = evaluations(world)
    world.complete(job, make_archive(documents=documents))
    world.changed(job)
    world.tick()
    model = newest(world)
    assert model.state is ModelState.NEEDS_PERSON
    assert says in model.reasons[0]
    assert model.reasons[0].endswith("a person must decide")


def test_a_person_may_decide_while_nobody_can_compare() -> None:
    world = overtaken()
    (job,) = evaluations(world)
    world.complete(job, b"no archive")
    world.changed(job)
    world.tick()
    decide_as_person(world.ports, newest(world), ModelState.APPROVED, who="ann", reason="looked at it")
    assert newest(world).state is ModelState.APPROVED
    assert newest(world).judgements[-1].basis is None


def add_version(world: World, version: str) -> str:
    """Give the pipeline another version with the files of v1."""
    row = dict(world.models_table.rows[("flights", "v1")])
    world.models_table.put(row | {"version": version, "number": int(version[1:])})
    return version


def newest_of(world: World, version: str) -> ModelVersion:
    return world.ports.models.get("flights", version)
