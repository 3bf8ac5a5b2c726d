"""The training job's state machine: each guard of it, one promise each."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from chalicelib.training.job import Job
from chalicelib.training.job_rows import LEASE
from chalicelib.training.request import training_request
from chalicelib.training.sagemaker import Described
from chalicelib.training.workflow import following, submission
from chalicelib.training.workflow.planning import plan_new_data

from shared.clock import LEASE_MARGIN
from shared.codec import Row
from shared.entities.training import JobState
from shared.errors import Broken, ConditionFailed, Conflict, InvalidRequest, QuotaExceeded, Unavailable
from shared.events import TrainingJobFailed, TrainingJobStarted
from tests.alarm_metrics import reaches
from tests.unit.training.world import World

LIMIT = QuotaExceeded("ResourceLimitExceeded: ml.m5.large for training job usage is 1")


def pending(world: World, ordinal: int = 1) -> Job:
    """Plan a job without submitting it."""
    world.dataset(ordinal)
    job = plan_new_data(world.ports, "flights", f"d{ordinal}")
    assert job is not None
    return job


def running(world: World, ordinal: int = 1) -> Job:
    world.ready(world.dataset(ordinal))
    return world.ports.jobs.get(next(j.job_id for j in world.jobs() if j.dataset_version == f"d{ordinal}"))


def test_a_job_is_created_only_where_there_is_none() -> None:
    world = World()
    job = pending(world)
    with pytest.raises(ConditionFailed):
        world.ports.jobs.create(job)


def test_a_claim_needs_the_job_to_be_due() -> None:
    world = World()
    job = pending(world)
    world.sagemaker.refusal = LIMIT
    submission.start_next(world.ports)
    waiting = world.ports.jobs.get(job.job_id)
    assert (waiting.state, waiting.tries) == (JobState.PENDING, 1)
    with pytest.raises(ConditionFailed):
        world.ports.jobs.submitting(waiting, world.ports.jobs.slots())


def test_a_claim_is_exclusive_until_its_lease_and_the_margin_are_over() -> None:
    world = World()
    job = pending(world)
    claimed = world.ports.jobs.submitting(job, world.ports.jobs.slots())
    with pytest.raises(ConditionFailed):
        world.ports.jobs.submitting(claimed, world.ports.jobs.slots())
    world.clock.now += LEASE + LEASE_MARGIN - timedelta(seconds=1)
    with pytest.raises(ConditionFailed):
        world.ports.jobs.submitting(claimed, world.ports.jobs.slots())
    world.clock.advance(1)
    assert world.ports.jobs.submitting(claimed, world.ports.jobs.slots()).state is JobState.SUBMITTING


def test_a_dead_submitters_job_is_taken_up_though_an_older_one_waits_for_its_slot() -> None:
    world = World(quota=1)
    pending(world, 1)
    world.clock.advance(1)
    younger = pending(world, 2)
    world.ports.jobs.submitting(younger, world.ports.jobs.slots())
    world.tick((LEASE + LEASE_MARGIN).total_seconds())
    assert [job.state for job in world.jobs()] == [JobState.PENDING, JobState.RUNNING]


def test_a_claim_needs_the_attempt_the_claimer_saw() -> None:
    world = World()
    job = pending(world)
    stale = msgspec.structs.replace(job, attempt=2)
    with pytest.raises(ConditionFailed):
        world.ports.jobs.submitting(stale, world.ports.jobs.slots())


def test_two_claims_of_the_last_slot_cannot_both_win() -> None:
    world = World(quota=1)
    first, second = pending(world, 1), pending(world, 2)
    seen = world.ports.jobs.slots()
    world.ports.jobs.submitting(first, seen)
    with pytest.raises(ConditionFailed):
        world.ports.jobs.submitting(second, seen)
    assert submission.claim(world.ports, second) is submission.Outcome.FULL


def test_the_quota_admits_the_oldest_first_and_an_end_admits_the_next() -> None:
    world = World(quota=1)
    for ordinal in (1, 2, 3):
        world.ready(world.dataset(ordinal))
        world.clock.advance(1)
    first, second, third = world.jobs()
    assert [job.state for job in (first, second, third)] == ["RUNNING", "PENDING", "PENDING"]
    world.sagemaker.move(world.name(first), "Failed", reason="AlgorithmError: x")
    world.changed(first)
    assert [job.state for job in world.jobs()] == ["DEAD", "RUNNING", "PENDING"]


def test_a_limit_waits_with_a_growing_pause_and_is_no_failure() -> None:
    world = World()
    world.sagemaker.refusal = LIMIT
    world.ready(world.dataset(1))  # raises nothing: no retry, no dead letter
    pauses = []
    for _ in range(8):
        job = world.only_job()
        assert job.state is JobState.PENDING
        assert "ResourceLimitExceeded" in (job.waiting_reason or "")
        pause = datetime.fromisoformat(job.next_try_at or "") - world.clock()
        pauses.append(pause.total_seconds())
        world.clock.now += pause
        submission.start_next(world.ports)
    assert pauses == [30, 60, 120, 240, 480, 900, 900, 900]

    world.sagemaker.refusal = None
    world.tick(900)
    assert world.only_job().state is JobState.RUNNING


def test_a_throttle_waits_like_a_limit() -> None:
    world = World()
    world.sagemaker.refusal = Unavailable("ThrottlingException")
    world.ready(world.dataset(1))
    assert world.only_job().state is JobState.PENDING


def test_any_end_wakes_a_job_that_would_wait_longer() -> None:
    world = World(quota=2)
    first = running(world, 1)
    world.sagemaker.refusal = LIMIT
    world.ready(world.dataset(2))
    world.sagemaker.refusal = None
    world.sagemaker.move(world.name(first), "Failed", reason="AlgorithmError: x")
    world.changed(first)
    assert world.jobs()[-1].state is JobState.RUNNING


def test_a_limit_with_no_job_of_ours_is_counted_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    world.sagemaker.refusal = LIMIT
    world.ready(world.dataset(1))
    assert '"JobWaiting":1' in capsys.readouterr().out


def test_a_wait_of_more_than_an_hour_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    world = World(quota=1)
    running(world, 1)
    world.ready(world.dataset(2))
    world.tick(3000)
    assert "JobWaiting" not in capsys.readouterr().out
    world.tick(700)
    assert reaches("JobWaiting", capsys.readouterr().out, stage=world.ports.place.stage)


def test_every_round_of_the_reconciler_is_heard_and_one_that_breaks_off_is_not(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    world.tick()
    assert reaches("ReconcilerSilent", capsys.readouterr().out, stage=world.ports.place.stage)
    monkeypatch.setattr(world.ports.pipelines, "all", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        world.tick()
    assert not reaches("ReconcilerSilent", capsys.readouterr().out, stage=world.ports.place.stage)


def test_a_created_job_whose_answer_was_lost_is_found_again_and_not_created_twice() -> None:
    world = World()
    world.sagemaker.loses_answer = True
    world.ready(world.dataset(1))
    assert world.only_job().state is JobState.RUNNING
    assert len(world.sagemaker.created) == 1


def test_a_job_that_may_have_been_created_keeps_its_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given away, the slot would be one too many: SageMaker may be at work on the job by now."""
    world = World(quota=1)

    def silent(name: str) -> Described:
        raise Unavailable(f"describe {name}: no answer")

    world.sagemaker.loses_answer = True
    with monkeypatch.context() as patch:
        patch.setattr(world.sagemaker, "describe", silent)
        world.ready(world.dataset(1))
        world.ready(world.dataset(2))
    assert [job.state for job in world.jobs()] == [JobState.SUBMITTING, JobState.PENDING]
    assert len(world.sagemaker.running) == 1
    world.tick(200)
    assert [job.state for job in world.jobs()] == [JobState.RUNNING, JobState.PENDING]


