"""The line before the quota: first in, first trained; limits are waited out, nothing is dropped, nothing overtakes."""

import json

import pytest
from chalicelib.training.job import Job
from chalicelib.training.reasons import quota_in
from chalicelib.training.workflow.planning import plan_job

from shared.entities.training import JobState
from shared.errors import QuotaExceeded, Unavailable
from shared.events import TrainingJobFailed
from tests.unit.training.world import World

ACCOUNT = (
    "The account-level service limit '{} for training job usage' is 1 Instances, with current utilization of 1 "
    "Instances and a request delta of 1 Instances."
)


def pipelines(world: World, count: int) -> list[str]:
    """Give the world so many pipelines, each with one dataset version, and return their names."""
    names = [f"flights-{number:03d}" for number in range(count)]
    for name in names:
        world.define(name=name)
    return names


def limit(instance: str = "ml.m5.large") -> QuotaExceeded:
    return QuotaExceeded(f"create a training job: {ACCOUNT.format(instance)} (ResourceLimitExceeded)")


def test_two_hundred_jobs_at_a_quota_of_one_are_all_trained_one_at_a_time_in_their_order() -> None:
    """With an account that refuses, throttles, interrupts and tells late: no dead letter, no overtaking."""
    world = World(quota=1)
    most, handed_over = 0, []
    for name in pipelines(world, 200):
        world.ready(world.dataset(1, pipeline=name))  # raises nothing: no dead letter
        world.clock.advance(1)
    for turn in range(200):
        (running,) = [job for job in world.jobs() if job.state is JobState.RUNNING]
        most = max(most, len(world.sagemaker.running))
        handed_over.append(running.pipeline)
        if turn % 50 == 10:
            world.sagemaker.move(world.name(running), "Failed", reason="CapacityError: no instance")
            world.changed(running)
            running = world.ports.jobs.get(running.job_id)
            assert (running.state, running.attempt) == (JobState.RUNNING, 2)
        refusal = {0: limit(), 25: Unavailable("ThrottlingException: Rate exceeded")}.get(turn % 50)
        world.complete(running)
        world.sagemaker.refusal = refusal
        world.changed(running)
        if refusal is not None:
            world.sagemaker.refusal = None
            world.tick(900)
    assert handed_over == sorted(handed_over)
    assert (most, len(handed_over)) == (1, 200)
    assert {job.state for job in world.jobs()} == {JobState.SUCCEEDED}
    assert world.bus.named(TrainingJobFailed) == []


def test_a_younger_job_does_not_overtake_one_that_the_accounts_limit_keeps_waiting() -> None:
    world = World(quota=2)
    first, second = pipelines(world, 2)
    world.sagemaker.refusal = limit()
    world.ready(world.dataset(1, pipeline=first))
    world.sagemaker.refusal = None
    world.clock.advance(5)
    world.ready(world.dataset(1, pipeline=second))
    assert world.sagemaker.created == []
    world.tick(30)
    assert [job.pipeline for job in world.jobs() if job.state is JobState.RUNNING] == [first, second]


def test_a_job_of_another_kind_of_instance_is_not_kept_waiting_by_a_limit_of_none() -> None:
    world = World(quota=2)
    world.define(name="heavy", train={"instance": "ml.p3.2xlarge"})
    world.define(name="light")
    world.sagemaker.refusal = limit("ml.p3.2xlarge")
    world.ready(world.dataset(1, pipeline="heavy"))
    world.sagemaker.refusal = None
    world.ready(world.dataset(1, pipeline="light"))
    assert [(job.pipeline, str(job.state)) for job in world.jobs()] == [
        ("heavy", "PENDING"),
        ("light", "RUNNING"),
    ]


