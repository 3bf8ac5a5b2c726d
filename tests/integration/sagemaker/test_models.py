"""What a model's container serves: an archive or files in S3, and what becomes of an endpoint whose model is not there."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.sagemaker.harness import BUCKET, IMAGE, Cloud, refusal
from tests.integration.sagemaker.hosting import SAY, ask, configure, model, serve, variant

SCRIPT = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}


def loose(prefix: str, kind: str = "S3Prefix") -> dict[str, Any]:
    """Return the container of a model whose files lie under a prefix one by one."""
    source = {"S3Uri": f"s3://{BUCKET}/{prefix}", "S3DataType": kind, "CompressionType": "None"}
    return {"Image": IMAGE, "ModelDataSource": {"S3DataSource": source}, "Environment": SCRIPT}


def bring_up(cloud: Cloud, name: str) -> dict[str, Any]:
    """Make an endpoint of the model of the same name; return it once it serves or has failed."""
    configure(cloud, name, variant(name))
    cloud.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    return cloud.wait_for_endpoint(name)


def test_a_model_may_lie_in_s3_file_by_file(cloud: Cloud) -> None:
    cloud.put("loose/model/name", "loose")
    cloud.put("loose/model/code/inference.py", SAY)
    serve(cloud, "loose", variant(model(cloud, "loose", PrimaryContainer=loose("loose/model/"))))
    assert ask(cloud, "loose") == "loose got x"
    model(cloud, "loose-nothing", PrimaryContainer=loose("loose/nowhere/"))
    reason = bring_up(cloud, "loose-nothing")["FailureReason"]
    assert f"Could not find model data at s3://{BUCKET}/loose/nowhere/" in reason
    odd = refusal(lambda: model(cloud, "loose-odd", PrimaryContainer=loose("loose/model/", "S3Object")))
    assert (odd[0], "one archive (S3Object, Gzip)" in odd[1]) == ("ValidationException", True)


def test_a_missing_archive_makes_the_endpoint_failed_and_names_it(cloud: Cloud) -> None:
    model(cloud, "lost")
    cloud.s3.delete_object(Bucket=BUCKET, Key="lost/model.tar.gz")
    assert f"s3://{BUCKET}/lost/model.tar.gz" in bring_up(cloud, "lost")["FailureReason"]


def test_a_model_that_cannot_load_makes_the_endpoint_failed_and_that_can_only_be_deleted(
    cloud: Cloud,
) -> None:
    cloud.deploy("broken", "def model_fn(folder): raise RuntimeError('no model')")
    endpoint = cloud.wait_for_endpoint("broken")
    assert endpoint["EndpointStatus"] == "Failed"
    assert endpoint["FailureReason"] == (
        "The primary container for production variant AllTraffic did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )
    assert any("no model" in line for line in cloud.log_lines("/aws/sagemaker/Endpoints/broken"))
    with pytest.raises(ClientError, match="Endpoint broken of account 000000000000 not found"):
        ask(cloud, "broken")
    cloud.sagemaker.delete_endpoint(EndpointName="broken")
    cloud.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="broken", WaiterConfig={"Delay": 1})