def test_a_name_taken_by_other_inputs_is_dead() -> None:
    world = World()
    job = pending(world)
    submission.submit(world.ports, job)
    other = World()
    other.sagemaker.jobs = {
        name: msgspec.structs.replace(found, input_sha256="another")
        for name, found in world.sagemaker.jobs.items()
    }
    other.ready(other.dataset(1))
    dead = other.only_job()
    assert dead.state is JobState.DEAD
    assert (dead.reason or "").startswith("name_collision")


def test_a_taken_name_that_cannot_be_described_waits() -> None:
    world = World()
    world.sagemaker.refusal = Conflict("ResourceInUse")
    world.ready(world.dataset(1))
    assert world.only_job().state is JobState.PENDING


@pytest.mark.parametrize("error", [InvalidRequest("bad instance type"), Broken("no iam:PassRole")])
def test_a_refused_request_is_dead_with_the_reason(error: Exception) -> None:
    world = World()
    world.sagemaker.refusal = error  # type: ignore[assignment]
    world.ready(world.dataset(1))
    job = world.only_job()
    assert (job.state, job.reason) == (JobState.DEAD, f"refused: {error}")
    assert len(world.bus.named(TrainingJobFailed)) == 1


def test_a_submitter_that_died_is_followed_by_another_after_its_lease() -> None:
    world = World()
    job = pending(world)
    world.ports.jobs.submitting(job, world.ports.jobs.slots())
    world.tick(60)
    assert world.sagemaker.created == []
    world.tick(100)
    assert world.only_job().state is JobState.RUNNING


