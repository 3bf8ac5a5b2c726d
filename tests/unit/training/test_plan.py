"""What a job is: its window, its identity, its files and its request."""

import json
from typing import Any

import botocore.session
import botocore.validate
import msgspec
import pytest
from chalicelib.training.plan import Champion, TrainingPlan, Work, plan_training
from chalicelib.training.request import Place, training_request

from shared.entities.dataset import DatasetManifest
from shared.entities.pipeline import PipelineDefinition
from shared.parsing import convert
from tests.unit.training.world import DEFINITION, World, make_manifest

PLACE = Place(
    stage="test",
    role_arn="arn:aws:iam::000000000000:role/headrace-test-sagemaker",
    data_bucket="data",
    models_bucket="models",
)
CHAMPION = Champion(
    version="v1", trained_through="2026-01-01T00:00:00Z", artifact_key="models/flights/v1/model.tar.gz"
)


def manifests(*ordinals: int) -> tuple[DatasetManifest, ...]:
    return tuple(make_manifest("flights", n, f"2026-01-{n:02d}T00:00:00Z") for n in ordinals)


def work_of(
    *ordinals: int, trigger: str = "", definition: dict[str, Any] | None = None, **changes: Any
) -> Work:
    kind: Any = PipelineDefinition
    inputs: dict[str, Any] = {
        "definition": convert(DEFINITION | (definition or {}), kind),
        "trigger": trigger or f"d{ordinals[-1]}",
        "manifests": manifests(*ordinals),
        "recipe_sha256": "c" * 64,
        "image_uri": "registry/sagemaker-scikit-learn:1.9-0",
        "champion": None,
        **changes,
    }
    return Work(**inputs)


def planned(*ordinals: int, **changes: Any) -> TrainingPlan:
    return plan_training(work_of(*ordinals, **changes))


@pytest.mark.parametrize(
    ("history", "window"),
    [
        ("all", ("d1", "d2", "d3")),
        ("last 2", ("d2", "d3")),
        ("last 9", ("d1", "d2", "d3")),
        ("replace", ("d3",)),
    ],
)
def test_the_history_cuts_the_window(history: str, window: tuple[str, ...]) -> None:
    plan = planned(1, 2, 3, definition={"data": {"history": history}})
    assert plan.dataset_versions == window


def test_an_old_month_that_arrives_late_trains_and_the_newest_month_judges() -> None:
    late = make_manifest("flights", 4, "2025-12-31T00:00:00Z")
    plan = planned(1, 2, trigger="d4", manifests=(*manifests(1, 2), late))
    assert plan.dataset_versions == ("d4", "d1", "d2")
    assert plan.channels["test"] == ("datasets/flights/d2/test/part-0.parquet",)
    assert plan.dataset_version == "d4"


def test_older_versions_train_whole_and_the_newest_keeps_its_sides() -> None:
    channels = planned(1, 2).channels
    assert channels["train"] == (
        "datasets/flights/d1/train/part-0.parquet",
        "datasets/flights/d1/validation/part-0.parquet",
        "datasets/flights/d1/test/part-0.parquet",
        "datasets/flights/d2/train/part-0.parquet",
    )
    assert channels["validation"] == ("datasets/flights/d2/validation/part-0.parquet",)


def test_a_channel_without_parts_is_left_out() -> None:
    (manifest,) = manifests(1)
    trimmed = msgspec.structs.replace(
        manifest, parts=tuple(part for part in manifest.parts if part.side != "validation")
    )
    plan = planned(1, manifests=(trimmed,))
    names = [c["ChannelName"] for c in training_request(plan, 1, PLACE)["InputDataConfig"]]
    assert names == ["code", "parameters", "train", "test"]


@pytest.mark.parametrize(
    "changes",
    [
        {"recipe_sha256": "d" * 64},
        {"image_uri": "registry/other:1"},
        {"champion": CHAMPION},
        {"definition": {"model": {"preset": "good"}}},
        {"definition": {"model": {"tune": {"trials": 9}}}},
        {"definition": {"split": {"by": "time", "seed": 7}}},
        {"manifests": manifests(1, 3), "trigger": "d3"},
    ],
)
def test_whatever_changes_the_model_changes_the_job(changes: dict[str, Any]) -> None:
    assert planned(1, 2, **changes).job_id != planned(1, 2).job_id


