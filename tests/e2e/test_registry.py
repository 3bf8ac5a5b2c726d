"""A model version's record: traced to its upload, trained again to the same bytes, approved in SageMaker."""

import json
from typing import Any

from tests.e2e.conftest import Pipelines
from tests.e2e.data import RECORD, deliveries
from tests.stage import Stage, eventually

NAME = "registered"
ACCOUNT = "arn:aws:sagemaker:us-east-1:000000000000"


def waiting(stage: Stage) -> dict[str, Any]:
    """Return v1 once it waits for a person and its package is written."""

    def probe() -> dict[str, Any] | None:
        status, _, model = stage.request("GET", f"/v1/models/{NAME}/v1")
        if status != 200 or model["state"] != "PENDING_APPROVAL":
            return None
        lineage = stage.get(f"/v1/models/{NAME}/v1/lineage")
        return lineage if lineage["package_arn"] else None

    return eventually(probe, within_s=120) or {}


def test_a_version_is_traced_reproduced_and_released_by_an_approval_in_sagemaker(
    stage: Stage, pipelines: Pipelines
) -> None:
    pipelines.create(NAME, release={"approval": "person"})
    stage.put_object(NAME, "january.csv", deliveries(1))
    lineage = waiting(stage)
    assert [check for check in lineage["checks"] if not check["holds"]] == []
    head = stage.aws("s3").head_object(
        Bucket="headrace-local-000000000000-incoming", Key=f"incoming/{NAME}/january.csv"
    )
    (dataset,) = lineage["datasets"]
    assert dataset["raw"]["version_id"] == head["VersionId"]
    assert dataset["raw"]["size_bytes"] == head["ContentLength"]

    done = stage.headrace("models", "reproduce", NAME, "v1", "-o", "json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert (report["outcome"], report["reasons"], report["libraries"]) == ("identical", [], {})
    assert report["model_files"]["was_sha256"] == report["model_files"]["now_sha256"]
    assert report["predictions"]["largest_difference"] == 0
    assert [model["version"] for model in stage.get(f"/v1/models/{NAME}")["versions"]] == ["v1"]

    assert lineage["package_arn"] == f"{ACCOUNT}:model-package/headrace-local-{NAME}/1"
    sagemaker = stage.aws("sagemaker")
    package = sagemaker.describe_model_package(ModelPackageName=lineage["package_arn"])
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    sagemaker.update_model_package(
        ModelPackageArn=lineage["package_arn"],
        ModelApprovalStatus="Approved",
        ApprovalDescription="the plots look right",
    )
    pipelines.live(NAME, "v1")
    model = stage.get(f"/v1/models/{NAME}/v1")
    assert model["state"] == "APPROVED"
    assert model["reasons"][-1].endswith("in SageMaker: the plots look right")

    _, _, answer = stage.request("POST", f"/v1/predictions/{NAME}", {"records": [RECORD]})
    prediction = answer["predictions"][0]["id"]
    # It is on record once the log has brought it into the table.
    eventually(lambda: stage.request("GET", f"/v1/predictions/{NAME}/{prediction}")[0] == 200)
    traced = stage.headrace("models", "lineage", NAME, "--prediction", prediction, "-o", "json")
    assert traced.returncode == 0, traced.stderr
    assert json.loads(traced.stdout)["datasets"][0]["raw"]["sha256"] == dataset["raw"]["sha256"]
