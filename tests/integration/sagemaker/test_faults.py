"""What AWS does to training jobs, made on request; and the door for it is shut unless the server was told to open it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.sagemaker.harness import BUCKET, Cloud, refusal, wait_for
from tests.integration.sagemaker.test_events import queue_for, received

Make = Callable[..., None]

COUNTING = """
import os, time
path = "/opt/ml/checkpoints/count"
count = int(open(path).read()) if os.path.exists(path) else 0
print("begins at", count, flush=True)
open(path + ".new", "w").write(str(count + 1))
os.rename(path + ".new", path)
if count == 0:
    time.sleep(60)
"""


def checkpoints(name: str) -> dict[str, Any]:
    return {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/{name}/checkpoints"}}


def spot(name: str, wait_s: int = 120) -> dict[str, Any]:
    stopping = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": wait_s}
    return checkpoints(name) | {"EnableManagedSpotTraining": True, "StoppingCondition": stopping}


def stages(job: dict[str, Any]) -> list[str]:
    return [item["Status"] for item in job["SecondaryStatusTransitions"]]


def lines(cloud: Cloud, name: str) -> list[str]:
    return [line for line in cloud.log_lines("/aws/sagemaker/TrainingJobs", f"{name}/") if "begins" in line]


def test_an_interrupted_spot_job_goes_on_from_its_checkpoint_by_itself(cloud: Cloud, faults: Make) -> None:
    faults({"fault": "interrupt", "jobs": "^spot-job$"})
    cloud.train("spot-job", COUNTING, **spot("spot-job"))
    job = cloud.wait_for_job("spot-job")
    again = ["Starting", "Downloading", "Training"]
    assert stages(job) == [*again, "Interrupted", *again, "Uploading", "Completed"]
    assert lines(cloud, "spot-job") == ["begins at 0", "begins at 1"]
    assert cloud.get("spot-job/checkpoints/count") == b"2"


def test_spot_capacity_that_stays_away_ends_the_job_as_out_of_patience(cloud: Cloud, faults: Make) -> None:
    faults({"fault": "interrupt", "jobs": "^spot-away$", "away_s": 600})
    cloud.train(
        "spot-away",
        COUNTING,
        **spot("spot-away") | {"StoppingCondition": {"MaxRuntimeInSeconds": 5, "MaxWaitTimeInSeconds": 5}},
    )
    job = cloud.wait_for_job("spot-away")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_a_spot_job_that_waits_for_capacity_can_be_stopped(cloud: Cloud, faults: Make) -> None:
    faults({"fault": "interrupt", "jobs": "^spot-stop$", "away_s": 600})
    cloud.train("spot-stop", COUNTING, **spot("spot-stop"))
    cloud.wait_for_secondary("spot-stop", "Interrupted")
    cloud.sagemaker.stop_training_job(TrainingJobName="spot-stop")
    assert cloud.wait_for_job("spot-stop")["SecondaryStatus"] == "Stopped"


def test_checkpoints_are_saved_while_a_job_runs_and_given_to_the_next_of_the_same_place(
    cloud: Cloud, faults: Make
) -> None:
    # Who pays for the instance keeps it.
    faults({"fault": "interrupt", "jobs": "^(first|second)$", "times": 2})
    cloud.train("first", COUNTING, **checkpoints("shared"))
    found = wait_for(
        lambda: cloud.s3.list_objects_v2(Bucket=BUCKET, Prefix="shared/checkpoints/").get("Contents"),
        30,
        "the checkpoint is saved while the program sleeps",
    )
    assert found[0]["Key"] == "shared/checkpoints/count"
    cloud.sagemaker.stop_training_job(TrainingJobName="first")
    cloud.wait_for_job("first")
    cloud.train("second", COUNTING, **checkpoints("shared"))
    second = cloud.wait_for_job("second")
    assert stages(second) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert lines(cloud, "second") == ["begins at 1"]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("capacity", "CapacityError: Unable to provision requested ML compute capacity."),
        ("internal", "InternalServerError: We encountered an internal error. Please try again."),
    ],
)
def test_sagemaker_itself_fails_in_awss_words(cloud: Cloud, faults: Make, kind: str, reason: str) -> None:
    faults({"fault": kind, "jobs": f"^fails-{kind}$"})
    cloud.train(f"fails-{kind}", "pass")
    job = cloud.wait_for_job(f"fails-{kind}")
    assert (job["TrainingJobStatus"], job["FailureReason"][: len(reason)]) == ("Failed", reason)


def test_a_frozen_job_outlives_its_time_and_ends_when_it_is_stopped(cloud: Cloud, faults: Make) -> None:
    faults({"fault": "freeze", "jobs": "^frozen$"})
    cloud.train("frozen", "pass", StoppingCondition={"MaxRuntimeInSeconds": 1})
    cloud.wait_for_secondary("frozen", "Training")
    job = cloud.sagemaker.describe_training_job(TrainingJobName="frozen")
    assert (job["TrainingJobStatus"], "TrainingStartTime" in job) == ("InProgress", True)
    cloud.sagemaker.stop_training_job(TrainingJobName="frozen")
    assert cloud.wait_for_job("frozen")["TrainingJobStatus"] == "Stopped"


def test_throttles_and_limits_have_awss_codes_and_words_and_pass(cloud: Cloud, faults: Make) -> None:
    faults(
        {"fault": "throttle", "jobs": "^busy$", "times": 2},
        {"fault": "quota", "jobs": "^busy$"},
        {"fault": "throttle", "jobs": "^busy$", "operation": "DescribeTrainingJob"},
    )
    for _ in range(2):
        assert refusal(cloud.train, name="busy", script="pass") == ("ThrottlingException", "Rate exceeded")
    code, message = refusal(cloud.train, name="busy", script="pass")
    assert code == "ResourceLimitExceeded"
    assert "for training job usage' is 0 Instances, with current utilization of 0 Instances" in message
    cloud.train("busy", "pass")
    assert refusal(cloud.sagemaker.describe_training_job, TrainingJobName="busy")[0] == "ThrottlingException"
    assert cloud.wait_for_job("busy")["TrainingJobStatus"] == "Completed"


def test_a_lost_answer_leaves_the_job_that_was_created(cloud: Cloud, faults: Make) -> None:
    faults({"fault": "lose-answer", "jobs": "^unheard$"})
    assert refusal(cloud.train, name="unheard", script="pass")[0] == "InternalFailure"
    assert cloud.wait_for_job("unheard")["TrainingJobStatus"] == "Completed"


def test_a_job_that_vanishes_is_unknown_like_one_that_never_was(cloud: Cloud, faults: Make) -> None:
    faults({"fault": "vanish", "jobs": "^gone$"})
    cloud.train("gone", "pass")
    unknown = ("ValidationException", "Requested resource not found.")

    def is_gone() -> bool:
        names = cloud.sagemaker.list_training_jobs(NameContains="gone")["TrainingJobSummaries"]
        return not names

    wait_for(is_gone, 30, "the job vanishes")
    assert refusal(cloud.sagemaker.describe_training_job, TrainingJobName="gone") == unknown


def test_only_a_job_that_has_ended_can_be_deleted_and_its_name_is_free_again(cloud: Cloud) -> None:
    cloud.train("deleted", "import time; time.sleep(60)")
    code, message = refusal(cloud.sagemaker.delete_training_job, TrainingJobName="deleted")
    assert (code, "is in status InProgress" in message) == ("ValidationException", True)
    cloud.sagemaker.stop_training_job(TrainingJobName="deleted")
    cloud.wait_for_job("deleted")
    cloud.sagemaker.delete_training_job(TrainingJobName="deleted")
    cloud.train("deleted", "pass")
    assert cloud.wait_for_job("deleted")["TrainingJobStatus"] == "Completed"


def test_state_changes_are_told_twice_or_not_at_all(cloud: Cloud, faults: Make) -> None:
    pattern = {"source": ["aws.sagemaker"], "detail": {"TrainingJobName": [{"prefix": "misheard"}]}}
    url = queue_for(cloud, "misheard", pattern)
    faults(
        {"fault": "double-event", "jobs": "^misheard$", "status": "Completed"},
        {"fault": "lose-event", "jobs": "^misheard$", "status": "InProgress"},
    )
    cloud.train("misheard", "pass")
    cloud.wait_for_job("misheard")
    told = [event["detail"]["SecondaryStatus"] for event in received(cloud, url, 5)]
    assert sorted(told) == ["Completed", "Completed", "Downloading", "Training", "Uploading"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}},
            "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
        ),
        (
            {"EnableManagedSpotTraining": True},
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds",
        ),
    ],
)
def test_spot_capacity_and_the_time_to_wait_for_it_go_together(
    cloud: Cloud, request_: dict[str, Any], words: str
) -> None:
    assert refusal(cloud.train, name="odd", script="pass", **request_) == ("ValidationException", words)
