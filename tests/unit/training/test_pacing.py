"""New data waits for more of it where its pipeline says so: one training for many uploads, and none of them lost."""

import itertools
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from chalicelib.training.job import Job
from chalicelib.training.views import NewTrainingJob
from chalicelib.training.workflow import submission
from chalicelib.training.workflow.planning import plan_data
from chalicelib.training.workflow.requests import request_training

from shared.entities.dataset import DatasetState
from shared.entities.training import JobState
from shared.errors import ConditionFailed, QuotaExceeded, Unavailable
from shared.events import TrainingJobFailed
from shared.http.request import Caller
from tests.unit.training.world import World

QUIET = {"quiet": "10m"}


def quiet_world(quota: int = 2, **train: Any) -> World:
    return World(quota=quota, train=train or QUIET)


def states(world: World) -> list[tuple[str, str]]:
    return [(job.dataset_version, str(job.state)) for job in world.jobs()]


def trained(world: World) -> list[tuple[str, ...]]:
    """Return which dataset versions each SageMaker job was given."""
    ids = [request["TrainingJobName"].split("-")[2] for request in world.sagemaker.created]
    return [world.ports.jobs.get(job_id).dataset_versions for job_id in ids]


def waiting(world: World) -> Job:
    (job,) = [job for job in world.jobs() if job.state is JobState.PENDING]
    return job


def test_uploads_within_the_quiet_time_are_trained_in_one_job_with_the_newest_data() -> None:
    world = quiet_world()
    for ordinal in (1, 2, 3):
        world.ready(world.dataset(ordinal))
        world.tick(240)
    assert world.sagemaker.created == []
    assert states(world) == [("d1", "STOPPED"), ("d2", "STOPPED"), ("d3", "PENDING")]
    assert (waiting(world).waiting_reason or "").startswith("train.quiet 10m: waits for more data until")
    world.tick(360)
    assert trained(world) == [("d1", "d2", "d3")]


def test_the_quiet_time_begins_anew_with_each_upload_and_ends_on_the_second() -> None:
    world = quiet_world()
    world.ready(world.dataset(1))
    world.clock.advance(599)
    world.ready(world.dataset(2))
    world.tick(599)
    assert world.sagemaker.created == []
    world.tick(1)
    assert len(world.sagemaker.created) == 1


