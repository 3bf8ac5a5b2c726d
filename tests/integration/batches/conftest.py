"""The inference service's batches with tables in memory, and real S3 and SageMaker of the local cloud."""

from typing import Any

import msgspec
import pytest
from chalicelib.inference.transforms import SageMakerTransforms

from localcloud.control import Running
from shared.codec import to_row
from shared.objects import Bucket
from tests import clouds
from tests.integration.sagemaker.harness import IMAGE, Cloud, new_cloud, tar
from tests.unit.inference.fakes import Stage

DATA = "batch-data"
# Answers as our recipes do, with the distance as the value; one record it refuses, by another its server dies.
SCRIPT = """
import json, os
from flask import Response
def model_fn(folder): return None
def transform_fn(model, body, content_type, accept):
    records = json.loads(body)["records"]
    if any(record["distance"] == 1313 for record in records):
        return Response(json.dumps({"error": "1313"}), 400)
    if any(record["distance"] == 666000 for record in records):
        os._exit(1)
    if records[0]["distance"] == 0:
        import time; time.sleep(60)
    return json.dumps({"predictions": [{"value": record["distance"]} for record in records]}), accept
"""


@pytest.fixture(scope="session")
def cloud(local_cloud: Running) -> Cloud:
    """Clients of the running cloud."""
    cloud = new_cloud(local_cloud.url)
    cloud.s3.create_bucket(Bucket=DATA)
    cloud.s3.put_bucket_versioning(Bucket=DATA, VersioningConfiguration={"Status": "Enabled"})
    return cloud


class Signed:
    """The signature of every model holds; what a broken one does is told elsewhere."""

    def verify(self, _: Any) -> None:
        """Hold."""


@pytest.fixture
def stage(cloud: Cloud) -> Stage:
    """One stage with v1 live, whose large batches are from one byte on."""
    stage = Stage()
    model = stage.add_model("v1")
    uri = cloud.put("models/v1/model.tar.gz", tar({"code/inference.py": SCRIPT}))
    stage.models.put(to_row(msgspec.structs.replace(model, artifact_uri=uri, image_uri=IMAGE)))
    batching = stage.batching
    role = "arn:aws:iam::000000000000:role/sagemaker"
    signed: Any = Signed()
    stage.batching = msgspec.structs.replace(
        batching,
        bucket=Bucket(clouds.s3(cloud.url), DATA),
        transforms=SageMakerTransforms(clouds.client("sagemaker", cloud.url)),
        artifacts=signed,
        where=msgspec.structs.replace(batching.where, role_arn=role),
        transform_from_bytes=1,
    )
    return stage
