"""The main path, told once, and what a second telling of any event must not change."""

import base64
import hashlib
import itertools
import json
from typing import Any

import pytest
from chalicelib.training.sagemaker import Described

from shared.entities.training import JobState, ModelState
from shared.errors import Unavailable
from shared.events import (
    DatasetVersionReady,
    ModelVersionApproved,
    TrainingJobFailed,
    TrainingJobStarted,
)
from tests.unit.training.world import World, make_archive, make_evaluation


def test_new_data_becomes_an_approved_model_version() -> None:
    world = World()
    world.ready(world.dataset(1))
    job = world.only_job()
    assert job.state is JobState.RUNNING
    assert len(world.sagemaker.created) == 1

    world.complete(job)
    world.changed(job)

    job, (model,) = world.only_job(), world.models()
    assert (job.state, job.number, job.attention) == (JobState.SUCCEEDED, 1, None)
    assert (model.state, model.version, model.attention) == (ModelState.APPROVED, "v1", None)
    assert [type(event) for event in world.bus.events] == [TrainingJobStarted, ModelVersionApproved]
    assert model.metrics == {"log_loss": 0.56, "roc_auc": 0.7, "latency_p95_ms": 4.0}


def test_the_manifest_names_every_file_by_its_hash_and_is_what_was_signed() -> None:
    world = World()
    world.ready(world.dataset(1))
    world.complete(world.only_job())
    world.changed(world.only_job())

    (model,) = world.models()
    body = world.models_bucket.read("models/flights/v1/manifest.json")
    manifest = json.loads(body)
    for file in [manifest["artifact"], *manifest["files"]]:
        assert hashlib.sha256(world.models_bucket.read(file["key"])).hexdigest() == file["sha256"]
        # S3 was told the hash: it compared it with what arrived, and lineage compares it without a download.
        kept = world.models_bucket.head(file["key"]).checksum_sha256
        assert base64.b64decode(kept or "").hex() == file["sha256"]
    assert world.signer.digests == [hashlib.sha256(body).digest()]
    assert world.models_bucket.read("models/flights/v1/manifest.sig") == base64.b64decode(
        model.manifest_signature
    )
    assert "models/flights/v1/plots/calibration.vl.json" in world.models_bucket.versions


def test_the_second_model_is_compared_with_the_live_one() -> None:
    world = World()
    world.ready(world.dataset(1))
    world.complete(world.only_job())
    world.changed(world.only_job())
    world.go_live("v1")

    world.ready(world.dataset(2))
    second = world.jobs()[-1]
    request = world.sagemaker.created[-1]
    channels = {
        c["ChannelName"]: c["DataSource"]["S3DataSource"]["S3Uri"] for c in request["InputDataConfig"]
    }
    assert second.champion == "v1"
    assert channels["champion"] == "s3://models/models/flights/v1/model.tar.gz"
    better = {"log_loss": {"estimate": -0.01, "low": -0.02, "high": 0.004}}
    evaluation = make_evaluation(
        differences={"champion": better, "baseline": make_evaluation()["differences"]["baseline"]},
        champion_version="v1",
    )
    world.complete(second, make_archive(evaluation))
    world.changed(second)
    assert [model.state for model in world.models()] == [ModelState.APPROVED, ModelState.APPROVED]
    assert world.models()[-1].evaluated_champion == "v1"


@pytest.mark.parametrize("order", list(itertools.permutations(["ready", "ready", "changed", "tick", "done"])))
def test_any_order_and_number_of_events_trains_once(order: tuple[str, ...]) -> None:
    world = World()
    dataset = world.dataset(1)
    for step in order:
        job = world.jobs()[0] if world.jobs() else None
        if step == "ready":
            world.ready(dataset)
        elif step == "tick":
            world.tick()
        elif job and step == "changed":
            world.changed(job)
        elif job and step == "done" and world.name(job) in world.sagemaker.running:
            world.complete(job)
    job = world.only_job()
    if world.name(job) in world.sagemaker.running:
        world.complete(job)
    world.tick()
    world.changed(job)
    world.ready(dataset)

    assert len(world.sagemaker.created) == 1
    assert [model.version for model in world.models()] == ["v1"]
    assert world.only_job().state is JobState.SUCCEEDED
    assert len(world.bus.named(ModelVersionApproved)) == 1


