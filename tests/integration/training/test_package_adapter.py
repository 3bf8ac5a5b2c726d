"""The adapter of the model registry against moto's, where that keeps what AWS keeps."""

import boto3
from chalicelib.training.package_request import package_request, update_request
from chalicelib.training.packages import ModelPackages

from shared.entities.training import ModelState
from tests.unit.training.test_packages import judged

TAGS = {"headrace:pipeline": "flights"}


def test_a_package_is_made_with_its_group_described_and_updated() -> None:
    _, model = judged(release={"approval": "person"})
    client = boto3.client("sagemaker")
    packages = ModelPackages(client)
    arn = packages.create(package_request("test", model), TAGS)
    (group,) = client.list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert group["ModelPackageGroupName"] == "headrace-test-flights"
    made = packages.describe(arn)
    assert (made.pipeline, made.version, made.status) == ("flights", "v1", "PendingManualApproval")
    assert not made.was_changed
    client.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="yes"
    )
    assert packages.describe(arn).was_changed
    assert packages.describe(arn).description == "yes"
    assert update_request(made, model)["ModelApprovalStatus"] == "PendingManualApproval"
    assert model.state is ModelState.PENDING_APPROVAL
