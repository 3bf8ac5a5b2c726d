"""Training jobs on the deployed stage: uploads that are trained together, a stop, and what a failure leaves behind."""

import json
from typing import Any

from tests.e2e.conftest import Pipelines
from tests.e2e.data import deliveries
from tests.stage import Stage, eventually


def test_two_uploads_within_the_quiet_time_are_one_training_of_both(
    stage: Stage, pipelines: Pipelines
) -> None:
    name = pipelines.create("quiet", train={"quiet": "1h"})
    stage.put_object(name, "january.csv", deliveries(31))
    pipelines.settled(name, "january.csv")
    assert eventually(lambda: len(pipelines.jobs(name)) == 1)
    stage.put_object(name, "february.csv", deliveries(32))
    assert eventually(lambda: len(pipelines.jobs(name)) == 2)
    (waiting,) = [job for job in pipelines.jobs(name) if job["state"] == "PENDING"]
    (gone,) = [job for job in pipelines.jobs(name) if job["state"] == "STOPPED"]
    assert gone["superseded_by"] == waiting["job_id"]
    assert "train.quiet 1h" in waiting["waiting_reason"]
    started = stage.headrace("train", name, "-o", "json")
    assert started.returncode == 0, started.stderr
    job = json.loads(started.stdout)
    assert (job["job_id"], len(job["dataset_versions"])) == (waiting["job_id"], 2)
    stopped = stage.headrace("jobs", "stop", job["job_id"])
    assert stopped.returncode == 0, stopped.stderr
    found = ended(stage, job["job_id"])
    assert found["state"] == "STOPPED"
    assert found["reason"].startswith("stopped by ")


def test_a_job_that_fails_says_why_in_jobs_show_and_is_tried_again_by_hand(
    stage: Stage, pipelines: Pipelines
) -> None:
    name = pipelines.create("failing", model={"params": {"no_such_option": 1}})
    stage.put_object(name, "january.csv", deliveries(33))
    assert eventually(lambda: pipelines.jobs(name))
    job_id = pipelines.jobs(name)[0]["job_id"]
    assert ended(stage, job_id)["state"] == "DEAD"
    shown = stage.headrace("jobs", "show", job_id).stdout
    assert "AlgorithmError" in shown
    assert "no_such_option" in shown.partition("The last lines of its log")[2]
    followed = stage.headrace("jobs", "log", job_id, "-f")
    assert "no_such_option" in followed.stdout
    again = stage.headrace("jobs", "retry", job_id, "-o", "json")
    assert (again.returncode, json.loads(again.stdout)["attempt"]) == (0, 2), again.stderr
    assert ended(stage, job_id)["attempt"] == 2


def ended(stage: Stage, job_id: str) -> dict[str, Any]:
    """Return the job once it is at rest."""

    def probe() -> dict[str, Any]:
        job: dict[str, Any] = stage.get(f"/v1/training-jobs/{job_id}")
        return job if job["ended_at"] else {}

    return eventually(probe)