def test_a_job_that_gave_way_names_the_one_that_trains_its_data_and_is_no_failure(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = quiet_world()
    world.ready(world.dataset(1))
    world.ready(world.dataset(2))
    first, second = world.jobs()
    assert first.superseded_by == second.job_id
    assert first.reason == f"superseded: training job {second.job_id} trains this data together with newer"
    world.tick()
    assert world.bus.named(TrainingJobFailed) == []
    assert "TrainingJobFailed" not in capsys.readouterr().out


def test_uploads_that_never_pause_are_trained_after_six_quiet_times() -> None:
    world = quiet_world()
    for ordinal in range(1, 16):
        world.ready(world.dataset(ordinal, last=f"2026-01-{ordinal:02d}T00:00:00Z"))
        world.tick(300)
    (first, *_) = trained(world)
    assert len(first) == 12


def test_an_upload_that_comes_while_the_job_of_the_others_runs_gets_one_of_its_own() -> None:
    world = quiet_world()
    world.ready(world.dataset(1))
    world.tick(600)
    world.ready(world.dataset(2))
    world.tick(600)
    assert trained(world) == [("d1",), ("d1", "d2")]


def test_a_job_whose_quiet_time_is_over_still_takes_in_new_data_while_it_waits_for_the_quota() -> None:
    world = quiet_world(quota=0)
    world.ready(world.dataset(1))
    world.tick(900)
    world.ready(world.dataset(2))
    assert states(world) == [("d1", "STOPPED"), ("d2", "PENDING")]


def test_the_job_that_takes_over_takes_the_place_in_the_line_too() -> None:
    world = quiet_world()
    world.ready(world.dataset(1))
    first = world.only_job()
    world.clock.advance(60)
    world.ready(world.dataset(2))
    assert waiting(world).queued_at == first.created_at


@pytest.mark.parametrize("order", list(itertools.permutations([1, 2, 3])))
def test_events_in_any_order_give_one_training_of_everything(order: tuple[int, ...]) -> None:
    world = quiet_world()
    datasets = {ordinal: world.dataset(ordinal) for ordinal in order}
    for ordinal in order:
        world.ready(datasets[ordinal])
        world.ready(datasets[ordinal])
        world.tick(10)
    world.tick(600)
    assert trained(world) == [("d1", "d2", "d3")]
    for ordinal in order:
        world.ready(datasets[ordinal])
    world.tick(600)
    assert len(world.sagemaker.created) == 1


def test_a_large_file_that_is_ready_after_smaller_ones_behind_it_is_trained_with_them() -> None:
    world = quiet_world()
    world.ready(world.dataset(2))
    late = world.dataset(1)
    world.ready(late)
    world.tick(600)
    assert trained(world) == [("d1", "d2")]
    # Told again after a release, either would else be trained again, against the new champion.
    assert all(world.ports.jobs.is_trained("flights", version) for version in ("d1", "d2"))


def test_two_uploads_planned_at_the_same_moment_leave_one_waiting_job() -> None:
    world = quiet_world()
    definition = world.ports.pipelines.definition("flights")
    first = world.dataset(1)
    create = world.ports.jobs.create
    raced: list[bool] = []

    def create_late(*args: Any, **kwargs: Any) -> None:
        if not raced:
            raced.append(True)
            plan_data(world.ports, definition, world.dataset(2))
        create(*args, **kwargs)

    world.ports.jobs.create = create_late  # type: ignore[method-assign]
    plan_data(world.ports, definition, first)
    assert [job.state for job in world.jobs()].count(JobState.PENDING) == 1
    world.tick(600)
    assert trained(world) == [("d1", "d2")]


def test_a_job_that_starts_at_the_moment_another_would_replace_it_runs_and_the_other_waits() -> None:
    world = quiet_world()
    world.ready(world.dataset(1))
    world.clock.advance(600)
    create = world.ports.jobs.create
    raced: list[bool] = []

    def create_late(*args: Any, **kwargs: Any) -> None:
        if not raced:
            raced.append(True)
            submission.start_next(world.ports)
        create(*args, **kwargs)

    world.ports.jobs.create = create_late  # type: ignore[method-assign]
    world.ready(world.dataset(2))
    assert states(world) == [("d1", "RUNNING"), ("d2", "PENDING")]


def test_uploads_that_always_meet_are_left_to_the_retry_of_the_event() -> None:
    world = quiet_world()

    def never(*args: Any, **kwargs: Any) -> None:
        raise ConditionFailed("another was faster")

    world.ports.jobs.create = never  # type: ignore[method-assign]
    with pytest.raises(Unavailable, match="planned right now"):
        world.ready(world.dataset(1))


def test_a_claim_before_the_hold_is_over_is_refused_by_the_row_itself() -> None:
    world = quiet_world()
    world.ready(world.dataset(1))
    with pytest.raises(ConditionFailed):
        world.ports.jobs.submitting(world.only_job(), world.ports.jobs.slots())
    world.clock.advance(600)
    world.ports.jobs.submitting(world.only_job(), world.ports.jobs.slots())


def test_the_end_of_another_job_wakes_no_job_that_its_pipeline_holds() -> None:
    world = quiet_world()
    world.ready(world.dataset(1))
    submission.start_next(world.ports, wake=True)
    assert world.only_job().state is JobState.PENDING


def test_at_most_one_a_day_trains_the_newest_data_when_the_day_is_over() -> None:
    world = quiet_world(at_most="1/day")
    world.ready(world.dataset(1))
    started = world.clock()
    assert trained(world) == [("d1",)]
    for ordinal in (2, 3, 4):
        world.tick(3600)
        world.ready(world.dataset(ordinal))
    due = waiting(world)
    assert due.dataset_version == "d4"
    assert (due.waiting_reason or "").startswith("train.at_most 1/day: the next training starts at")
    assert datetime.fromisoformat(due.not_before or "") == started + timedelta(days=1)
    world.clock.now = started + timedelta(days=1, seconds=-1)
    world.tick(0)
    assert len(world.sagemaker.created) == 1
    world.tick(1)
    assert trained(world) == [("d1",), ("d1", "d2", "d3", "d4")]


@pytest.mark.parametrize("seed", range(5))
def test_no_period_of_any_length_has_more_starts_than_allowed(seed: int) -> None:
    world = quiet_world(quota=50, at_most="3/hour")
    chance = random.Random(seed)
    starts: list[datetime] = []
    for ordinal in range(1, 29):
        world.ready(world.dataset(ordinal))
        starts += [world.clock()] * (len(world.sagemaker.created) - len(starts))
        world.tick(chance.randrange(60, 900))
        starts += [world.clock()] * (len(world.sagemaker.created) - len(starts))
    for first, fourth in zip(starts, starts[3:], strict=False):
        assert fourth - first >= timedelta(hours=1)
    world.tick(3600)
    assert "d28" in trained(world)[-1]


def test_two_jobs_at_once_cannot_both_be_the_last_that_is_allowed() -> None:
    world = quiet_world(at_most="1/day")
    world.ready(world.dataset(1))
    seen = world.ports.pacing.get("flights")
    job = world.only_job()
    world.ports.jobs.table.transact(world.ports.pacing.starting(seen, job, {}, "2026-01-01T00:00:00Z"))
    with pytest.raises(ConditionFailed):
        world.ports.jobs.table.transact(world.ports.pacing.starting(seen, job, {}, "2026-01-01T00:00:00Z"))


def test_an_attempt_that_sagemaker_lost_is_no_second_start() -> None:
    world = quiet_world(at_most="1/day")
    world.ready(world.dataset(1))
    first = world.only_job()
    world.ready(world.dataset(2))
    world.tick(24 * 3600)
    assert len(world.sagemaker.created) == 2
    starts = world.ports.pacing.get("flights").starts
    world.sagemaker.move(world.name(first), "Failed", reason="CapacityError: x")
    world.changed(first)
    again = world.ports.jobs.get(first.job_id)
    assert (again.state, again.attempt) == (JobState.RUNNING, 2)
    assert world.ports.pacing.get("flights").starts == starts


def test_a_job_that_the_account_refused_counts_as_one_start_however_often_it_is_tried() -> None:
    world = quiet_world(at_most="1/day")
    world.sagemaker.refusal = QuotaExceeded("ResourceLimitExceeded")
    world.ready(world.dataset(1))
    for _ in range(5):
        world.tick(900)
    assert len(world.ports.pacing.get("flights").starts) == 1
    world.sagemaker.refusal = None
    world.tick(900)
    assert world.only_job().state is JobState.RUNNING


def test_a_relaxed_definition_frees_what_waits_and_a_stricter_one_holds_it() -> None:
    world = quiet_world(quiet="7d")
    world.ready(world.dataset(1))
    world.define(train={"quiet": "1h"})
    world.tick()
    assert "train.quiet 1h" in (waiting(world).waiting_reason or "")
    world.define(train={})
    world.tick()
    assert world.only_job().state is JobState.RUNNING


def test_a_person_who_asks_for_the_waiting_job_waits_for_nothing() -> None:
    world = quiet_world(quiet="7d", at_most="1/week")
    world.ready(world.dataset(1))
    caller = Caller(token_id="t1", pipelines=frozenset({"*"}))
    assert request_training(world.ports, caller, NewTrainingJob(pipeline="flights")).state == "RUNNING"
    assert len(world.jobs()) == 1


def test_with_replace_the_newest_upload_alone_is_trained() -> None:
    world = World(train=QUIET, data={"time": "departed_at", "history": "replace"})
    for ordinal in (1, 2):
        world.ready(world.dataset(ordinal))
    world.tick(600)
    assert trained(world) == [("d2",)]


def test_a_late_file_that_adds_nothing_to_the_window_starts_nothing_and_supersedes_nothing() -> None:
    world = World(train=QUIET, data={"time": "departed_at", "history": "last 1"})
    world.ready(world.dataset(1, last="2026-01-20T00:00:00Z"))
    world.ready(world.dataset(2, last="2026-01-10T00:00:00Z"))
    world.tick(600)
    assert trained(world) == [("d1",)]
    assert world.ports.jobs.is_trained("flights", "d2")


def test_a_superseded_job_that_is_wanted_after_all_is_trained() -> None:
    world = World(train=QUIET, data={"time": "departed_at", "history": "last 1"})
    world.ready(world.dataset(1, last="2026-01-10T00:00:00Z"))
    world.ready(world.dataset(2, last="2026-01-20T00:00:00Z"))
    world.dataset(2, last="2026-01-20T00:00:00Z", state=DatasetState.ARCHIVED)
    world.ports.jobs.stopping(waiting(world), "stopped by t1")
    world.tick()
    world.ready(world.dataset(3, last="2026-01-05T00:00:00Z"))
    world.tick(600)
    assert trained(world) == [("d1",)]
    # Nobody who follows it is sent on any more.
    assert {job.dataset_version: job.superseded_by for job in world.jobs()}["d1"] is None


def test_pipelines_that_pace_nothing_train_every_upload() -> None:
    world = World(quota=5)
    for ordinal in (1, 2, 3):
        world.ready(world.dataset(ordinal))
    assert trained(world) == [("d1",), ("d1", "d2"), ("d1", "d2", "d3")]


def test_a_job_that_its_pipeline_holds_is_not_told_as_waiting_too_long(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = quiet_world(quiet="7d")
    world.ready(world.dataset(1))
    for _ in range(5):
        world.tick(3600)
    assert "JobWaiting" not in capsys.readouterr().out


def test_data_that_a_job_trains_already_is_not_trained_again_when_its_own_event_comes_late() -> None:
    world = quiet_world()
    late = world.dataset(1)
    world.ready(world.dataset(2))
    world.tick(601)
    assert trained(world) == [("d1", "d2")]
    world.complete(world.only_job())
    world.changed(world.only_job())
    world.go_live("v1")
    world.ready(late)
    world.tick(601)
    assert trained(world) == [("d1", "d2")]
    assert world.ports.jobs.is_trained("flights", "d1")
