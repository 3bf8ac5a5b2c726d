"""A deleted pipeline trains no more: by the event, by the minute where that was lost, and never by a read that fails."""

import msgspec
import pytest
from chalicelib.ingest.pipelines import PipelineStore
from chalicelib.training import job
from chalicelib.training.workflow import planning, requests, triggers

from shared.codec import Row
from shared.entities.deletion import Deletion
from shared.entities.training import JobState, ModelState
from shared.errors import Unavailable
from shared.events import PipelineDeleted, TrainingJobFailed
from tests.unit.training.world import World

BY = "the pipeline was deleted by ada"


def delete(world: World) -> Deletion:
    """Delete the definition as the ingest service does."""
    return PipelineStore(world.pipelines_table).delete("flights", "ada", world.clock())


def hear(world: World, deletion: Deletion) -> None:
    triggers.on_pipeline_deleted(world.ports, PipelineDeleted(**msgspec.structs.asdict(deletion)))


def one_runs_one_waits() -> World:
    world = World(quota=1)
    for ordinal in (1, 2):
        world.ready(world.dataset(ordinal))
    assert states(world) == [JobState.RUNNING, JobState.PENDING]
    return world


def states(world: World) -> list[JobState]:
    return [job.state for job in world.jobs()]


def end_in_sagemaker(world: World) -> None:
    job = world.jobs()[0]
    world.sagemaker.move(world.name(job), "Stopped")
    world.changed(job)


def test_what_runs_and_what_waits_is_stopped_as_a_person_would_stop_it() -> None:
    world = one_runs_one_waits()
    hear(world, delete(world))
    assert states(world) == [JobState.STOPPING, JobState.STOPPED]
    assert world.sagemaker.stopped == [world.name(world.jobs()[0])]
    end_in_sagemaker(world)
    assert [(job.state, job.reason) for job in world.jobs()] == [(JobState.STOPPED, BY)] * 2
    assert len(world.bus.named(TrainingJobFailed)) == 2
    assert len(world.sagemaker.created) == 1


def test_an_event_that_was_lost_is_made_good_by_the_next_minute() -> None:
    world = one_runs_one_waits()
    delete(world)
    world.tick()
    assert states(world) == [JobState.STOPPING, JobState.STOPPED]


def test_a_job_of_another_pipeline_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    world = one_runs_one_waits()
    world.define(name="trains")
    world.ready(world.dataset(3, pipeline="trains"))
    (other,) = (job for job in world.jobs() if job.pipeline == "trains")
    read, asked = world.jobs_table.get, set[tuple[str, ...]]()

    def get(*key: str) -> Row | None:
        asked.add(key)
        return read(*key)

    monkeypatch.setattr(world.jobs_table, "get", get)
    hear(world, delete(world))
    assert (other.job_id,) not in asked
    assert world.ports.jobs.get(other.job_id).state is JobState.PENDING


def test_an_event_that_comes_twice_or_before_the_row_can_be_read_stops_nothing_more() -> None:
    world = one_runs_one_waits()
    deletion = Deletion(pipeline="flights", life=1, deleted_by="eve", deleted_at="2026-01-01T00:00:00Z")
    hear(world, deletion)
    assert states(world) == [JobState.RUNNING, JobState.PENDING], "an event is a hint, the row is the truth"
    for _ in range(2):
        hear(world, delete(world) if world.pipelines_table.get("pipeline", "flights") else deletion)
    end_in_sagemaker(world)
    hear(world, deletion)
    assert states(world) == [JobState.STOPPED] * 2
    assert len(world.bus.named(TrainingJobFailed)) == 2


def test_a_stop_that_breaks_off_after_the_row_was_written_is_gone_on_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = one_runs_one_waits()
    deletion = delete(world)
    with monkeypatch.context() as broken:
        broken.setattr(world.sagemaker, "stop", lambda _: (_ for _ in ()).throw(Unavailable("no answer")))
        with pytest.raises(Unavailable):
            hear(world, deletion)
    assert world.sagemaker.running
    world.tick()
    assert states(world)[0] is JobState.STOPPING
    assert world.sagemaker.stopped
    assert states(world)[1] is JobState.STOPPED


def test_neither_a_read_that_fails_nor_a_definition_that_is_not_found_stops_a_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = one_runs_one_waits()
    world.pipelines_table.delete(("pipeline", "flights"))
    world.tick()
    assert states(world)[0] is JobState.RUNNING
    delete_row = {"kind": "deleted", "pipeline": "flights", "life": 1, "deleted_by": "ada", "deleted_at": "x"}
    world.pipelines_table.put(delete_row)
    with monkeypatch.context() as broken:
        broken.setattr(
            world.pipelines_table, "query", lambda *_, **__: (_ for _ in ()).throw(Unavailable(""))
        )
        with pytest.raises(Unavailable):
            world.tick()
    assert states(world) == [JobState.RUNNING, JobState.PENDING]


def test_a_pipeline_defined_again_trains_its_next_data_and_its_old_jobs_stop_all_the_same() -> None:
    world = one_runs_one_waits()
    delete(world)
    world.define()
    world.ready(world.dataset(3))
    world.tick()
    assert states(world) == [JobState.STOPPING, JobState.STOPPED, JobState.PENDING]
    end_in_sagemaker(world)
    world.tick()
    assert states(world) == [JobState.STOPPED, JobState.STOPPED, JobState.RUNNING]
    assert world.jobs()[2].life == 1


def test_a_job_that_was_stopped_may_be_retried_for_the_pipeline_of_now() -> None:
    world = one_runs_one_waits()
    hear(world, delete(world))
    end_in_sagemaker(world)
    world.define()
    requests.revive(world.ports, world.jobs()[0])
    world.tick()
    assert states(world)[0] is JobState.RUNNING


def test_data_that_arrives_late_trains_nothing() -> None:
    world = World()
    hear(world, delete(world))
    world.ready(world.dataset(1))
    world.tick()
    assert not world.jobs()


def test_a_job_planned_while_its_pipeline_is_deleted_is_found_by_the_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    new_job = job.new_job

    def deleted_just_before(*args: object, **options: object) -> object:
        delete(world)
        return new_job(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(planning, "new_job", deleted_just_before)
    world.ready(world.dataset(1))
    assert states(world) == [JobState.RUNNING]
    world.tick()
    assert states(world) == [JobState.STOPPING]


def test_a_plan_of_a_pipeline_that_is_gone_meanwhile_makes_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    gather = planning.gather_work

    def deleted_after(*args: object) -> object:
        work = gather(*args)  # type: ignore[arg-type]
        delete(world)
        return work

    monkeypatch.setattr(planning, "gather_work", deleted_after)
    world.ready(world.dataset(1))
    assert not world.jobs()


def test_registered_models_stay_and_the_next_one_takes_the_next_number() -> None:
    world = World()
    world.ready(world.dataset(1))
    world.complete(world.only_job())
    world.changed(world.only_job())
    hear(world, delete(world))
    world.define()
    world.ready(world.dataset(2))
    world.complete(world.jobs()[1])
    world.changed(world.jobs()[1])
    assert [(model.version, model.life, model.state) for model in world.models()] == [
        ("v1", 0, ModelState.APPROVED),
        ("v2", 1, ModelState.APPROVED),
    ]


def test_a_job_at_rest_stays_as_it_ended() -> None:
    world = World()
    world.ready(world.dataset(1))
    world.complete(world.only_job())
    world.changed(world.only_job())
    hear(world, delete(world))
    world.tick()
    assert states(world) == [JobState.SUCCEEDED]
    assert not world.bus.named(TrainingJobFailed)