def test_a_submitter_that_died_after_creating_costs_no_second_job() -> None:
    world = World()
    job = pending(world)
    submission.submit(world.ports, job)
    row = world.jobs_table.rows[(job.job_id,)]
    row |= {"state": "SUBMITTING", "lease_until": "2026-01-01T00:02:00Z"}
    world.tick()
    assert world.only_job().state is JobState.RUNNING
    assert len(world.sagemaker.created) == 1


def test_a_late_submitter_cannot_put_back_a_job_that_another_runs() -> None:
    world = World()
    job = pending(world)
    claimed = world.ports.jobs.submitting(job, world.ports.jobs.slots())
    world.clock.now += LEASE + LEASE_MARGIN
    world.ports.jobs.submitting(claimed, world.ports.jobs.slots())
    with pytest.raises(ConditionFailed):
        world.ports.jobs.waiting(claimed, "late", "2026-01-01T00:10:00Z")


@pytest.mark.parametrize("code", ["InternalServerError: x", "CapacityError: x", "Interrupted: x"])
def test_faults_of_sagemaker_are_tried_again_until_the_last_attempt(code: str) -> None:
    world = World()
    running(world)
    for attempt in (1, 2, 3):
        job = world.only_job()
        assert (job.state, job.attempt) == (JobState.RUNNING, attempt)
        world.sagemaker.move(world.name(job), "Failed", reason=code)
        world.changed(job)
        world.changed(job)
    job = world.only_job()
    assert job.state is JobState.DEAD
    assert "the last" in (job.reason or "")
    assert len(world.sagemaker.created) == 3
    assert len(world.bus.named(TrainingJobStarted)) == 3


@pytest.mark.parametrize("code", ["AlgorithmError: target gone", "ClientError: no access", ""])
def test_faults_of_data_or_code_are_dead_at_once(code: str) -> None:
    world = World()
    job = running(world)
    world.sagemaker.move(world.name(job), "Failed", reason=code)
    world.changed(job)
    assert world.only_job().state is JobState.DEAD
    assert len(world.sagemaker.created) == 1


def test_an_event_of_an_older_attempt_does_not_touch_the_newer() -> None:
    world = World()
    first = running(world)
    world.sagemaker.move(world.name(first), "Failed", reason="CapacityError: x")
    world.changed(first)
    world.changed(first)
    job = world.only_job()
    assert (job.state, job.attempt) == (JobState.RUNNING, 2)


def test_a_job_over_its_time_is_dead_and_says_what_to_change() -> None:
    world = World()
    job = running(world)
    world.sagemaker.move(world.name(job), "Stopped", "MaxRuntimeExceeded")
    world.changed(job)
    assert "raise train.max_minutes" in (world.only_job().reason or "")


def test_a_job_stopped_in_the_console_is_stopped_here() -> None:
    world = World()
    job = running(world)
    world.sagemaker.move(world.name(job), "Stopped")
    world.changed(job)
    assert world.only_job().state is JobState.STOPPED


def test_a_job_deleted_in_sagemaker_is_dead() -> None:
    world = World()
    job = running(world)
    del world.sagemaker.jobs[world.name(job)]
    world.tick()
    assert (world.only_job().reason or "").startswith("deleted")


