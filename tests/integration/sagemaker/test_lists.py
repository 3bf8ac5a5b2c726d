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
    ),
    Listed(
        list_name="list_processing_jobs",
        member="ProcessingJobSummaries",
        name="ProcessingJobName",
        make=run,
        delete_name="delete_processing_job",
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
    ),
]


@pytest.fixture(scope="module")
def prepared(cloud: Cloud) -> Cloud:
    """What the rows of other lists need; its model's archive is gone, so its endpoints fail at once."""
    model(cloud, "listed-model")
    cloud.s3.delete_object(Bucket=BUCKET, Key="listed-model/model.tar.gz")
    configure(cloud, "listed-config", variant("listed-model", **SERVERLESS))
    return cloud


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
    assert names(SortBy="CreationTime", SortOrder="Ascending") == NAMES
    assert names(NameContains="aged-c") == ["Paged-c"]
    hour = timedelta(hours=1)
    assert names(CreationTimeAfter=datetime.now(UTC) + hour) == []
    assert (
        len(names(CreationTimeBefore=datetime.now(UTC) + hour, CreationTimeAfter=datetime.now(UTC) - hour))
        == 5
    )
    assert refusal(call, NextToken="nonsense")[0] == "ValidationException"
    if listed.delete_name:
        getattr(cloud.sagemaker, listed.delete_name)(**{listed.name: "Paged-c"})
        assert sorted(names()) == [name for name in NAMES if name != "Paged-c"]


def test_lists_are_filtered_by_status_where_a_resource_has_one(prepared: Cloud) -> None:
    cloud = prepared
    train(cloud, "state-failed")
    cloud.train("state-fine", "pass")
    cloud.wait_for_job("state-fine")
    endpoint(cloud, "state-endpoint")
    for call, member, name, wanted in (
        (cloud.sagemaker.list_training_jobs, "TrainingJobSummaries", "TrainingJobName", "state-failed"),
        (cloud.sagemaker.list_endpoints, "Endpoints", "EndpointName", "state-endpoint"),
    ):
        found = call(NameContains="state-", StatusEquals="Failed")[member]
        assert [row[name] for row in found] == [wanted]
    found = cloud.sagemaker.list_training_jobs(NameContains="state-", SortBy="Status", SortOrder="Ascending")
    statuses = [row["TrainingJobStatus"] for row in found["TrainingJobSummaries"]]
    assert statuses == ["Completed", "Failed"]
