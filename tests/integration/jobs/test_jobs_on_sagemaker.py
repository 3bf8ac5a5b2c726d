"""Each way a training job can go wrong, on a SageMaker that does it, and what becomes of the row."""

from typing import Any

import pytest
from chalicelib.training.workflow.following import stop

from shared.entities.training import JobState
from tests.integration.jobs.live_world import LiveCloud, LiveWorld
from tests.integration.sagemaker.harness import wait_for


def fault(kind: str, jobs: str = "") -> dict[str, Any]:
    """Return a fault of the next job, whatever its id; of one whose name matches where that is said."""
    return {"fault": kind, "jobs": jobs}


def printed(live: LiveCloud, world: LiveWorld, attempt: int) -> list[str]:
    name = world.name(world.only_job()).rpartition("-a")[0]
    return live.cloud.log_lines("/aws/sagemaker/TrainingJobs", f"{name}-a{attempt}/")


def test_a_script_that_fails_leaves_its_last_words_in_the_row_without_its_secrets(live: LiveCloud) -> None:
    world = LiveWorld(live, "ml.m5.large", params={"fails": True})
    job = world.upload()
    world.wait(job)
    world.changed(job)
    dead = world.only_job()
    assert (dead.state, dead.attempt) == (JobState.DEAD, 1)
    assert (dead.reason or "").startswith("AlgorithmError: ")
    said = "\n".join(dead.log_tail)
    assert "ValueError: password=<secret>" in said
    assert "no column 'late' in <path>" in said
    assert "hunter2" not in said


def test_limits_and_throttles_are_waited_out_and_a_lost_answer_is_looked_up_and_one_job_is_made(
    live: LiveCloud,
) -> None:
    world = LiveWorld(live, "ml.m5.xlarge")
    live.make_faults(fault("quota"), fault("throttle"), fault("lose-answer"))
    job = world.upload()  # throttled; raises nothing
    assert "Rate exceeded (ThrottlingException)" in (job.waiting_reason or "")
    world.tick(900)
    assert "'ml.m5.xlarge for training job usage' is 0 Instances" in (world.only_job().waiting_reason or "")
    world.tick(900)  # created, but nobody answers: SageMaker is asked whether it is there
    assert world.only_job().state is JobState.RUNNING
    ended = world.settled(job)
    assert (ended.state, ended.attempt) == (JobState.SUCCEEDED, 1)
    assert [model.job_id for model in world.ports.models.versions(world.pipeline)] == [job.job_id]


def test_an_internal_error_is_a_new_attempt_that_goes_on_from_the_checkpoint(live: LiveCloud) -> None:
    world = LiveWorld(live, "ml.m5.2xlarge", params={"waits": True})
    live.make_faults(fault("internal"), fault("capacity", "-a2$"))
    ended = world.settled(world.upload())
    assert (ended.state, ended.attempt) == (JobState.SUCCEEDED, 3)
    assert "begins" in printed(live, world, 1)
    assert printed(live, world, 2) == []
    assert "resumed" in printed(live, world, 3)


def test_an_interrupted_spot_job_is_one_attempt_and_one_model(live: LiveCloud) -> None:
    world = LiveWorld(live, "ml.m5.4xlarge", params={"waits": True})
    world.define(
        name=world.pipeline,
        model={"params": {"waits": True}},
        train={"instance": "ml.m5.4xlarge", "max_minutes": 1, "spot": True},
    )
    live.make_faults(fault("interrupt"))
    ended = world.settled(world.upload())
    assert (ended.state, ended.attempt) == (JobState.SUCCEEDED, 1)
    assert [line for line in printed(live, world, 1) if line in {"begins", "resumed"}] == [
        "begins",
        "resumed",
    ]


def test_a_frozen_job_is_stopped_quarter_of_an_hour_after_its_time(
    live: LiveCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    world = LiveWorld(live, "ml.m5.12xlarge")
    live.make_faults(fault("freeze"))
    job = world.upload()
    live.cloud.wait_for_secondary(world.name(job), "Training")
    world.tick(14 * 60)
    assert world.only_job().state is JobState.RUNNING
    world.tick(4 * 60)
    assert '"StuckJob":1' in capsys.readouterr().out
    world.wait(job)
    world.tick()
    stopped = world.only_job()
    assert stopped.state is JobState.STOPPED
    assert (stopped.reason or "").startswith("stuck: still in progress 15 minutes after its 1 minutes")


def test_a_job_that_vanishes_is_dead_and_a_retry_takes_a_new_name(live: LiveCloud) -> None:
    world = LiveWorld(live, "ml.m5.24xlarge")
    live.make_faults(fault("vanish"))
    job = world.upload()

    def is_gone() -> bool:
        listed = live.cloud.sagemaker.list_training_jobs(NameContains=job.job_id)
        return not listed["TrainingJobSummaries"]

    wait_for(is_gone, 60, "the job is deleted")
    # A minute that has not passed yet would have to pass before the next attempt.
    world.tick(0)
    dead = world.only_job()
    assert (dead.state, (dead.reason or "")[:8]) == (JobState.DEAD, "deleted:")
    live.make_faults()
    world.ports.jobs.revived(dead, "ml.m5.24xlarge", 0)
    ended = world.settled(job)
    assert (ended.state, ended.attempt, world.name(ended)[-3:]) == (JobState.SUCCEEDED, 2, "-a2")


def test_a_running_job_that_is_stopped_ends_when_sagemaker_says_so(live: LiveCloud) -> None:
    live.make_faults()
    world = LiveWorld(live, "ml.c5.xlarge", params={"waits": True})
    job = world.upload()
    live.cloud.wait_for_secondary(world.name(job), "Training")
    stop(world.ports, world.only_job(), "stopped by t1")
    assert world.only_job().state is JobState.STOPPING
    world.wait(job)
    world.tick()
    assert (world.only_job().state, world.only_job().reason) == (JobState.STOPPED, "stopped by t1")