def test_a_lost_event_of_sagemaker_is_mended_by_the_tick() -> None:
    world = World()
    world.complete(running(world))
    world.tick()
    assert world.only_job().state is JobState.SUCCEEDED


@pytest.mark.parametrize("place", [0, 1])
def test_a_job_that_cannot_be_read_is_the_next_minutes_and_holds_up_no_other(
    place: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()
    jobs = [running(world, ordinal) for ordinal in (1, 2)]
    for job in jobs:
        world.complete(job)
    unreadable, other = jobs[place], jobs[1 - place]
    read = world.jobs_table.get

    def get(*key: str) -> Row | None:
        if key == (unreadable.job_id,):
            raise Unavailable("no answer")
        return read(*key)

    with monkeypatch.context() as broken:
        broken.setattr(world.jobs_table, "get", get)
        world.tick()
    assert world.ports.jobs.get(other.job_id).state is JobState.SUCCEEDED
    assert world.ports.jobs.get(unreadable.job_id).state is JobState.RUNNING
    world.tick()
    assert world.ports.jobs.get(unreadable.job_id).state is JobState.SUCCEEDED


def test_a_stop_ends_only_when_sagemaker_says_so() -> None:
    world = World()
    job = following.stop(world.ports, running(world), "stopped by t1")
    assert job.state is JobState.STOPPING
    assert world.sagemaker.stopped == [world.name(job)]
    world.changed(job)
    assert world.only_job().state is JobState.STOPPING
    world.sagemaker.move(world.name(job), "Stopped")
    world.changed(job)
    stopped = world.only_job()
    assert (stopped.state, stopped.reason) == (JobState.STOPPED, "stopped by t1")


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped"])
def test_a_job_that_ends_while_it_is_stopped_is_stopped_and_leaves_no_model(status: str) -> None:
    world = World()
    job = following.stop(world.ports, running(world), "stopped by t1")
    world.complete(job)
    world.sagemaker.move(world.name(job), status, reason="InternalServerError")
    world.changed(job)
    assert world.only_job().state is JobState.STOPPED
    assert world.models() == []


def test_a_waiting_job_is_stopped_at_once() -> None:
    world = World()
    job = following.stop(world.ports, pending(world), "stopped by t1")
    assert job.state is JobState.STOPPED
    world.tick()
    assert world.sagemaker.created == []


def test_a_job_stopped_while_it_is_submitted_does_not_run_on_unseen() -> None:
    world = World()
    job = pending(world)
    claimed = world.ports.jobs.submitting(job, world.ports.jobs.slots())
    stopping = following.stop(world.ports, claimed, "stopped by t1")
    assert stopping.state is JobState.STOPPING  # its submitter may be about to create it
    plan = world.ports.job_files.read(job.job_id)
    world.sagemaker.create(training_request(plan, 1, world.ports.place))
    submission._note_running(world.ports, claimed)
    assert world.sagemaker.stopped == [world.name(job)]
    world.sagemaker.move(world.name(job), "Stopped")
    world.tick()
    assert world.only_job().state is JobState.STOPPED


def test_a_job_that_is_stuck_is_stopped_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    world = World()
    job = running(world)
    world.sagemaker.move(world.name(job), "InProgress", started_at=world.clock())
    world.tick(45 * 60)
    assert world.sagemaker.stopped == []
    world.tick(60)
    assert world.sagemaker.stopped == [world.name(job)]
    assert reaches("StuckJob", capsys.readouterr().out, stage=world.ports.place.stage)


def test_waiting_for_capacity_is_not_being_stuck() -> None:
    world = World()
    running(world)
    world.tick(10 * 3600)
    assert world.sagemaker.stopped == []


def test_a_person_revives_a_dead_job_with_an_attempt_of_its_own() -> None:
    world = World()
    job = running(world)
    world.sagemaker.move(world.name(job), "Failed", reason="AlgorithmError: x")
    world.changed(job)
    revived = world.ports.jobs.revived(world.only_job(), "ml.m5.large", 0)
    assert (revived.state, revived.attempt, revived.reason, revived.number) == ("PENDING", 2, None, None)
    with pytest.raises(ConditionFailed):
        world.ports.jobs.revived(revived, "ml.m5.large", 0)


@pytest.mark.parametrize("state", ["SUCCEEDED", "DEAD", "STOPPED"])
def test_a_job_at_rest_moves_no_more(state: str) -> None:
    world = World()
    job = running(world)
    world.jobs_table.rows[(job.job_id,)]["state"] = state
    jobs = world.ports.jobs
    changes: tuple[Callable[[], object], ...] = (
        lambda: jobs.running(job),
        lambda: jobs.finalising(job, 1),
        lambda: jobs.retrying(job, "x"),
        lambda: jobs.dead(job, "x"),
        lambda: jobs.stopping(job, "x"),
        lambda: jobs.stopped(job, "x"),
        lambda: jobs.waken(job),
    )
    for change in changes:
        with pytest.raises(ConditionFailed):
            change()


def test_a_number_is_taken_once() -> None:
    world = World()
    job = running(world)
    world.ports.jobs.finalising(job, 1)
    with pytest.raises(ConditionFailed):
        world.ports.jobs.finalising(job, 2)


def test_an_event_lost_between_row_and_bus_is_told_by_the_tick() -> None:
    world = World()
    job = running(world)
    world.jobs_table.rows[(job.job_id,)]["told_attempt"] = 0
    world.bus.events.clear()
    world.tick()
    assert len(world.bus.named(TrainingJobStarted)) == 1
    world.tick()
    assert len(world.bus.named(TrainingJobStarted)) == 1


def test_a_dead_job_nobody_heard_of_is_told_by_the_tick() -> None:
    world = World()
    job = running(world)
    world.ports.jobs.dead(job, "x")
    world.tick()
    assert len(world.bus.named(TrainingJobFailed)) == 1
    assert world.only_job().attention is None


def test_a_job_that_has_a_number_takes_no_other() -> None:
    world = World()
    job = running(world)
    world.jobs_table.rows[(job.job_id,)]["number"] = 7
    with pytest.raises(ConditionFailed):
        world.ports.jobs.finalising(job, 8)


def test_a_revived_job_takes_a_number_of_its_own() -> None:
    world = World()
    job = running(world)
    world.complete(job, b"no archive")
    world.changed(job)
    assert (world.only_job().state, world.only_job().number) == (JobState.DEAD, 1)
    world.ports.jobs.revived(world.only_job(), "ml.m5.large", 0)
    world.tick()
    world.complete(world.only_job())
    world.changed(world.only_job())
    assert [model.version for model in world.models()] == ["v2"]


def test_a_job_of_the_same_name_that_is_not_ours_is_never_finalised() -> None:
    world = World()
    job = pending(world)
    submission.submit(world.ports, job)
    name = world.name(job)
    world.complete(job)
    world.sagemaker.jobs[name] = msgspec.structs.replace(world.sagemaker.jobs[name], input_sha256="other")
    world.changed(job)
    assert world.models() == []


def test_losing_a_race_while_following_is_no_error() -> None:
    world = World()
    job = running(world)
    world.complete(job)
    describe = world.sagemaker.describe

    def describe_late(name: str) -> Described:
        world.ports.jobs.dead(job, "somebody was faster")
        return describe(name)

    world.sagemaker.describe = describe_late  # type: ignore[method-assign]
    assert following.follow(world.ports, job).reason == "somebody was faster"


def test_data_is_trained_with_what_came_before_it_and_nothing_later() -> None:
    world = World()
    world.dataset(2)
    assert pending(world, 1).dataset_versions == ("d1",)


def test_a_submitter_that_comes_after_the_end_of_its_job_stops_what_it_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It hung longer than its lease; who stopped the job meanwhile saw none in SageMaker."""
    world = World()
    create = world.sagemaker.create

    def late(request: dict[str, object]) -> None:
        world.clock.advance((LEASE + LEASE_MARGIN).total_seconds())
        following.stop(world.ports, world.only_job(), "stopped by ada")
        create(request)

    monkeypatch.setattr(world.sagemaker, "create", late)
    world.ready(world.dataset(1))
    assert world.only_job().state is JobState.STOPPED
    assert world.sagemaker.stopped == [world.name(world.only_job())]
