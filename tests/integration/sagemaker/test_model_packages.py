"""The model registry as unmodified boto3 sees it (conformance item 18)."""

from typing import Any

import msgspec
import pytest
from botocore.exceptions import ClientError
from chalicelib.training.package_request import package_request, update_request
from chalicelib.training.packages import ModelPackages

from shared.entities.training import ModelState
from shared.errors import NotFound
from tests.integration.sagemaker.harness import IMAGE, Cloud, refusal
from tests.integration.sagemaker.test_events import queue_for, received
from tests.integration.sagemaker.test_permissions import denial, user
from tests.unit.training.test_packages import judged

ARN = "arn:aws:sagemaker:us-east-1:000000000000"


def group(cloud: Cloud, name: str, **more: Any) -> Any:
    """Make a group and return a client that checks its parameters, as users' do."""
    client = cloud.client("sagemaker")
    answer = client.create_model_package_group(ModelPackageGroupName=name, **more)
    assert answer["ModelPackageGroupArn"] == f"{ARN}:model-package-group/{name.lower()}"
    return client


def create(client: Any, name: str, **more: Any) -> str:
    specification = {
        "Containers": [{"Image": IMAGE, "ModelDataUrl": "s3://models/model.tar.gz"}],
        "SupportedContentTypes": ["application/json"],
        "SupportedResponseMIMETypes": ["application/json"],
    }
    request = {"ModelPackageGroupName": name, "InferenceSpecification": specification}
    return str(client.create_model_package(**(request | more))["ModelPackageArn"])


def test_versions_are_numbered_per_group_and_a_deleted_number_is_not_given_again(cloud):
    client = group(cloud, "Numbered")
    group(cloud, "other")
    assert create(client, "Numbered") == f"{ARN}:model-package/numbered/1"
    second = create(client, f"{ARN}:model-package-group/numbered")
    assert second == f"{ARN}:model-package/numbered/2"
    assert create(client, "other").endswith("other/1")
    client.delete_model_package(ModelPackageName=second)
    assert create(client, "Numbered").endswith("numbered/3")
    missing = refusal(client.describe_model_package, ModelPackageName=second)
    assert missing == ("ValidationException", f"ModelPackage {second} does not exist.")


def test_a_package_is_described_with_what_it_was_given_and_waits_for_approval(cloud):
    client = group(cloud, "described")
    arn = create(
        client, "described", ModelPackageDescription="first", CustomerMetadataProperties={"job": "abc"}
    )
    package = client.describe_model_package(ModelPackageName=arn)
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert (package["ModelPackageGroupName"], package["ModelPackageVersion"]) == ("described", 1)
    assert package["ModelPackageStatus"] == "Completed"
    assert package["ModelPackageStatusDetails"] == {"ValidationStatuses": [], "ImageScanStatuses": []}
    assert package["CustomerMetadataProperties"] == {"job": "abc"}
    assert package["InferenceSpecification"]["Containers"][0]["Image"] == IMAGE
    # AWS gives a version of a group no name of its own.
    assert "ModelPackageName" not in package
    assert client.describe_model_package(ModelPackageName="described/1")["ModelPackageArn"] == arn


def test_an_update_changes_what_it_names_and_keeps_every_other_member(cloud):
    client = group(cloud, "updated")
    arn = create(client, "updated", CustomerMetadataProperties={"a": "1", "b": "2"})
    before = client.describe_model_package(ModelPackageName=arn)
    client.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Approved",
        ApprovalDescription="checked by hand",
        CustomerMetadataProperties={"b": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )
    after = client.describe_model_package(ModelPackageName=arn)
    assert (after["ModelApprovalStatus"], after["ApprovalDescription"]) == ("Approved", "checked by hand")
    assert after["CustomerMetadataProperties"] == {"b": "3"}
    assert after["LastModifiedBy"] == {"IamIdentity": {"Arn": "arn:aws:iam::000000000000:root"}}
    same = ("InferenceSpecification", "ModelPackageVersion", "CreationTime", "CreatedBy")
    assert {name: after[name] for name in same} == {name: before[name] for name in same}
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    assert client.describe_model_package(ModelPackageName=arn)["ApprovalDescription"] == "checked by hand"


def test_the_same_client_token_gives_the_same_version(cloud):
    client = group(cloud, "tokens")
    first = create(client, "tokens", ClientToken="t" * 36)
    assert create(client, "tokens", ClientToken="t" * 36) == first
    assert create(client, "tokens", ClientToken="u" * 36).endswith("tokens/2")


def test_lists_page_filter_and_leave_out_versions_where_no_group_is_named(cloud):
    client = group(cloud, "listed")
    arns = [create(client, "listed") for _ in range(5)]
    client.update_model_package(ModelPackageArn=arns[1], ModelApprovalStatus="Approved")
    pages = list(
        client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName="listed", SortOrder="Descending", PaginationConfig={"PageSize": 2}
        )
    )
    assert [len(page["ModelPackageSummaryList"]) for page in pages] == [2, 2, 1]
    rows = [row for page in pages for row in page["ModelPackageSummaryList"]]
    assert [row["ModelPackageArn"] for row in rows] == arns[::-1]
    assert "ModelPackageName" not in rows[0]
    approved = client.list_model_packages(ModelPackageGroupName="listed", ModelApprovalStatus="Approved")
    assert [row["ModelPackageVersion"] for row in approved["ModelPackageSummaryList"]] == [2]
    assert client.list_model_packages()["ModelPackageSummaryList"] == []
    every = client.list_model_packages(ModelPackageType="Versioned", MaxResults=100)
    assert set(arns) <= {row["ModelPackageArn"] for row in every["ModelPackageSummaryList"]}
    groups = client.list_model_package_groups(NameContains="liste")["ModelPackageGroupSummaryList"]
    assert [row["ModelPackageGroupName"] for row in groups] == ["listed"]


