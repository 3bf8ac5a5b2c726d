"""Every List operation filters, sorts and pages alike, and what is deleted is gone from it (conformance item 7)."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from tests.integration.sagemaker.harness import BUCKET, IMAGE, Cloud, refusal, wait_for
from tests.integration.sagemaker.hosting import configure, model, variant
from tests.integration.sagemaker.processing import process

NAMES = [f"Paged-{letter}" for letter in "abcde"]
SERVERLESS: dict[str, Any] = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
ENDED = ("Completed", "Failed", "Stopped")


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One List operation: how its rows come to be, and where its answer has them and their names."""

    list_name: str
    member: str
    name: str
    make: Callable[[Cloud, str], object]
    delete_name: str | None = None
    is_oldest_first: bool = False


# What a filter may ask for and no row has: there are no warm pools, training plans or other accounts here.
ELSEWHERE = {
    "WarmPoolStatusEquals": "InUse",
    "TrainingPlanArnEquals": "arn:aws:sagemaker:us-east-1:000000000000:training-plan/none-of-ours-has-this-name",
    "CrossAccountFilterOption": "CrossAccount",
}


def train(cloud: Cloud, name: str) -> None:
    # No such image: these jobs fail at once, and a list does not mind.
    cloud.train(name, "pass", algorithm={"TrainingImage": IMAGE.replace("scikit-learn", "nothing")})
    cloud.wait_for_job(name)


def run(cloud: Cloud, name: str) -> None:
    process(cloud, name, "pass", application={"ImageUri": IMAGE.replace("scikit-learn", "nothing")})
    wait_for(
        lambda: (
            cloud.sagemaker.describe_processing_job(ProcessingJobName=name)["ProcessingJobStatus"] in ENDED
        ),
        30,
        f"{name} ends",
    )


def transform(cloud: Cloud, name: str) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/nothing/"}
    cloud.sagemaker.create_transform_job(
        TransformJobName=name,
        ModelName="listed-model",
        TransformInput={"DataSource": {"S3DataSource": source}},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/nowhere"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )
    wait_for(
        lambda: cloud.sagemaker.describe_transform_job(TransformJobName=name)["TransformJobStatus"] in ENDED,
        30,
        f"{name} ends",
    )


def endpoint(cloud: Cloud, name: str) -> None:
    cloud.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName="listed-config")
    cloud.wait_for_endpoint(name)


LISTS = [
    Listed(
        list_name="list_training_jobs",
        member="TrainingJobSummaries",
        name="TrainingJobName",
        make=train,
        delete_name="delete_training_job",
        is_oldest_first=True,
    ),
    Listed(
        list_name="list_processing_jobs",
        member="ProcessingJobSummaries",
        name="ProcessingJobName",
        make=run,
        delete_name="delete_processing_job",
        is_oldest_first=True,
    ),
    Listed(
        list_name="list_transform_jobs",
        member="TransformJobSummaries",
        name="TransformJobName",
        make=transform,
    ),
    Listed(
        list_name="list_models",
        member="Models",
        name="ModelName",
        make=model,
        delete_name="delete_model",
    ),
    Listed(
        list_name="list_endpoint_configs",
        member="EndpointConfigs",
        name="EndpointConfigName",
        make=lambda cloud, name: configure(cloud, name, variant("listed-model", **SERVERLESS)),
        delete_name="delete_endpoint_config",
    ),
    Listed(
        list_name="list_endpoints",
        member="Endpoints",
        name="EndpointName",
        make=endpoint,
        delete_name="delete_endpoint",
    ),
    Listed(
        list_name="list_model_package_groups",
        member="ModelPackageGroupSummaryList",
        name="ModelPackageGroupName",
        make=lambda cloud, name: cloud.sagemaker.create_model_package_group(ModelPackageGroupName=name),
        delete_name="delete_model_package_group",
        is_oldest_first=True,
    ),
]


@pytest.fixture(scope="module")
def prepared(cloud: Cloud) -> Cloud:
    """What the rows of other lists need; its model's archive is gone, so its endpoints fail at once."""
    model(cloud, "listed-model")
    cloud.s3.delete_object(Bucket=BUCKET, Key="listed-model/model.tar.gz")
    configure(cloud, "listed-config", variant("listed-model", **SERVERLESS))
    return cloud


def takes(listed: Listed, client: Any) -> dict[str, Any]:
    """Return the members of the List request, as AWS's model has them."""
    operation = client.meta.method_to_api_mapping[listed.list_name]
    return dict(client.meta.service_model.operation_model(operation).input_shape.members)


