"""A file that a function cannot finish is made a dataset by a processing job, the very same one."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Pipelines
from tests.e2e.data import deliveries
from tests.e2e.variables import variables
from tests.stage import Stage, eventually

FUNCTIONS = [
    f"headrace-ingest-local-{name}"
    for name in ("on_object_created", "on_processing_job_state_change", "reconcile")
]
ROWS = 170_000
BUCKET = "headrace-local-000000000000-data"


@pytest.fixture(scope="module")
def upload() -> bytes:
    return deliveries(77, ROWS)


@pytest.fixture(scope="module")
def by_function(pipelines: Pipelines, upload: bytes) -> dict[str, Any]:
    """The version that a function makes of the file."""
    name = pipelines.create("bulk-function", retrain={"on": []})
    pipelines.stage.put_object(name, "bulk.csv", upload)
    return pipelines.settled(name, "bulk.csv")


@pytest.fixture(scope="module")
def by_job(pipelines: Pipelines, upload: bytes, by_function: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The version that a processing job makes of the same file, under a lowered limit."""
    assert len(upload) > 4_000_000
    name = pipelines.create("bulk-job")
    with variables(pipelines.stage, FUNCTIONS, MAX_FUNCTION_BYTES="1000000"):
        pipelines.stage.put_object(name, "bulk.csv", upload)
        yield pipelines.settled(name, "bulk.csv")


def manifest(stage: Stage, pipeline: str, version: dict[str, Any]) -> dict[str, Any]:
    key = f"datasets/{pipeline}/{version['version']}/manifest.json"
    body = stage.aws("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    found: dict[str, Any] = json.loads(body)
    return found


def test_a_file_over_the_limit_is_ready_through_a_processing_job(
    stage: Stage, by_job: dict[str, Any]
) -> None:
    assert (by_job["state"], by_job["row_count"]) == ("READY", ROWS), by_job
    name = f"headrace-local-ingest-{by_job['version']}-a1"
    job = stage.aws("sagemaker").describe_processing_job(ProcessingJobName=name)
    assert job["ProcessingJobStatus"] == "Completed"
    assert job["NetworkConfig"] == {"EnableNetworkIsolation": True}


def test_the_job_makes_the_dataset_that_the_function_makes(
    stage: Stage, by_function: dict[str, Any], by_job: dict[str, Any]
) -> None:
    assert by_function["state"] == "READY", by_function
    one = manifest(stage, "bulk-function", by_function)
    other = manifest(stage, "bulk-job", by_job)
    assert [part["sha256"] for part in one["parts"]] == [part["sha256"] for part in other["parts"]]
    assert [(part["side"], part["rows"]) for part in one["parts"]] == [
        (part["side"], part["rows"]) for part in other["parts"]
    ]
    for member in ("rows", "schema", "schema_sha256", "split"):
        assert one[member] == other[member]
    profiles = [
        stage.get(f"/v1/datasets/{pipeline}/{version['version']}/profile")
        for pipeline, version in (("bulk-function", by_function), ("bulk-job", by_job))
    ]
    assert profiles[0] == profiles[1]


def test_nothing_staged_for_the_job_is_left(stage: Stage, by_job: dict[str, Any]) -> None:
    prefix = f"staging/bulk-job/{by_job['version']}/"

    def gone() -> bool:
        listed = stage.aws("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        return bool(listed["KeyCount"] == 0)

    assert eventually(gone, within_s=30)


def test_what_the_job_made_is_trained(pipelines: Pipelines, by_job: dict[str, Any]) -> None:
    def trained() -> bool:
        return any(job["state"] == "SUCCEEDED" for job in pipelines.jobs("bulk-job"))

    assert by_job["state"] == "READY"
    assert eventually(trained, within_s=240)
