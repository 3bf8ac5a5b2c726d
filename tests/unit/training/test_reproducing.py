"""A model version can be trained again from what it was trained from; what differs is named."""

import json
from typing import Any

import pytest
from chalicelib.training.reproduction import Run, compare_runs
from chalicelib.training.workflow.reproducing import read_reproduction, request_reproduction

from shared.entities.training import JobPurpose, JobState
from shared.errors import Conflict, NotFound
from tests.unit.training.world import World, make_archive, make_documents, make_evaluation

GOLDEN = b"".join(
    json.dumps({"record": {"x": n}, "prediction": {"value": True, "scores": {"true": 0.1 * n}}}).encode()
    + b"\n"
    for n in range(5)
)


def documents(**changes: bytes) -> dict[str, bytes]:
    return (
        make_documents()
        | {"golden.jsonl": GOLDEN}
        | {name.replace("__", "."): b for name, b in changes.items()}
    )


def trained(**evaluation: Any) -> World:
    """Return a world with a model whose evaluation has these members."""
    world = World()
    world.models_bucket.write(f"code/{'c' * 64}/sourcedir.tar.gz", b"recipe")
    dataset = world.dataset(1)
    for side in ("train", "validation", "test"):
        world.data.write(f"datasets/flights/d1/{side}/part-0.parquet", b"rows")
    world.ready(dataset)
    job = world.only_job()
    told = {"evaluation__json": json.dumps(make_evaluation(**evaluation)).encode()} if evaluation else {}
    world.complete(job, make_archive(documents=documents(**told)))
    world.changed(job)
    return world


def reproduced(world: World, archive: bytes) -> Any:
    (model,) = world.models()
    asked = request_reproduction(world.ports, model)
    job = world.ports.jobs.get(asked.job_id)
    world.complete(job, archive)
    world.changed(job)
    return read_reproduction(world.ports, model, asked.job_id)


def test_the_same_files_again_are_identical_and_make_no_model_and_no_event() -> None:
    world = trained()
    told = len(world.bus.events)
    found = reproduced(world, make_archive(documents=dict(reversed(documents().items()))))
    assert (found.state, found.report.outcome, found.report.reasons) == ("SUCCEEDED", "identical", ())
    # The order of an archive is of its making; the files that answer are the same.
    assert found.report.model_files.is_same
    assert [model.version for model in world.models()] == ["v1"]
    assert {type(event).__name__ for event in world.bus.events[told:]} == {"TrainingJobStarted"}
    assert world.ports.jobs.is_trained("flights", "d1")


def test_a_repetition_trains_on_exactly_the_recorded_inputs_whatever_the_pipeline_says_now() -> None:
    world = trained()
    world.define(target="arrived", gate=[])
    world.dataset(2)
    world.go_live("v1")
    (model,) = world.models()
    asked = request_reproduction(world.ports, model)
    job = world.ports.jobs.get(asked.job_id)
    assert (job.purpose, job.subject, job.state) == (JobPurpose.REPRODUCE, "v1", JobState.RUNNING)
    first, again = world.sagemaker.created
    same = ("AlgorithmSpecification", "HyperParameters", "ResourceConfig", "EnableNetworkIsolation")
    assert {name: first[name] for name in same} == {name: again[name] for name in same}
    plan, old = (world.ports.job_files.read(j) for j in (asked.job_id, model.job_id))
    assert (plan.channels, plan.parameters, plan.recipe_sha256) == (
        old.channels,
        old.parameters,
        old.recipe_sha256,
    )
    assert request_reproduction(world.ports, model).job_id == asked.job_id


def test_done_again_it_is_another_job_with_a_report_of_its_own() -> None:
    world = trained()
    first = reproduced(world, make_archive(documents=documents()))
    second = reproduced(world, make_archive(documents=documents()))
    assert first.job_id != second.job_id
    (model,) = world.models()
    kept: Any = read_reproduction(world.ports, model, first.job_id)
    assert kept.report.job_id == first.job_id


def test_inputs_that_are_gone_are_named_and_nothing_is_trained() -> None:
    world = trained()
    world.data.delete("datasets/flights/d1/train/part-0.parquet")
    world.models_bucket.delete(f"code/{'c' * 64}/sourcedir.tar.gz")
    (model,) = world.models()
    with pytest.raises(
        Conflict, match=r"gone are s3://models/code/c+/sourcedir.tar.gz, s3://data/datasets/flights/d1/train"
    ):
        request_reproduction(world.ports, model)
    assert len(world.sagemaker.created) == 1


