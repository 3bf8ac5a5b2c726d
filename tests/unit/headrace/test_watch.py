import json
from typing import Any

import pytest

from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import NOT_FOUND, FakeStage

AT = "2026-11-22T10:00:{:02d}.000000Z"


def dataset(state: str, **more: Any) -> dict[str, Any]:
    return {
        "version": "abc",
        "alias": "d1",
        "ordinal": 1,
        "key": "incoming/flights/may.csv",
        "rows_good": 990,
        "rows_bad": 10,
        "created_at": AT.format(0),
        "updated_at": AT.format(2),
        "state": state,
        **more,
    }


def job(state: str, **more: Any) -> dict[str, Any]:
    times = {"created_at": AT.format(2), "started_at": AT.format(3), "ended_at": AT.format(9)}
    version = "v2" if state == "SUCCEEDED" else None
    return {"job_id": "j1", "dataset_version": "abc", "state": state, "version": version, **times, **more}


def model(state: str, *verdicts: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    judged = [{"clause": c, "outcome": o, "detail": d} for c, o, d in verdicts]
    return {
        "version": "v2",
        "state": state,
        "metrics": {"log_loss": 0.5678},
        "verdicts": judged,
        "created_at": AT.format(9),
        **more,
    }


def endpoint(**more: Any) -> dict[str, Any]:
    row = {"pipeline": "flights", "live": None, "candidate": None, "phase": "IDLE", "outcome": None}
    return {**row, "reason": None, "live_since": None, "updated_at": AT.format(5), **more}


def stage(**answers: Any) -> FakeStage:
    """A stage on which everything goes well, except for what is given."""
    well = {
        "versions": {"versions": [dataset("READY")], "next": None},
        "dataset": dataset("READY"),
        "jobs": {"jobs": [job("SUCCEEDED")], "next": None},
        "model": model("APPROVED", ("log_loss <= 0.7", "passed", "0.5678")),
        "endpoint": endpoint(live="v2", live_since=AT.format(12)),
        "pipeline": {"pipeline": "flights", "definition": {"name": "flights"}},
    }
    given = {**well, **answers}
    return FakeStage(
        {
            "GET /datasets/flights": given["versions"],
            "GET /datasets/flights/abc": given["dataset"],
            "GET /datasets/flights/d1": given["dataset"],
            "GET /datasets/flights/abc/profile": {"row_count": 990, "columns": [{"name": "a"}] * 11},
            "GET /training-jobs": given["jobs"],
            "GET /models/flights/v2": given["model"],
            "GET /endpoints/flights": given["endpoint"],
            "GET /pipelines/flights": given["pipeline"],
        }
    )


def test_a_watch_tells_each_step_with_what_it_made_and_how_long_it_took(run: Run) -> None:
    result = run(stage(), "watch", "flights", "-o", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "outcome": "live",
        "pipeline": "flights",
        "dataset_version": "abc",
        "job_id": "j1",
        "model_version": "v2",
        "live": "v2",
    }
    steps = [line for line in result.stderr.splitlines() if not line.startswith("...")]
    assert steps == [
        "validate   d1: 990 good rows, 10 set aside (headrace datasets rejects flights d1) (2.0 s)",
        "prepare    11 columns profiled, rows split to train and to judge",
        "train      v2 by job j1: log_loss 0.5678 (6.0 s)",
        "gate       passed: log_loss <= 0.7 (0.5678)",
        "release    v2 is live (3.0 s)",
    ]


def test_a_watch_waits_through_every_state_that_is_not_at_rest(run: Run) -> None:
    slow = stage(
        versions=[{"versions": [], "next": None}, {"versions": [dataset("RECEIVED")], "next": None}],
        dataset=[dataset("RECEIVED"), dataset("VALIDATING"), dataset("READY")],
        jobs=[
            {"jobs": []},
            {"jobs": [job("PENDING", waiting_reason="quota of ml.m5.large")]},
            {"jobs": [job("RUNNING")]},
            {"jobs": [job("FINALISING")]},
            {"jobs": [job("SUCCEEDED")]},
        ],
        model=[model("REGISTERED"), model("APPROVED")],
        endpoint=[
            NOT_FOUND,
            endpoint(live="v1", candidate="v2", phase="CREATING"),
            endpoint(live="v2", candidate=None, live_since=AT.format(12)),
        ],
    )
    result = run(slow, "watch", "flights")
    assert result.exit_code == 0
    assert "PENDING, waiting: quota of ml.m5.large" in result.stderr
    assert "release v2: CREATING" in result.stderr


def test_rejected_data_ends_with_6_the_reason_and_the_sentence(run: Run) -> None:
    rejected = dataset("REJECTED", reason="missing_target", detail="There is no column 'late'.")
    result = run(stage(dataset=rejected), "watch", "flights")
    assert result.exit_code == 6
    assert (
        "d1 (incoming/flights/may.csv) was rejected: missing_target: There is no column 'late'."
        in result.stderr
    )


def test_data_that_could_not_be_processed_ends_with_1(run: Run) -> None:
    result = run(stage(dataset=dataset("FAILED", reason="timeout", detail="x")), "watch", "flights")
    assert result.exit_code == 1


@pytest.mark.parametrize("state", ["DEAD", "STOPPED"])
def test_a_training_that_ends_badly_ends_with_1_and_names_its_log(run: Run, state: str) -> None:
    result = run(stage(jobs={"jobs": [job(state, reason="AlgorithmError: no")]}), "watch", "flights")
    assert result.exit_code == 1
    assert f"j1 is {state}: AlgorithmError: no; see `headrace jobs log j1`" in result.stderr


@pytest.mark.parametrize("state", ["REJECTED", "NEEDS_PERSON"])
def test_a_gate_that_says_no_ends_with_4_and_its_failed_clauses(run: Run, state: str) -> None:
    refused = model(state, ("roc_auc >= 0.9", "failed", "0.61"), ("beats baseline", "passed", ""))
    result = run(stage(model=refused), "watch", "flights")
    assert result.exit_code == 4
    assert f"the gate says {state} to v2: roc_auc >= 0.9: 0.61" in result.stderr
    assert "log_loss 0.5678" in result.stderr


def test_a_release_that_failed_ends_with_1_and_says_what_is_live(run: Run) -> None:
    failed = endpoint(live="v1", outcome="FAILED", reason="golden rows differ", updated_at=AT.format(20))
    result = run(stage(endpoint=failed), "watch", "flights")
    assert result.exit_code == 1
    assert "the release of v2 ended FAILED: golden rows differ; live is v1" in result.stderr


def test_the_failure_of_an_earlier_release_is_not_taken_for_this_one(run: Run) -> None:
    earlier = endpoint(live="v1", outcome="FAILED", updated_at=AT.format(5))
    later = endpoint(live="v2", live_since=AT.format(12))
    assert run(stage(endpoint=[earlier, later]), "watch", "flights").exit_code == 0


def test_a_version_that_was_overtaken_ends_well(run: Run) -> None:
    result = run(stage(endpoint=endpoint(live="v10")), "watch", "flights", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["outcome"]) == (0, "superseded")


def test_a_duplicate_ends_at_once_and_names_the_first_by_its_alias(run: Run) -> None:
    fake = stage(dataset=dataset("READY", duplicate_of="first"))
    fake._answers["GET /datasets/flights/first"] = [dataset("READY", version="first", alias="d0")]
    result = run(fake, "watch", "flights", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["outcome"]) == (0, "duplicate")
    assert "d1 has the same bytes as d0: nothing is trained twice" in result.stderr


def test_a_pipeline_that_does_not_retrain_by_itself_is_not_waited_for(run: Run) -> None:
    definition = {"name": "flights", "definition": {"retrain": {"on": []}}}
    result = run(stage(jobs={"jobs": []}, pipeline=definition), "watch", "flights", "-o", "json")
    assert (result.exit_code, json.loads(result.stdout)["outcome"]) == (0, "untrained")


def test_a_model_that_waits_for_a_person_ends_well_and_says_so(run: Run) -> None:
    result = run(stage(model=model("PENDING_APPROVAL")), "watch", "flights")
    assert result.exit_code == 0
    assert "waits for a person's approval" in result.stderr


def test_a_watch_gives_up_in_time(run: Run) -> None:
    result = run(stage(jobs={"jobs": []}), "watch", "flights", "--timeout", "1")
    assert result.exit_code == 1
    assert "the training did not happen within 1 min 00 s" in result.stderr


def test_an_unknown_pipeline_without_data_ends_with_3(run: Run) -> None:
    result = run(FakeStage({"GET /datasets/nope": {"versions": []}}), "watch", "nope")
    assert result.exit_code == 3


def test_rejected_data_of_an_unknown_pipeline_is_shown(run: Run) -> None:
    rejected = dataset("REJECTED", reason="unknown_pipeline", detail="There is no pipeline 'nope'.")
    fake = FakeStage({"GET /datasets/nope": {"versions": [rejected]}, "GET /datasets/nope/abc": rejected})
    result = run(fake, "watch", "nope")
    assert result.exit_code == 6
    assert "unknown_pipeline" in result.stderr


def test_a_version_can_be_named_by_its_alias(run: Run) -> None:
    assert run(stage(), "watch", "flights", "--version", "d1").exit_code == 0
    assert run(stage(), "watch", "flights", "--version", "d9").exit_code == 3


def test_the_only_pipeline_need_not_be_named(run: Run) -> None:
    fake = stage()
    fake._answers["GET /pipelines"] = [{"pipelines": [{"pipeline": "flights"}]}]
    assert run(fake, "watch").exit_code == 0
    fake._answers["GET /pipelines"] = [{"pipelines": [{"pipeline": "a"}, {"pipeline": "b"}]}]
    assert run(fake, "watch").exit_code == 2