def test_a_group_exists_once_has_tags_and_is_deleted_only_when_empty(cloud):
    client = group(cloud, "single", Tags=[{"Key": "team", "Value": "water"}])
    arn = f"{ARN}:model-package-group/single"
    taken = refusal(client.create_model_package_group, ModelPackageGroupName="single")
    assert taken == ("ValidationException", f"Model Package Group already exists: {arn}")
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "water"}]
    package = create(client, "single")
    code, _ = refusal(client.delete_model_package_group, ModelPackageGroupName="single")
    assert code == "ConflictException"
    client.delete_model_package(ModelPackageName=package)
    client.delete_model_package_group(ModelPackageGroupName="single")
    gone = refusal(client.describe_model_package_group, ModelPackageGroupName="single")
    assert gone == ("ValidationException", f"ModelPackageGroup {arn} does not exist.")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ModelPackageGroupName": None}, "Missing ARN."),
        ({"ModelPackageName": "x"}, "Cannot determine which one to use."),
        ({"ModelPackageGroupName": "nobody"}, "model-package-group/nobody does not exist."),
        ({"Tags": [{"Key": "a", "Value": "b"}]}, "Tags cannot be given to a versioned model package"),
        (
            {"ModelApprovalStatus": "Maybe"},
            "enum value set: [Approved, Rejected, PendingManualApproval]",
        ),
        ({"CertifyForMarketplace": True}, "CertifyForMarketplace: there is no marketplace"),
    ],
)
def test_a_package_that_cannot_be_is_refused_in_words(cloud, changes, words):
    client = cloud.sagemaker
    name = f"refused-{abs(hash(words)) % 10**6}"
    client.create_model_package_group(ModelPackageGroupName=name)
    request = {"ModelPackageGroupName": name} | changes
    code, message = refusal(
        client.create_model_package, **{k: v for k, v in request.items() if v is not None}
    )
    assert code == "ValidationException"
    assert words in message


def test_creation_and_every_update_are_events_with_times_as_text_and_nobody_named(cloud):
    kind = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Model Package State Change"]}
    url = queue_for(cloud, "packages", kind | {"detail": {"ModelPackageGroupName": [{"prefix": "told-"}]}})
    client = group(cloud, "told-packages")
    arn = create(client, "told-packages")
    client.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Rejected")
    found = received(cloud, url, 2)
    assert {event["detail"]["ModelApprovalStatus"] for event in found} == {
        "PendingManualApproval",
        "Rejected",
    }
    assert found[0]["resources"] == [arn]
    detail = found[0]["detail"]
    assert detail["ModelPackageVersion"] == 1
    assert detail["CreationTime"].endswith("Z")
    assert detail.keys().isdisjoint({"ModelPackageName", "LastModifiedBy", "Tags"})


def test_approving_needs_a_grant_on_the_packages_of_that_group_and_the_approver_is_on_record(cloud):
    client = group(cloud, "granted")
    arn = create(client, "granted")
    stranger = user(cloud, "stranger", ("sagemaker:UpdateModelPackage", f"{ARN}:model-package/other/*"))
    words = denial(
        stranger.sagemaker.update_model_package, ModelPackageArn=arn, ModelApprovalStatus="Approved"
    )
    assert "sagemaker:UpdateModelPackage" in words
    approver = user(cloud, "approver", ("sagemaker:*ModelPackage", f"{ARN}:model-package/granted/*"))
    approver.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    by = client.describe_model_package(ModelPackageName=arn)["LastModifiedBy"]["IamIdentity"]["Arn"]
    assert by == "arn:aws:iam::000000000000:user/approver"
    assert create(approver.sagemaker, "granted").endswith("granted/2")
    with pytest.raises(ClientError, match="sagemaker:CreateModelPackageGroup"):
        approver.sagemaker.create_model_package_group(ModelPackageGroupName="granted-too")


def test_our_adapter_makes_the_group_once_hears_a_person_and_brings_the_package_in_step(cloud):
    _, model = judged(release={"approval": "person"})
    packages = ModelPackages(cloud.client("sagemaker"))
    request = package_request("test", model)
    arn = packages.create(request, {"headrace:pipeline": "flights"})
    assert packages.create(request, {}) == arn
    made = packages.describe(arn)
    assert (made.pipeline, made.version, made.was_changed) == ("flights", "v1", False)
    approver = user(cloud, "ada", ("sagemaker:UpdateModelPackage", f"{ARN}:model-package/*"))
    approver.sagemaker.update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription="seen"
    )
    heard = packages.describe(arn)
    assert (heard.was_changed, heard.status, heard.description) == (True, "Approved", "seen")
    assert heard.who == "arn:aws:iam::000000000000:user/ada"
    packages.update(update_request(heard, msgspec.structs.replace(model, state=ModelState.REJECTED)))
    after = packages.describe(arn)
    assert (after.was_changed, after.status) == (False, "Rejected")
    with pytest.raises(NotFound):
        packages.describe(f"{ARN}:model-package/headrace-test-flights/99")