def test_an_original_that_is_not_what_was_signed_compares_with_nothing() -> None:
    world = trained()
    version, _, at = world.models_bucket.versions["models/flights/v1/model.tar.gz"][-1]
    forged = make_archive(documents=documents(model__skops=b"evil"))
    world.models_bucket.versions["models/flights/v1/model.tar.gz"][-1] = (version, forged, at)
    found = reproduced(world, make_archive(documents=documents()))
    assert found.state == "DEAD"
    assert "is not the file that was signed" in found.reason


def test_a_repetition_that_failed_is_tried_again_by_asking_again() -> None:
    world = trained()
    (model,) = world.models()
    asked = request_reproduction(world.ports, model)
    job = world.ports.jobs.get(asked.job_id)
    world.sagemaker.move(world.name(job), "Failed", reason="AlgorithmError: x")
    world.changed(job)
    again = request_reproduction(world.ports, model)
    assert (again.job_id, again.state) == (asked.job_id, "RUNNING")
    with pytest.raises(NotFound):
        read_reproduction(world.ports, model, model.job_id)


def run(members: dict[str, str] | None = None, **changes: bytes) -> Run:
    return Run(
        members={"model.skops": "a", "evaluation.json": "b"} | (members or {}), documents=documents(**changes)
    )


def evaluation(**metrics: float | None) -> bytes:
    scores = {"challenger": {"log_loss": 0.56, "roc_auc": 0.7, **metrics}, "champion": None, "baseline": {}}
    return json.dumps(make_evaluation(metrics=scores)).encode()


def compared(again: Run, original: Run | None = None) -> Any:
    return compare_runs("flights", "v1", "j", original or run(), again)


def test_what_is_only_told_about_a_run_may_differ() -> None:
    told = {"evaluation.json": "other", "card.md": "other", "plots/roc.vl.json": "other"}
    timed = run(evaluation__json=evaluation(latency_p95_ms=3.0))
    assert compared(run(told, evaluation__json=evaluation(latency_p95_ms=9.0)), timed).outcome == "identical"


def test_other_bytes_with_the_same_answers_are_equivalent_and_the_files_are_named() -> None:
    found = compared(
        run({"model.skops": "z", "seen_rows.npy": "y"}, evaluation__json=evaluation(log_loss=0.56 + 1e-9))
    )
    assert found.outcome == "equivalent"
    assert found.model_files.differing == ("model.skops", "seen_rows.npy")
    assert found.model_files.was_sha256 != found.model_files.now_sha256


def test_metrics_answers_and_libraries_that_differ_are_named_with_both_values() -> None:
    now = GOLDEN.replace(b"0.1}", b"0.2}")
    versions = json.dumps({"python": "3.12.1", "packages": {"numpy": "3.0.0", "new": "1"}}).encode()
    found = compared(
        run(
            {"model.skops": "z"},
            evaluation__json=evaluation(log_loss=0.6, roc_auc=None),
            golden__jsonl=now,
            versions__json=versions,
        )
    )
    assert found.outcome == "different"
    assert found.libraries == {"new": (None, "1"), "numpy": ("2.5.1", "3.0.0")}
    assert found.predictions.differing == 1
    assert found.predictions.largest_difference == pytest.approx(0.1)
    assert found.reasons == (
        "new was absent, is 1",
        "numpy was 2.5.1, is 3.0.0",
        "other bytes in: model.skops",
        "log_loss was 0.56, is 0.6",
        "roc_auc was 0.7, is None",
        "1 of 5 golden rows are answered otherwise",
    )


def test_a_flipped_answer_and_missing_rows_count() -> None:
    assert compared(run(golden__jsonl=GOLDEN.replace(b"true, ", b"false, ", 1))).predictions.differing == 1
    assert compared(run(golden__jsonl=b"".join(GOLDEN.splitlines(True)[:3]))).predictions.differing == 2


def test_a_repetition_takes_the_settings_that_the_first_run_chose_instead_of_searching() -> None:
    chosen = {"format": 1, "candidates": 12, "fits": 3, "ended_early": True, "chosen": {"max_leaf_nodes": 8}}
    world = trained(search=chosen)
    (model,) = world.models()
    asked = request_reproduction(world.ports, model)
    assert world.ports.job_files.read(asked.job_id).parameters["search"] == chosen
