import json
from typing import Any

import pytest

from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import FakeStage, problem
from tests.unit.headrace.test_watch import dataset, stage
from tests.unit.headrace.test_watch import job as job_row

JOB = "0123456789abcdef0123"


def job(state: str, **more: Any) -> dict[str, Any]:
    return {"job_id": JOB, "pipeline": "flights", "dataset_version": "abc", "state": state, **more}


def test_a_failed_job_is_shown_with_its_reason_and_the_last_lines_it_printed(run: Run) -> None:
    failed = job("DEAD", reason="AlgorithmError: ExitCode 1", log_tail=["Traceback", "ValueError: no rows"])
    shown = run(FakeStage({f"GET /training-jobs/{JOB}": failed}), "jobs", "show", JOB).stdout
    assert "AlgorithmError: ExitCode 1" in shown
    assert shown.endswith(f"(all: headrace jobs log {JOB}):\nTraceback\nValueError: no rows\n")


def test_as_json_a_job_has_every_field(run: Run) -> None:
    failed = job("DEAD", log_tail=["Traceback"])
    shown = run(FakeStage({f"GET /training-jobs/{JOB}": failed}), "jobs", "show", JOB, "-o", "json").stdout
    assert json.loads(shown) == failed


def test_a_stop_is_asked_for_and_what_became_of_it_is_shown(run: Run) -> None:
    answers = FakeStage({f"POST /training-jobs/{JOB}/stop": job("STOPPING", reason="stopped by t1")})
    assert "STOPPING" in run(answers, "jobs", "stop", JOB).stdout


def test_a_job_that_has_ended_refuses_the_stop_with_the_servers_sentence(run: Run) -> None:
    answers = FakeStage({f"POST /training-jobs/{JOB}/stop": problem(409, "Conflict", "is DEAD already")})
    result = run(answers, "jobs", "stop", JOB)
    assert result.exit_code == 1
    assert "is DEAD already" in result.stderr


def test_a_retry_names_the_job_and_its_pipeline(run: Run) -> None:
    answers = FakeStage(
        {f"GET /training-jobs/{JOB}": job("DEAD"), "POST /training-jobs": job("PENDING", attempt=2)}
    )
    assert run(answers, "jobs", "retry", JOB).exit_code == 0
    (body,) = answers.asked("POST /training-jobs")
    assert json.loads(body) == {"pipeline": "flights", "job_id": JOB, "retry": True}


def test_a_log_is_followed_to_the_end_of_the_job_and_no_line_is_shown_twice(run: Run) -> None:
    pages = [
        {"lines": ["one", "two"], "next": "c2"},
        {"lines": [], "next": "c2"},
        {"lines": [], "next": "c2"},
        {"lines": ["three"], "next": "c3"},
        {"lines": [], "next": "c3"},
    ]
    answers = FakeStage(
        {
            f"GET /training-jobs/{JOB}": [job("RUNNING"), job("RUNNING"), job("SUCCEEDED")],
            f"GET /training-jobs/{JOB}/log": pages,
        }
    )
    assert run(answers, "jobs", "log", JOB, "-f").stdout == "one\ntwo\nthree\n"
    asked = [request.url.partition("cursor=")[2] for request in answers.requests if "/log" in request.url]
    assert asked == ["", "c2", "c2", "c2", "c3"]


def test_the_log_of_a_job_that_has_not_started_is_waited_for(run: Run) -> None:
    answers = FakeStage(
        {
            f"GET /training-jobs/{JOB}": [job("PENDING"), job("DEAD")],
            f"GET /training-jobs/{JOB}/log": {"lines": []},
        }
    )
    result = run(answers, "jobs", "log", JOB, "--follow")
    assert (result.exit_code, result.stdout) == (0, "")


def test_following_a_log_has_no_form_but_lines(run: Run) -> None:
    assert run(FakeStage({}), "jobs", "log", JOB, "-f", "-o", "json").exit_code == 2


def test_jobs_are_listed_of_one_pipeline_or_of_all(run: Run) -> None:
    answers = FakeStage({"GET /training-jobs": {"jobs": [job("RUNNING")], "next": None}})
    assert JOB in run(answers, "jobs", "ls").stdout
    assert JOB in run(answers, "jobs", "ls", "flights").stdout
    assert ["pipeline=flights" in request.url for request in answers.requests] == [False, True]


@pytest.mark.parametrize("named", [(), ("--version", "d1")])
def test_a_training_is_asked_for_by_the_datasets_version(run: Run, named: tuple[str, ...]) -> None:
    answers = FakeStage({"GET /datasets/flights/d1": dataset("READY"), "POST /training-jobs": job("RUNNING")})
    assert run(answers, "train", "flights", *named).exit_code == 0
    (body,) = answers.asked("POST /training-jobs")
    version = {"dataset_version": "abc"} if named else {}
    assert json.loads(body) == {"pipeline": "flights", **version}


def test_a_training_can_be_followed_to_the_live_model(run: Run) -> None:
    answers = stage()
    answers._answers["POST /training-jobs"] = [job("RUNNING")]
    result = run(answers, "train", "flights", "--watch", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["outcome"]) == (0, "live")


def test_a_watch_goes_on_with_the_job_that_took_the_data_in(run: Run) -> None:
    gone = job_row("STOPPED", reason="superseded: …", superseded_by="j2")
    answers = stage(jobs={"jobs": [gone]})
    answers._answers["GET /training-jobs/j2"] = [job_row("SUCCEEDED", job_id="j2")]
    result = run(answers, "watch", "flights", "-o", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["job_id"] == "j2"


def test_a_watch_finds_the_job_of_newer_data_that_asked_for_both(run: Run) -> None:
    both = job_row("SUCCEEDED", dataset_version="def", dataset_versions=["abc", "def"])
    definition = {"pipeline": "flights", "definition": {"name": "flights", "train": {"quiet": "10m"}}}
    result = run(stage(jobs={"jobs": [both]}, pipeline=definition), "watch", "flights", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["outcome"]) == (0, "live")
