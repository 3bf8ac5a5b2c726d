"""`headrace delete` says what goes and what stays, and asks before it does anything."""

import json
from typing import Any

import pytest

from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import FakeStage, ok, problem

DELETED = {
    "pipeline": "flights",
    "deleted_by": "t1",
    "deleted_at": "2026-11-27T12:00:00Z",
    "detail": "The definition is gone.",
}


def stage(**answers: Any) -> FakeStage:
    jobs = [{"state": state} for state in ("RUNNING", "PENDING", "SUCCEEDED", "DEAD")]
    return FakeStage(
        {
            "GET /pipelines/flights": ok({"pipeline": "flights"}),
            "GET /endpoints/flights": ok({"live": "v2", "previous": "v1", "candidate": "v3"}),
            "GET /training-jobs": ok({"jobs": jobs, "next": None}),
            "GET /batch-predictions/flights": ok({"batches": [{"state": "RUNNING"}, {"state": "STOPPED"}]}),
            "GET /datasets/flights": ok({"versions": [{}, {}], "next": None}),
            "GET /models/flights": ok({"versions": [{}], "next": None}),
            "DELETE /pipelines/flights": ok(DELETED),
            **answers,
        }
    )


def test_what_goes_and_what_stays_is_shown_and_the_answer_printed(run: Run) -> None:
    fake = stage()
    result = run(fake, "-o", "json", "delete", "flights", "--yes")
    assert result.exit_code == 0, result.stderr
    goes = "Goes: v2 (live), v3 (being released), v1 (live before), 2 training jobs, 1 batch"
    assert goes in result.stderr
    assert "Stays: 2 dataset versions, 1 model version" in result.stderr
    assert json.loads(result.stdout) == DELETED
    (asked,) = [request for request in fake.requests if request.method == "DELETE"]
    assert asked.url.endswith("/v1/pipelines/flights?force=true")


def test_a_pipeline_that_never_released_anything_says_so(run: Run) -> None:
    fake = stage(
        **{
            "GET /endpoints/flights": problem(404, "Not found", "never released"),
            "GET /training-jobs": ok({"jobs": [], "next": None}),
            "GET /batch-predictions/flights": ok({"batches": []}),
        }
    )
    assert "Goes: nothing serves or trains" in run(fake, "delete", "flights", "--yes").stderr


@pytest.mark.parametrize(("typed", "deletes"), [("flights\n", True), ("y\n", False), ("", False)])
def test_only_who_types_the_pipelines_name_deletes_it(run: Run, typed: str, deletes: bool) -> None:
    fake = stage()
    result = run(fake, "delete", "flights", text=typed)
    assert (result.exit_code == 0) is deletes
    assert bool(fake.asked("DELETE /pipelines/flights")) is deletes


def test_a_pipeline_that_is_not_there_ends_with_3_before_anything_is_asked(run: Run) -> None:
    fake = stage(**{"GET /pipelines/flights": problem(404, "Not found", "no pipeline 'flights'")})
    result = run(fake, "delete", "flights", "--yes")
    assert result.exit_code == 3
    assert not fake.asked("DELETE /pipelines/flights")