def test_data_told_again_after_a_release_is_not_trained_again() -> None:
    world = World()
    dataset = world.dataset(1)
    world.ready(dataset)
    world.complete(world.only_job())
    world.changed(world.only_job())
    world.go_live("v1")

    world.ready(dataset)
    world.tick()
    assert len(world.sagemaker.created) == 1


def test_data_told_twice_at_once_is_trained_once_whoever_goes_live_between(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    world.dataset(1)
    world.ready(world.dataset(2))
    world.complete(world.only_job())
    world.changed(world.only_job())
    third, create = world.dataset(3), world.ports.jobs.create

    def overtaken(*args: Any, **named: Any) -> None:
        monkeypatch.undo()
        world.go_live("v1")
        world.ready(third)
        create(*args, **named)

    monkeypatch.setattr(world.ports.jobs, "create", overtaken)
    world.ready(third)
    assert [job.champion for job in world.jobs() if job.dataset_version == "d3"] == ["v1"]


def test_a_duplicate_of_another_dataset_version_is_not_trained() -> None:
    world = World()
    world.ready(world.dataset(1))
    world.ready(world.dataset(2, duplicate_of="d1"))
    assert [job.dataset_version for job in world.jobs()] == ["d1"]


def test_a_lost_event_about_new_data_is_mended_within_a_tick() -> None:
    world = World()
    world.dataset(1)
    world.tick()
    assert world.only_job().state is JobState.RUNNING


def test_data_of_a_pipeline_that_does_not_retrain_waits_for_a_person() -> None:
    world = World(retrain={"on": []})
    world.ready(world.dataset(1))
    world.tick()
    assert world.jobs() == []


def test_an_event_about_a_job_of_another_stage_is_ignored() -> None:
    from chalicelib.training.workflow import triggers

    world = World()
    world.ready(world.dataset(1))
    job = world.only_job()
    world.complete(job)
    triggers.on_training_job_state_change(world.ports, f"headrace-other-{job.job_id}-a1")
    triggers.on_training_job_state_change(world.ports, "somebody-elses-job")
    assert world.only_job().state is JobState.RUNNING


def test_an_event_without_a_pipeline_is_dropped_and_not_retried() -> None:
    from chalicelib.training.workflow import triggers

    event = DatasetVersionReady(
        pipeline="nobody", version="d1", ordinal=1, manifest_uri="s3://data/x", row_count=1
    )
    world = World()
    triggers.on_dataset_version_ready(world.ports, event)
    assert world.jobs() == []


def test_a_job_that_fails_is_told_once_with_its_reason() -> None:
    world = World()
    world.ready(world.dataset(1))
    job = world.only_job()
    world.sagemaker.move(world.name(job), "Failed", reason="AlgorithmError: no rows in /opt/ml/input/data")
    for _ in range(2):
        world.changed(job)
        world.tick()
    (event,) = world.bus.named(TrainingJobFailed)
    assert "AlgorithmError: no rows in <path>" in str(event)
    assert world.only_job().attention is None


@pytest.mark.parametrize("failure", [Unavailable("SageMaker is slow"), ValueError("nobody foresaw this")])
def test_one_row_that_fails_does_not_keep_a_tick_from_the_others(failure: Exception) -> None:
    world = World(quota=2)
    for ordinal in (1, 2):
        world.ready(world.dataset(ordinal))
    first, second = sorted(world.jobs(), key=lambda job: job.created_at + job.job_id)
    describe = world.sagemaker.describe

    def failing_for_the_first(name: str) -> Described:
        if name == world.name(first):
            raise failure
        return describe(name)

    world.sagemaker.describe = failing_for_the_first  # type: ignore[method-assign]
    world.sagemaker.move(world.name(second), "Failed", reason="AlgorithmError: no target")
    world.tick()
    assert world.ports.jobs.get(second.job_id).state is JobState.DEAD
    assert world.ports.jobs.get(first.job_id).state is JobState.RUNNING
