"""What is not there, what is there already and what is not done here: each resource in AWS's own words (item 7)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from tests.integration.sagemaker.harness import BUCKET, ROOT, Cloud, refusal
from tests.integration.sagemaker.hosting import configure, model, variant
from tests.integration.sagemaker.processing import process

ARN = "arn:aws:sagemaker:us-east-1:000000000000"
MISSING_JOB = "Could not find requested job with name: absent"
MISSING_GROUP = f"ModelPackageGroup {ARN}:model-package-group/absent does not exist."
MISSING_PACKAGE = f"ModelPackage {ARN}:model-package/absent/1 does not exist."
MISSING_RESOURCE = f'Could not find resource "{ARN}:model/absent".'
UNKNOWN = [
    ("describe_training_job", {"TrainingJobName": "absent"}, "Requested resource not found."),
    ("stop_training_job", {"TrainingJobName": "absent"}, "Requested resource not found."),
    ("delete_training_job", {"TrainingJobName": "absent"}, "Requested resource not found."),
    ("describe_processing_job", {"ProcessingJobName": "absent"}, MISSING_JOB),
    ("stop_processing_job", {"ProcessingJobName": "absent"}, MISSING_JOB),
    ("delete_processing_job", {"ProcessingJobName": "absent"}, MISSING_JOB),
    ("describe_transform_job", {"TransformJobName": "absent"}, MISSING_JOB),
    ("stop_transform_job", {"TransformJobName": "absent"}, MISSING_JOB),
    ("describe_model", {"ModelName": "absent"}, f'Could not find model "{ARN}:model/absent".'),
    ("delete_model", {"ModelName": "absent"}, f'Could not find model "{ARN}:model/absent".'),
    (
        "describe_endpoint_config",
        {"EndpointConfigName": "absent"},
        f'Could not find endpoint configuration "{ARN}:endpoint-config/absent".',
    ),
    (
        "delete_endpoint_config",
        {"EndpointConfigName": "absent"},
        f'Could not find endpoint configuration "{ARN}:endpoint-config/absent".',
    ),
    ("describe_endpoint", {"EndpointName": "absent"}, f'Could not find endpoint "{ARN}:endpoint/absent".'),
    ("delete_endpoint", {"EndpointName": "absent"}, f'Could not find endpoint "{ARN}:endpoint/absent".'),
    (
        "update_endpoint_weights_and_capacities",
        {
            "EndpointName": "absent",
            "DesiredWeightsAndCapacities": [{"VariantName": "a", "DesiredWeight": 1}],
        },
        f'Could not find endpoint "{ARN}:endpoint/absent".',
    ),
    (
        "create_endpoint",
        {"EndpointName": "new", "EndpointConfigName": "absent"},
        f'Could not find endpoint configuration "{ARN}:endpoint-config/absent".',
    ),
    (
        "update_endpoint",
        {"EndpointName": "absent", "EndpointConfigName": "absent"},
        f'Could not find endpoint "{ARN}:endpoint/absent".',
    ),
    ("describe_model_package_group", {"ModelPackageGroupName": "absent"}, MISSING_GROUP),
    ("delete_model_package_group", {"ModelPackageGroupName": "absent"}, MISSING_GROUP),
    ("create_model_package", {"ModelPackageGroupName": "absent"}, MISSING_GROUP),
    ("list_model_packages", {"ModelPackageGroupName": "absent"}, MISSING_GROUP),
    ("describe_model_package", {"ModelPackageName": "absent/1"}, MISSING_PACKAGE),
    ("delete_model_package", {"ModelPackageName": "absent/1"}, MISSING_PACKAGE),
    ("update_model_package", {"ModelPackageArn": f"{ARN}:model-package/absent/1"}, MISSING_PACKAGE),
    ("list_tags", {"ResourceArn": f"{ARN}:model/absent"}, MISSING_RESOURCE),
    ("delete_tags", {"ResourceArn": f"{ARN}:model/absent", "TagKeys": ["a"]}, MISSING_RESOURCE),
    (
        "add_tags",
        {"ResourceArn": f"{ARN}:model/absent", "Tags": [{"Key": "a", "Value": "b"}]},
        MISSING_RESOURCE,
    ),
]


@pytest.mark.parametrize(("call", "request_", "words"), UNKNOWN, ids=[call for call, _, _ in UNKNOWN])
def test_what_is_not_there_is_told_in_the_words_of_its_kind(
    cloud: Cloud, call: str, request_: dict[str, Any], words: str
) -> None:
    assert refusal(getattr(cloud.sagemaker, call), **request_) == ("ValidationException", words)


def make_model(cloud: Cloud) -> None:
    model(cloud, "taken")


def make_config(cloud: Cloud) -> None:
    configure(cloud, "taken", variant("words-model"))


def make_endpoint(cloud: Cloud) -> None:
    cloud.sagemaker.create_endpoint(EndpointName="taken", EndpointConfigName="words-config")


def make_group(cloud: Cloud) -> None:
    cloud.sagemaker.create_model_package_group(ModelPackageGroupName="taken")


def make_training_job(cloud: Cloud) -> None:
    # An image that nobody has: the job fails at once, and its name stays taken.
    nothing = "000000000000.dkr.ecr.us-east-1.amazonaws.com/nothing:1"
    cloud.train("taken", "pass", algorithm={"TrainingImage": nothing})


def make_processing_job(cloud: Cloud) -> None:
    process(cloud, "taken", "pass")


def make_transform_job(cloud: Cloud) -> None:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/nothing/"}
    cloud.sagemaker.create_transform_job(
        TransformJobName="taken",
        ModelName="words-model",
        TransformInput={"DataSource": {"S3DataSource": source}},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/nowhere"},
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1},
    )


@pytest.fixture(scope="module")
def hosted(cloud: Cloud) -> Cloud:
    """A model and a configuration that others can name."""
    model(cloud, "words-model")
    configure(cloud, "words-config", variant("words-model"))
    return cloud


EXISTS = "Cannot create already existing"
UNIQUE = "must be unique within an AWS account and region"
TAKEN: list[tuple[Callable[[Cloud], None], str, str]] = [
    (make_training_job, "ResourceInUse", f"Training job names {UNIQUE}"),
    (
        make_processing_job,
        "ResourceInUse",
        f"Job name {UNIQUE}, and a job with this name already exists ({ARN}:processing-job/taken)",
    ),
    (
        make_transform_job,
        "ResourceInUse",
        f"Job name {UNIQUE}, and a job with this name already exists ({ARN}:transform-job/taken)",
    ),
    (make_model, "ValidationException", f'{EXISTS} model "{ARN}:model/taken".'),
    (make_config, "ValidationException", f'{EXISTS} endpoint configuration "{ARN}:endpoint-config/taken".'),
    (make_endpoint, "ValidationException", f'{EXISTS} endpoint "{ARN}:endpoint/taken".'),
    (
        make_group,
        "ValidationException",
        f"Model Package Group already exists: {ARN}:model-package-group/taken",
    ),
]


# All are called the same: a name is taken within its kind alone.
@pytest.mark.parametrize(("make", "code", "words"), TAKEN, ids=[make.__name__ for make, _, _ in TAKEN])
def test_a_name_is_taken_once_per_kind(
    hosted: Cloud, make: Callable[[Cloud], None], code: str, words: str
) -> None:
    make(hosted)
    assert refusal(lambda: make(hosted)) == (code, words)


def test_names_that_differ_in_case_alone_are_one_name(cloud: Cloud) -> None:
    model(cloud, "Cased")
    assert refusal(lambda: model(cloud, "cased"))[1] == (
        f'Cannot create already existing model "{ARN}:model/cased".'
    )
    assert cloud.sagemaker.describe_model(ModelName="CASED")["ModelName"] == "Cased"


def test_a_job_that_runs_can_neither_be_deleted_nor_made_again(cloud: Cloud) -> None:
    process(cloud, "busy", "import time; time.sleep(60)")
    code, message = refusal(cloud.sagemaker.delete_processing_job, ProcessingJobName="busy")
    assert code == "ValidationException"
    assert message == "The request was rejected because the processing job is in status InProgress."
    cloud.sagemaker.stop_processing_job(ProcessingJobName="busy")


def test_every_operation_of_aws_that_is_not_here_says_so_and_no_other_name_is_known(cloud: Cloud) -> None:
    here = refusal(cloud.sagemaker.create_notebook_instance)
    assert here[0] == "UnknownOperationException"
    assert "CreateNotebookInstance is not in the local SageMaker" in here[1]
    stream = refusal(cloud.runtime.invoke_endpoint_with_response_stream, EndpointName="absent", Body=b"x")
    assert "InvokeEndpointWithResponseStream is not in the local SageMaker" in stream[1]
    client = cloud.client("sagemaker")
    client.meta.events.register(
        "before-call.sagemaker.ListModels",
        lambda params, **_: params["headers"].update({"X-Amz-Target": "SageMaker.ListUnicorns"}),
    )
    code, message = refusal(client.list_models)
    # AWS gives no words to a name it never had.
    assert (code, message) == ("UnknownOperationException", "")


def test_the_readme_has_every_operation_that_works_and_no_other(cloud: Cloud) -> None:
    readme = (ROOT / "localcloud" / "sagemaker" / "README.md").read_text(encoding="utf-8")
    rows = [line.split("|")[1:-1] for line in readme.splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row[0])}
    model = cloud.sagemaker.meta.service_model
    works = {name for name in model.operation_names if is_here(cloud, name)}
    assert told - {"InvokeEndpoint", "InvokeEndpointAsync"} == works
    for row in rows:
        files = re.findall(r"`(test_\w+\.py)`", row[-1])
        assert files, row[0]
        folders = (ROOT / "tests" / "integration" / "sagemaker", ROOT / "tests" / "conformance")
        missing = [name for name in files if not any((folder / name).exists() for folder in folders)]
        assert missing == []


def is_here(cloud: Cloud, operation: str) -> bool:
    """Whether an empty request gets an answer, or is at least found wanting."""
    try:
        getattr(cloud.sagemaker, xform_name(operation))()
    except ClientError as error:
        return bool(error.response["Error"]["Code"] != "UnknownOperationException")
    return True