@pytest.mark.parametrize("listed", LISTS, ids=lambda one: one.list_name)
def test_a_list_is_filtered_sorted_paged_and_shrinks(prepared: Cloud, listed: Listed) -> None:
    cloud = prepared
    for name in NAMES:
        listed.make(cloud, name)
    call = getattr(cloud.sagemaker, listed.list_name)

    def names(**request: Any) -> list[str]:
        rows = call(**{"NameContains": "PAGED-"} | request)[listed.member]
        return [row[listed.name] for row in rows]

    by_name = {"SortBy": "Name", "SortOrder": "Descending"}
    pages = cloud.sagemaker.get_paginator(listed.list_name).paginate(
        NameContains="paged-", PaginationConfig={"PageSize": 2}, **by_name
    )
    assert [[row[listed.name] for row in page[listed.member]] for page in pages] == [
        ["Paged-e", "Paged-d"],
        ["Paged-c", "Paged-b"],
        ["Paged-a"],
    ]
    assert names() == (NAMES if listed.is_oldest_first else NAMES[::-1])
    assert names(SortBy="CreationTime", SortOrder="Ascending") == NAMES
    assert names(NameContains="aged-c") == ["Paged-c"]
    check_filters(names, takes(listed, cloud.sagemaker))
    assert refusal(call, NextToken="nonsense")[0] == "ValidationException"
    assert "less than or equal to 100" in refusal(call, MaxResults=101)[1]
    if listed.delete_name:
        getattr(cloud.sagemaker, listed.delete_name)(**{listed.name: "Paged-c"})
        assert sorted(names()) == [name for name in NAMES if name != "Paged-c"]


def check_filters(names: Callable[..., list[str]], members: dict[str, Any]) -> None:
    """Ask for what AWS's model says one may ask for: by time, by status, by what is never here."""
    now, hour = datetime.now(UTC), timedelta(hours=1)
    for time in ("CreationTime", "LastModifiedTime"):
        if f"{time}After" in members:
            assert names(**{f"{time}After": now + hour}) == []
            assert names(**{f"{time}Before": now - hour}) == []
            assert len(names(**{f"{time}After": now - hour, f"{time}Before": now + hour})) == len(NAMES)
    if "StatusEquals" in members:
        assert len(names(StatusEquals="Failed")) == len(NAMES)
        assert names(StatusEquals=next(one for one in members["StatusEquals"].enum if one != "Failed")) == []
        assert names(SortBy="Status", SortOrder="Descending") == NAMES[::-1]
    for name, value in ELSEWHERE.items():
        if name in members:
            assert names(**{name: value}) == []


def test_jobs_are_filtered_and_sorted_by_status(prepared: Cloud) -> None:
    cloud = prepared
    train(cloud, "state-failed")
    cloud.train("state-fine", "pass")
    cloud.wait_for_job("state-fine")
    failed = cloud.sagemaker.list_training_jobs(NameContains="state-", StatusEquals="Failed")
    (row,) = failed["TrainingJobSummaries"]
    assert row["TrainingJobName"] == "state-failed"
    # A summary is not the description.
    assert "HyperParameters" not in row
    found = cloud.sagemaker.list_training_jobs(NameContains="state-", SortBy="Status", SortOrder="Ascending")
    statuses = [row["TrainingJobStatus"] for row in found["TrainingJobSummaries"]]
    assert statuses == ["Completed", "Failed"]


def test_a_page_is_ten_rows_long_and_pages_neither_repeat_nor_hide_what_comes_and_goes(
    prepared: Cloud,
) -> None:
    client = prepared.sagemaker
    for number in range(12):
        client.create_model_package_group(ModelPackageGroupName=f"moving-{number:02}")
    asked = {"NameContains": "moving-", "SortBy": "Name"}
    first = client.list_model_package_groups(**asked)
    client.delete_model_package_group(ModelPackageGroupName="moving-03")
    client.create_model_package_group(ModelPackageGroupName="moving-00-later")
    second = client.list_model_package_groups(NextToken=first["NextToken"], **asked)
    pages = [
        [row["ModelPackageGroupName"] for row in page["ModelPackageGroupSummaryList"]]
        for page in (first, second)
    ]
    assert pages == [[f"moving-{number:02}" for number in range(10)], ["moving-10", "moving-11"]]
    assert "NextToken" not in second
