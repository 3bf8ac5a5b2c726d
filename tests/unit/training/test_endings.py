"""How a job ends that brings no model, and what a person then finds in its row."""

from datetime import timedelta

import msgspec
import pytest
from chalicelib.training.job import Job
from chalicelib.training.plan import TrainingPlan
from chalicelib.training.request import training_request
from chalicelib.training.workflow import following
from chalicelib.training.workflow.submission import submit

from shared.entities.training import JobState
from shared.errors import Broken, Unavailable
from tests.unit.training.world import World

TRACE = (
    "Traceback (most recent call last):",
    '  File "/opt/ml/code/train.py", line 3, in <module>',
    "",
    "ValueError: password=hunter2 in s3://private/x",
)


def running(world: World) -> Job:
    world.ready(world.dataset(1))
    return world.only_job()


def failed(world: World, reason: str = "AlgorithmError: ExecuteUserScriptError: ExitCode 1") -> Job:
    job = running(world)
    world.logs.lines[world.name(job)] = TRACE
    world.sagemaker.move(world.name(job), "Failed", reason=reason)
    world.changed(job)
    return world.only_job()


def test_a_failed_job_keeps_its_last_lines_without_paths_addresses_and_secrets() -> None:
    tail = failed(World()).log_tail
    assert tail == (
        "Traceback (most recent call last):",
        'File "<path>", line 3, in <module>',
        "ValueError: password=<secret> in <address>",
    )


def test_a_long_log_is_cut_to_its_end() -> None:
    world = World()
    job = running(world)
    world.logs.lines[world.name(job)] = tuple(f"line {n} {'x' * 1000}" for n in range(200))
    world.sagemaker.move(world.name(job), "Failed", reason="AlgorithmError: x")
    world.changed(job)
    tail = world.only_job().log_tail
    assert (len(tail), tail[-1][:8], max(map(len, tail))) == (20, "line 199", 300)


@pytest.mark.parametrize("error", [Unavailable("slow"), Broken("no logs:GetLogEvents")])
def test_a_log_that_cannot_be_read_does_not_keep_a_job_from_ending(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World()

    def refuse(*_: object) -> None:
        raise error

    monkeypatch.setattr(world.logs, "tail", refuse)
    assert (failed(world).state, world.only_job().log_tail) == (JobState.DEAD, ())


def test_a_stopped_job_keeps_its_last_lines_too() -> None:
    world = World()
    job = running(world)
    world.logs.lines[world.name(job)] = ("epoch 7",)
    following.stop(world.ports, job, "stopped by t1")
    world.sagemaker.move(world.name(job), "Stopped")
    world.changed(job)
    assert world.only_job().log_tail == ("epoch 7",)


def test_the_next_attempt_of_a_person_begins_without_the_lines_of_the_last() -> None:
    world = World()
    assert world.ports.jobs.revived(failed(world), "ml.m5.large", 0).log_tail == ()


def test_an_attempt_that_is_made_again_says_why() -> None:
    world = World(quota=1)
    job = running(world)
    world.sagemaker.move(world.name(job), "Failed", reason="CapacityError: no ml.m5.large")
    world.sagemaker.refusal = Unavailable("throttled")
    again = world.ports.jobs.retrying(job, "CapacityError: no ml.m5.large")
    assert again.waiting_reason == (
        "attempt 1 ended without a result and is made again: CapacityError: no ml.m5.large"
    )


def test_a_failure_without_a_reason_says_so() -> None:
    assert failed(World(), reason="").reason == "Failed: SageMaker gives no reason"


@pytest.mark.parametrize("state", ["RUNNING", "STOPPING"])
def test_a_job_that_was_deleted_and_whose_name_another_has_taken_ends(state: str) -> None:
    world = World()
    job = running(world)
    name = world.name(job)
    world.sagemaker.jobs[name] = msgspec.structs.replace(world.sagemaker.jobs[name], input_sha256="other")
    if state == "STOPPING":
        world.ports.jobs.stopping(job, "stopped by t1")
    world.tick()
    ended = world.only_job()
    assert world.sagemaker.stopped == []
    if state == "STOPPING":
        assert (ended.state, ended.reason) == (JobState.STOPPED, "stopped by t1")
    else:
        assert ended.state is JobState.DEAD
        assert (ended.reason or "").startswith("name_collision")


def test_a_job_deleted_while_it_stops_is_stopped() -> None:
    world = World()
    job = running(world)
    following.stop(world.ports, job, "stopped by t1")
    del world.sagemaker.jobs[world.name(job)]
    world.tick()
    assert (world.only_job().state, world.only_job().reason) == (JobState.STOPPED, "stopped by t1")


def test_a_job_that_sagemaker_never_begins_is_stopped_after_a_day() -> None:
    world = World()
    job = running(world)
    name = world.name(job)
    world.sagemaker.jobs[name] = msgspec.structs.replace(world.sagemaker.jobs[name], created_at=world.clock())
    world.tick(24 * 3600)
    assert world.sagemaker.stopped == []
    world.tick(1)
    assert world.sagemaker.stopped == [name]
    assert (world.only_job().reason or "").startswith("stuck: SageMaker has not begun it")


def test_a_job_that_does_not_stop_is_asked_again_every_minute_and_stays_stopping() -> None:
    world = World()
    job = running(world)
    world.sagemaker.move(world.name(job), "InProgress", started_at=world.clock())
    world.tick(46 * 60)
    world.sagemaker.move(world.name(job), "InProgress")
    world.tick()
    assert world.sagemaker.stopped == [world.name(job)] * 2
    assert world.only_job().state is JobState.STOPPING


def spot_plan() -> tuple[World, TrainingPlan]:
    world = World(train={"spot": True, "max_minutes": 30})
    world.ready(world.dataset(1))
    return world, world.ports.job_files.read(world.only_job().job_id)


def test_spot_capacity_is_asked_for_with_room_for_interruptions_and_off_by_default() -> None:
    (request,) = spot_plan()[0].sagemaker.created
    assert request["EnableManagedSpotTraining"] is True
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 1800, "MaxWaitTimeInSeconds": 5400}
    plain = World()
    plain.ready(plain.dataset(1))
    (request,) = plain.sagemaker.created
    assert request["EnableManagedSpotTraining"] is False
    # SageMaker refuses the one without the other.
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 1800}


