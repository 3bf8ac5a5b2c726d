"""An image of one's own trains and serves a recipe by its own entry points, here as on AWS."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from headrace.client.recipes import pack_recipe
from tests.integration.sagemaker.harness import BUCKET, Cloud, Server, channel, new_cloud
from tests.own_images import URI, own_image
from tests.own_recipes import constant_recipe

SIDES = {"train": (0, 240), "test": (240, 400)}
COLUMNS = {"id": "integer", "km": "integer", "late": "boolean"}
PARAMETERS = {
    "format": 1,
    "pipeline": "own",
    "task": "classification",
    "target": "late",
    "params": {},
    "seed": 42,
    "metrics": ["log_loss"],
    "schema": {"fields": [{"name": n, "type": t} for n, t in COLUMNS.items()]},
    "time": None,
    "key": "id",
    "drop": [],
    "champion": None,
}


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A server that knows our image and no other."""
    home = tmp_path_factory.mktemp("own-images")
    own_image(home / "images")
    server = Server(home, images=home / "images")
    yield new_cloud(server.url)
    server.stop()


def put_rows(cloud: Cloud, scratch: Path) -> None:
    """Upload rows of which one in eight is late."""
    for side, (first, last) in SIDES.items():
        file = scratch / f"{side}.parquet"
        rows = f"SELECT range AS id, range % 30 AS km, range % 8 = 0 AS late FROM range({first}, {last})"
        duckdb.sql(f"COPY ({rows}) TO '{file}' (FORMAT parquet)")
        cloud.put(f"own/{side}/part-0.parquet", file.read_bytes())


def golden_of(archive: bytes) -> list[bytes]:
    """Return the lines of golden.jsonl in a model.tar.gz."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.extractfile("golden.jsonl")
        return member.read().splitlines() if member else []


def trained(cloud: Cloud, scratch: Path) -> dict[str, Any]:
    """Train the constant recipe in the image, isolated, and return the job."""
    put_rows(cloud, scratch)
    cloud.put("own/parameters/parameters.json", json.dumps(PARAMETERS))
    recipe = pack_recipe(constant_recipe(scratch / "recipe"))
    cloud.put("own/recipe/sourcedir.tar.gz", recipe.content)
    names = {"code": "recipe", **{name: name for name in ("parameters", *SIDES)}}
    cloud.sagemaker.create_training_job(
        TrainingJobName="own",
        RoleArn="arn:aws:iam::000000000000:role/sagemaker",
        AlgorithmSpecification={
            "TrainingImage": URI,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "log_loss", "Regex": "metric: log_loss=([0-9.]+)"}],
        },
        HyperParameters={
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"/opt/ml/input/data/code/sourcedir.tar.gz"',
        },
        InputDataConfig=[channel(name, f"s3://{BUCKET}/own/{folder}/") for name, folder in names.items()],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/own/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 60},
        EnableNetworkIsolation=True,
    )
    return cloud.wait_for_job("own")


def test_a_recipe_is_trained_and_served_by_the_images_own_entry_points(cloud: Cloud, tmp_path: Path) -> None:
    job = trained(cloud, tmp_path)
    assert job["TrainingJobStatus"] == "Completed", job["FailureReason"]
    assert 0 < job["FinalMetricDataList"][0]["Value"] < 0.5
    key = job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix(f"s3://{BUCKET}/")
    rows = [json.loads(line) for line in golden_of(cloud.get(key))]

    container = {
        "Image": URI,
        "ModelDataUrl": f"s3://{BUCKET}/{key}",
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        },
    }
    role = "arn:aws:iam::000000000000:role/sagemaker"
    cloud.sagemaker.create_model(ModelName="own", ExecutionRoleArn=role, PrimaryContainer=container)
    variant = {
        "VariantName": "one",
        "ModelName": "own",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    cloud.sagemaker.create_endpoint_config(EndpointConfigName="own", ProductionVariants=[variant])
    cloud.sagemaker.create_endpoint(EndpointName="own", EndpointConfigName="own")
    endpoint = cloud.wait_for_endpoint("own")
    assert endpoint["EndpointStatus"] == "InService", endpoint.get("FailureReason")
    body = json.dumps({"records": [row["record"] for row in rows]})
    answer = cloud.runtime.invoke_endpoint(EndpointName="own", ContentType="application/json", Body=body)
    assert json.loads(answer["Body"].read())["predictions"] == [row["prediction"] for row in rows]
    with pytest.raises(cloud.runtime.exceptions.ModelError) as refused:
        cloud.runtime.invoke_endpoint(EndpointName="own", ContentType="text/csv", Body=b"1")
    assert refused.value.response["OriginalStatusCode"] == 415


def test_an_image_that_is_not_here_is_told_with_those_that_are(cloud: Cloud) -> None:
    cloud.train("absent", "print()", algorithm={"TrainingImage": URI.replace("0123", "9999")})
    assert "recipes@sha256:0123456789ab…" in cloud.wait_for_job("absent")["FailureReason"]