@pytest.mark.parametrize(
    "definition",
    [
        {"gate": ["roc_auc >= 0.9"]},
        {"train": {"instance": "ml.m5.xlarge"}},
        {"release": {"approval": "person"}},
    ],
)
def test_what_does_not_change_the_model_does_not_change_the_job(definition: dict[str, Any]) -> None:
    assert planned(1, 2, definition=definition).job_id == planned(1, 2).job_id


def test_the_parameters_are_what_the_recipe_reads() -> None:
    parameters = planned(1, champion=CHAMPION).parameters
    assert parameters == {
        "format": 1,
        "pipeline": "flights",
        "task": "classification",
        "target": "late",
        "recipe": "auto",
        "preset": "fast",
        "params": {},
        "seed": 42,
        "metrics": ["roc_auc", "log_loss"],
        "schema": make_manifest("flights", 1, "x").schema,
        "time": "departed_at",
        "key": None,
        "drop": [],
        "split": {"by": "time"},
        "champion": {"version": "v1", "trained_through": "2026-01-01T00:00:00Z"},
        "min_rows": 200,
        "max_minutes": 30,
    }


@pytest.mark.parametrize("champion", [None, CHAMPION])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_the_request_is_one_that_botocore_accepts(champion: Champion | None, task: str) -> None:
    plan = planned(1, 2, champion=champion, definition={"task": task})
    request = training_request(plan, 3, PLACE)
    service = botocore.session.get_session().get_service_model("sagemaker")
    shape = service.operation_model("CreateTrainingJob").input_shape
    report = botocore.validate.ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()
    assert request["TrainingJobName"] == f"headrace-test-{plan.job_id}-a3"
    assert len(request["TrainingJobName"]) <= 63


def test_the_request_isolates_the_job_and_names_its_inputs() -> None:
    plan = planned(1)
    request = training_request(plan, 1, PLACE)
    tags = {tag["Key"].removeprefix("headrace:"): tag["Value"] for tag in request["Tags"]}
    assert request["EnableNetworkIsolation"] is True
    assert tags == {
        "stage": "test",
        "pipeline": "flights",
        "job_id": plan.job_id,
        "input_sha256": plan.input_sha256,
    }
    assert {name: json.loads(value) for name, value in request["HyperParameters"].items()} == {
        "sagemaker_program": "train.py",
        "sagemaker_submit_directory": "/opt/ml/input/data/code/sourcedir.tar.gz",
    }
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 1800}
    assert {"Name": "log_loss", "Regex": "metric: log_loss=([-+0-9.eE]+)"} in request[
        "AlgorithmSpecification"
    ]["MetricDefinitions"]


@pytest.mark.parametrize(
    ("instance", "vcpus"),
    [("ml.m5.large", 2), ("ml.m5.xlarge", 4), ("ml.m5.12xlarge", 48), ("ml.t3.medium", 2), ("ml.x.odd", 2)],
)
def test_threads_are_capped_to_the_instance(instance: str, vcpus: int) -> None:
    plan = msgspec.structs.replace(planned(1), instance=instance)
    assert training_request(plan, 1, PLACE)["Environment"]["OMP_NUM_THREADS"] == str(vcpus)


def test_a_manifest_lists_each_part_under_its_version() -> None:
    world = World()
    world.ready(world.dataset(1))
    job_id = world.only_job().job_id
    manifest = json.loads(world.data.read(f"jobs/{job_id}/train.manifest"))
    assert manifest == [{"prefix": "s3://data/datasets/"}, "flights/d1/train/part-0.parquet"]
    assert json.loads(world.data.read(f"jobs/{job_id}/parameters.json"))["target"] == "late"


def test_the_recipe_is_told_the_column_that_keeps_groups_apart() -> None:
    (manifest,) = manifests(1)
    split = msgspec.structs.replace(manifest.split, by="group(shop)")
    plan = planned(1, manifests=(msgspec.structs.replace(manifest, split=split),))
    assert plan.parameters["split"] == {"by": "group", "group": "shop"}
