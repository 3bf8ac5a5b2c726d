"""What is refused, listed and tagged, in AWS's own words (conformance item 7)."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.sagemaker.harness import BUCKET, Cloud, refusal

INFER = "def model_fn(folder): return None"
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}
ARN = "arn:aws:sagemaker:us-east-1:000000000000"


@pytest.fixture(scope="module")
def model(cloud: Cloud) -> str:
    cloud.create_model("plain-model", INFER)
    return "plain-model"


def config(cloud: Cloud, name: str, **variant):
    request = {"EndpointConfigName": name, "ProductionVariants": [{"VariantName": "A"} | variant]}
    return lambda: cloud.sagemaker.create_endpoint_config(**request)


def test_every_error_of_a_bad_request_is_counted_and_told(cloud):
    code, message = refusal(
        cloud.sagemaker.create_training_job,
        TrainingJobName="bad name!",
        AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "Fast"},
        OutputDataConfig={"S3OutputPath": "not-s3"},
    )
    assert code == "ValidationException"
    assert message.startswith("4 validation errors detected: ")
    assert "Value null at 'roleArn' failed to satisfy constraint: Member must not be null" in message
    assert (
        "Value 'bad name!' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular"
        in message
    )
    assert (
        "Value 'Fast' at 'algorithmSpecification.trainingInputMode' failed to satisfy constraint: "
        "Member must satisfy enum value set: [Pipe, File, FastFile]" in message
    )
    assert "Value 'not-s3' at 'outputDataConfig.s3OutputPath'" in message


def test_one_error_is_singular(cloud):
    code, message = refusal(cloud.sagemaker.describe_endpoint, EndpointName="-")
    assert (code, message[:29]) == ("ValidationException", "1 validation error detected: ")


def test_an_operation_that_is_not_here_says_so(cloud):
    code, message = refusal(cloud.sagemaker.list_notebook_instances)
    assert code == "UnknownOperationException"
    assert "ListNotebookInstances is not in the local SageMaker" in message


def test_unknown_names_are_told_as_aws_tells_them(cloud):
    sm = cloud.sagemaker
    assert refusal(sm.describe_training_job, TrainingJobName="no") == (
        "ValidationException",
        "Requested resource not found.",
    )
    assert refusal(sm.describe_model, ModelName="no")[1] == f'Could not find model "{ARN}:model/no".'
    assert refusal(sm.delete_model, ModelName="no")[1] == f'Could not find model "{ARN}:model/no".'
    words = f'Could not find endpoint configuration "{ARN}:endpoint-config/no".'
    assert refusal(sm.describe_endpoint_config, EndpointConfigName="no")[1] == words
    assert refusal(sm.create_endpoint, EndpointName="e", EndpointConfigName="no")[1] == words


def test_a_second_one_of_a_name_is_refused(cloud, model):
    assert refusal(lambda: cloud.create_model(model, INFER)) == (
        "ValidationException",
        f'Cannot create already existing model "{ARN}:model/{model}".',
    )
    cloud.train("twice", "pass")
    cloud.wait_for_job("twice")
    assert refusal(lambda: cloud.train("twice", "pass")) == (
        "ResourceInUse",
        "Training job names must be unique within an AWS account and region",
    )


def test_a_variant_needs_a_model_that_exists(cloud):
    _, message = refusal(config(cloud, "orphan", ModelName="no", InstanceType="ml.m5.large"))
    assert message == f'Could not find model "{ARN}:model/no".'


@pytest.mark.parametrize(
    ("name", "serverless", "words"),
    [
        ("small", {"MemorySizeInMB": 512, "MaxConcurrency": 5}, "value greater than or equal to 1024"),
        ("large", {"MemorySizeInMB": 7168, "MaxConcurrency": 5}, "value less than or equal to 6144"),
        ("odd", {"MemorySizeInMB": 1500, "MaxConcurrency": 5}, "valid values are 1024, 2048"),
        ("none", {"MemorySizeInMB": 2048, "MaxConcurrency": 0}, "value greater than or equal to 1"),
        ("many", {"MemorySizeInMB": 2048, "MaxConcurrency": 201}, "value less than or equal to 200"),
    ],
)
def test_serverless_memory_and_concurrency_have_awss_bounds(cloud, model, name, serverless, words):
    assert words in refusal(config(cloud, name, ModelName=model, ServerlessConfig=serverless))[1]


def test_a_serverless_variant_takes_no_isolated_model_and_no_instances(cloud, model):
    cloud.create_model("isolated-model", INFER, EnableNetworkIsolation=True)
    isolated = config(cloud, "isolated", ModelName="isolated-model", ServerlessConfig=SERVERLESS)
    assert "network isolation" in refusal(isolated)[1]
    both = config(cloud, "both", ModelName=model, ServerlessConfig=SERVERLESS, InstanceType="ml.m5.large")
    assert "can not be specified" in refusal(both)[1]


def test_lists_filter_sort_and_page_without_loss_or_repetition(cloud, model):
    names = [f"ordered-{letter}" for letter in "abcde"]
    for name in names:
        config(cloud, name, ModelName=model, ServerlessConfig=SERVERLESS)()
    pages = cloud.sagemaker.get_paginator("list_endpoint_configs").paginate(
        NameContains="ORDERED", SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}
    )
    found = [[item["EndpointConfigName"] for item in page["EndpointConfigs"]] for page in pages]
    assert found == [["ordered-a", "ordered-b"], ["ordered-c", "ordered-d"], ["ordered-e"]]
    newest = cloud.sagemaker.list_endpoint_configs(NameContains="ordered", MaxResults=1)["EndpointConfigs"]
    assert [item["EndpointConfigName"] for item in newest] == ["ordered-e"]


def test_lists_filter_by_the_time_of_creation(cloud, model):
    for letter in "abc":
        config(cloud, f"dated-{letter}", ModelName=model, ServerlessConfig=SERVERLESS)()
    # botocore sends whole seconds, so only times well apart can be told apart.
    now = datetime.now(UTC)
    for names_of, hours, count in (
        ("CreationTimeAfter", -1, 3),
        ("CreationTimeAfter", 1, 0),
        ("CreationTimeBefore", -1, 0),
    ):
        found = cloud.sagemaker.list_endpoint_configs(
            NameContains="dated-", **{names_of: now + timedelta(hours=hours)}
        )
        assert len(found["EndpointConfigs"]) == count


def test_jobs_are_listed_by_status(cloud):
    cloud.train("status-good", "pass")
    cloud.train("status-bad", "raise SystemExit(1)")
    for name in ("status-good", "status-bad"):
        cloud.wait_for_job(name)
    found = cloud.sagemaker.list_training_jobs(NameContains="status-", StatusEquals="Failed")
    assert [item["TrainingJobName"] for item in found["TrainingJobSummaries"]] == ["status-bad"]
    assert "HyperParameters" not in found["TrainingJobSummaries"][0]


def test_tags_are_added_changed_and_removed(cloud, model):
    arn = f"{ARN}:model/{model}"
    sm = cloud.sagemaker
    sm.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    sm.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    sm.delete_tags(ResourceArn=arn, TagKeys=["b", "never"])
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    assert refusal(sm.list_tags, ResourceArn=f"{ARN}:model/no")[0] == "ValidationException"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1}},
            "one instance",
        ),
        (
            {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/c", "LocalPath": "/var/checkpoints"}},
            "under /opt/ml",
        ),
        ({"algorithm": {"TrainingInputMode": "Pipe"}}, "File or FastFile"),
        ({"algorithm": {"MetricDefinitions": [{"Name": "m", "Regex": "(["}]}}, "Invalid regular expression"),
    ],
)
def test_what_one_machine_cannot_do_is_refused_and_never_ignored(cloud, changes, words):
    code, message = refusal(lambda: cloud.train("beyond", "pass", **changes))
    assert code == "ValidationException"
    assert words in message
