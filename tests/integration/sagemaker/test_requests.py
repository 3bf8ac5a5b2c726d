"""What is refused and tagged, in AWS's own words (conformance item 7)."""

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


def test_tags_are_added_changed_and_removed(cloud, model):
    arn = f"{ARN}:model/{model}"
    sm = cloud.sagemaker
    sm.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    sm.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "3"}])
    sm.delete_tags(ResourceArn=arn, TagKeys=["b", "never"])
    assert sm.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}]
    many = [{"Key": f"key-{number}", "Value": "1"} for number in range(50)]
    assert "at most 50 tags" in refusal(sm.add_tags, ResourceArn=arn, Tags=many)[1]
    assert len(sm.add_tags(ResourceArn=arn, Tags=many[1:])["Tags"]) == 50


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
        ({"MlflowConfig": {"MlflowResourceArn": f"{ARN}:mlflow-tracking-server/one"}}, "there is no MLflow"),
    ],
)
def test_what_one_machine_cannot_do_is_refused_and_never_ignored(cloud, changes, words):
    code, message = refusal(lambda: cloud.train("beyond", "pass", **changes))
    assert code == "ValidationException"
    assert words in message