def test_a_refused_instance_still_lets_the_next_of_another_kind_be_tried_in_the_same_pass() -> None:
    world = World(quota=0)
    world.define(name="heavy", train={"instance": "ml.p3.2xlarge"})
    world.define(name="light")
    for name in ("heavy", "light"):
        world.ready(world.dataset(1, pipeline=name))
        world.clock.advance(1)
    roomy = World(quota=2)
    roomy.jobs_table.rows, roomy.data.versions = world.jobs_table.rows, world.data.versions
    create = roomy.sagemaker.create

    def refuse_heavy(request: dict[str, object]) -> None:
        if "p3" in str(request["ResourceConfig"]):
            raise limit("ml.p3.2xlarge")
        create(request)

    roomy.sagemaker.create = refuse_heavy  # type: ignore[method-assign, assignment]
    roomy.tick()
    assert [(job.pipeline, str(job.state)) for job in roomy.jobs()] == [
        ("heavy", "PENDING"),
        ("light", "RUNNING"),
    ]


def test_a_throttle_ends_the_pass_and_is_no_limit_of_the_instance() -> None:
    world = World(quota=2)
    for name in pipelines(world, 2):
        dataset = world.dataset(1, pipeline=name)
        plan_job(world.ports, world.ports.pipelines.definition(name), dataset)
    tries = []

    def throttle(request: dict[str, object]) -> None:
        tries.append(request["TrainingJobName"])
        raise Unavailable("ThrottlingException")

    world.sagemaker.create = throttle  # type: ignore[method-assign, assignment]
    world.tick()
    assert len(tries) == 1
    assert not any(job.is_limited for job in world.jobs())


def waiting_line(out: str) -> dict[str, object]:
    (line,) = [json.loads(line) for line in out.splitlines() if '"JobWaiting"' in line and "_aws" in line]
    return dict(line)


def test_an_account_that_has_no_instance_for_us_is_told_at_once_with_the_quotas_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World()
    world.sagemaker.refusal = limit()
    world.ready(world.dataset(1))
    told = waiting_line(capsys.readouterr().out)
    assert told["quota"] == "ml.m5.large for training job usage"


def test_a_limit_that_jobs_of_ours_use_up_is_told_only_after_an_hour(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(quota=5)
    world.ready(world.dataset(1))
    world.sagemaker.refusal = limit()
    world.ready(world.dataset(2))
    world.tick(3500)
    assert "JobWaiting" not in capsys.readouterr().out
    world.tick(120)
    assert waiting_line(capsys.readouterr().out)["quota"] == "ml.m5.large for training job usage"


def test_our_own_quota_is_named_where_that_is_what_a_job_waits_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    world = World(quota=0)
    world.ready(world.dataset(1))
    assert "MAX_TRAINING_JOBS" in (world.only_job().waiting_reason or "")
    world.tick(3601)
    assert waiting_line(capsys.readouterr().out)["quota"] == "MAX_TRAINING_JOBS"


def test_a_retry_of_a_person_goes_to_the_end_of_the_line() -> None:
    world = World(quota=1)
    first, second, third = pipelines(world, 3)
    for name in (first, second, third):
        world.ready(world.dataset(1, pipeline=name))
        world.clock.advance(1)
    job: Job = world.jobs()[0]
    world.sagemaker.move(world.name(job), "Failed", reason="AlgorithmError: x")
    world.changed(job)
    world.clock.advance(1)
    world.ports.jobs.revived(world.ports.jobs.get(job.job_id), "ml.m5.large", 0)
    order = []
    for _ in range(3):
        (running,) = [job for job in world.jobs() if job.state is JobState.RUNNING]
        order.append(running.pipeline)
        world.complete(running)
        world.changed(running)
    assert order == [second, third, first]


@pytest.mark.parametrize(
    ("reason", "quota"),
    [
        (ACCOUNT.format("ml.c5.xlarge"), "ml.c5.xlarge for training job usage"),
        ("queued: starts as soon as …", "MAX_TRAINING_JOBS"),
        ("ThrottlingException: Rate exceeded", None),
        ("", None),
    ],
)
def test_the_quota_is_read_out_of_awss_own_sentence(reason: str, quota: str | None) -> None:
    assert quota_in(reason) == quota