def test_every_attempt_of_a_job_has_one_place_for_its_checkpoints() -> None:
    world, plan = spot_plan()
    places = {
        training_request(plan, attempt, world.ports.place)["CheckpointConfig"]["S3Uri"]
        for attempt in (1, 2, 3)
    }
    assert places == {f"s3://models/staging/{plan.job_id}/checkpoints"}


def test_a_job_on_spot_capacity_is_stuck_only_after_the_time_for_interruptions() -> None:
    world, _ = spot_plan()
    name = world.name(world.only_job())
    world.sagemaker.jobs[name] = msgspec.structs.replace(
        world.sagemaker.jobs[name], max_wait_s=5400, started_at=world.clock()
    )
    world.clock.now += timedelta(minutes=104)
    world.tick(60)
    assert world.sagemaker.stopped == []
    world.tick(60)
    assert world.sagemaker.stopped == [name]


def test_spot_capacity_that_never_suffices_is_dead_and_says_what_to_do() -> None:
    world, _ = spot_plan()
    job = world.only_job()
    name = world.name(job)
    world.sagemaker.jobs[name] = msgspec.structs.replace(world.sagemaker.jobs[name], max_wait_s=5400)
    world.sagemaker.move(name, "Stopped", "MaxWaitTimeExceeded")
    world.changed(job)
    reason = world.only_job().reason or ""
    assert reason.startswith("max_wait: spot capacity did not suffice within 90 minutes")
    assert "train.spot: false" in reason


def test_an_interruption_that_sagemaker_gives_up_on_is_a_new_attempt() -> None:
    world = World()
    job = running(world)
    world.sagemaker.move(world.name(job), "Stopped", "Interrupted")
    world.changed(job)
    assert (world.only_job().state, world.only_job().attempt) == (JobState.RUNNING, 2)


def test_a_submitter_finds_its_plan_and_not_the_newer_definition() -> None:
    world = World(quota=0)
    job = running(world)
    world.define(train={"instance": "ml.c5.xlarge"})
    roomy = World(quota=1)
    roomy.jobs_table.rows, roomy.data.versions = world.jobs_table.rows, world.data.versions
    submit(roomy.ports, job)
    assert roomy.sagemaker.created[0]["ResourceConfig"]["InstanceType"] == "ml.m5.large"


def test_threads_that_wait_sleep_and_are_no_more_than_the_instance_has() -> None:
    """Libraries read both when they are loaded, which may be before the script sets them."""
    world = World()
    world.ready(world.dataset(1))
    (request,) = world.sagemaker.created
    threads = {name: value for name, value in request["Environment"].items() if name.startswith("OMP_")}
    assert threads == {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}
