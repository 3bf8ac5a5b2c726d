"""Metrics, statuses, events, images, IAM names and configuration files: the pure parts."""

import json
from typing import Any

import pytest

from localcloud.sagemaker import events, iam, images
from localcloud.sagemaker.errors import ApiError, ClientJobError
from localcloud.sagemaker.jobs import job_status, training_files
from localcloud.sagemaker.jobs.metrics import MetricWatcher, check_definitions
from localcloud.sagemaker.settings import Settings
from localcloud.sagemaker.store import ENDPOINT, TRAINING_JOB, Scope

HERE = Scope(account="000000000000", region="us-east-1")


def watched(regex: str, *lines: str) -> list[float]:
    watcher = MetricWatcher([{"Name": "m", "Regex": regex}])
    for line in lines:
        watcher.watch(line, 1.0)
    return [metric["Value"] for metric in watcher.final()]


@pytest.mark.parametrize(
    ("regex", "lines", "values"),
    [
        ("loss: ([0-9.]+)", ["loss: 2", "other", "loss: 1.5"], [1.5]),
        ("[0-9]+", ["step 12"], [12.0]),
        ("loss: (.*)", ["loss: nan", "loss: inf", "loss: none"], []),
        ("loss: (-?[0-9.eE+-]+)", ["loss: -1e-3"], [-0.001]),
        ("a(b)?([0-9])", ["a1"], []),
    ],
)
def test_a_metric_is_the_last_finite_number_its_first_group_caught(regex, lines, values):
    assert watched(regex, *lines) == values


def test_a_metric_expression_that_does_not_compile_is_refused_with_its_name():
    with pytest.raises(ApiError, match=r"for metric loss"):
        check_definitions([{"Name": "loss", "Regex": "(["}])


def test_a_job_that_stops_passes_no_further_stage_but_ends():
    row: dict[str, Any] = {"TrainingJobStatus": "InProgress"}
    job_status.enter(row, "Starting")
    job_status.enter(row, "Stopping", "Stopping")
    job_status.enter(row, "Uploading")
    job_status.enter(row, "Stopped", "Stopped")
    assert [item["Status"] for item in row["SecondaryStatusTransitions"]] == [
        "Starting",
        "Stopping",
        "Stopped",
    ]
    assert all("EndTime" in item for item in row["SecondaryStatusTransitions"])


def test_only_the_present_stage_has_no_end():
    row: dict[str, Any] = {"TrainingJobStatus": "InProgress"}
    job_status.enter(row, "Starting")
    job_status.enter(row, "Downloading")
    assert ["EndTime" in item for item in row["SecondaryStatusTransitions"]] == [True, False]


def test_an_endpoint_event_says_in_service_and_milliseconds():
    row = {"EndpointName": "e", "EndpointArn": "arn", "EndpointStatus": "InService", "CreationTime": 12.3456}
    detail = events.event_detail(ENDPOINT, row | {"_Models": {}}, {"a": "b"})
    assert detail == {
        "EndpointName": "e",
        "EndpointArn": "arn",
        "EndpointStatus": "IN_SERVICE",
        "CreationTime": 12345,
        "Tags": {"a": "b"},
    }


def test_a_job_event_keeps_the_apis_spelling_and_turns_nested_times_too():
    row = {
        "TrainingJobArn": "arn",
        "TrainingJobStatus": "InProgress",
        "SecondaryStatusTransitions": [{"StartTime": 2.0}],
    }
    record = events.event_record(TRAINING_JOB, row, {}, HERE)
    assert (record["Source"], record["DetailType"]) == (
        "aws.sagemaker",
        "SageMaker Training Job State Change",
    )
    assert record["Resources"] == ["arn"]
    assert json.loads(record["Detail"])["TrainingJobStatus"] == "InProgress"
    assert json.loads(record["Detail"])["SecondaryStatusTransitions"] == [{"StartTime": 2000}]


@pytest.fixture
def image_folder(tmp_path):
    for name in ("sagemaker-scikit-learn-1.9-0", "python3.12"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").touch()
    return tmp_path


@pytest.mark.parametrize(
    "uri",
    [
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0",
        "141502667606.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
        "450853457545.dkr.ecr.cn-north-1.amazonaws.com.cn/sagemaker-scikit-learn:1.9-0",
    ],
)
def test_awss_image_is_found_under_every_regions_account(image_folder, uri):
    assert images.resolve_image(image_folder, uri) == image_folder / "sagemaker-scikit-learn-1.9-0"


@pytest.mark.parametrize(
    "uri",
    [
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1",
        "sagemaker-scikit-learn:1.9-0",
        "683313688378.dkr.ecr.us-east-1.amazonaws.com/../python3.12:1.9-0",
        "",
    ],
)
def test_any_other_image_is_refused_with_the_list_of_those_that_exist(image_folder, uri):
    with pytest.raises(ClientJobError, match=r"Supported images: sagemaker-scikit-learn:1\.9-0\."):
        images.resolve_image(image_folder, uri)


def target(operation: str) -> dict[str, str]:
    return {"x-amz-target": f"SageMaker.{operation}"}


@pytest.mark.parametrize(
    ("operation", "request_body", "resource"),
    [
        ("CreateTrainingJob", {"TrainingJobName": "Job"}, "training-job/job"),
        ("CreateEndpoint", {"EndpointName": "e", "EndpointConfigName": "c"}, "endpoint/e"),
        ("CreateEndpointConfig", {"EndpointConfigName": "c"}, "endpoint-config/c"),
        ("DeleteModel", {"ModelName": "m"}, "model/m"),
    ],
)
def test_iam_sees_the_resource_the_operation_is_about(operation, request_body, resource):
    found = iam.resource_of("/", target(operation), json.dumps(request_body).encode(), HERE)
    assert found == f"arn:aws:sagemaker:us-east-1:000000000000:{resource}"
    assert iam.action_of("/", target(operation)) == f"sagemaker:{operation}"


def test_iam_sees_an_invocation_as_one_of_its_endpoint():
    path = "/endpoints/Mine/invocations"
    assert iam.action_of(path, {}) == "sagemaker:InvokeEndpoint"
    assert (
        iam.resource_of(path, {}, b"{not json", HERE)
        == "arn:aws:sagemaker:us-east-1:000000000000:endpoint/mine"
    )


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"TrainingJobName": 1}'])
def test_iam_survives_any_body(body):
    assert iam.resource_of("/", target("ListTrainingJobs"), body, HERE) == "*"


ROW = {
    "HyperParameters": {"sagemaker_submit_directory": "/opt/ml/input/data/code/s.tar.gz"},
    "ResourceConfig": {"InstanceType": "ml.m5.large"},
    "AlgorithmSpecification": {"TrainingInputMode": "File"},
    "InputDataConfig": [
        {
            "ChannelName": "train",
            "ContentType": "text/csv",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix"}},
        }
    ],
}


def test_the_toolkit_finds_its_three_configuration_files(tmp_path):
    training_files.write_configuration(tmp_path, ROW, "algo-1", "/opt/ml")
    read = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "input" / "config").iterdir()}
    assert read["hyperparameters"] == ROW["HyperParameters"]
    assert read["inputdataconfig"] == {
        "train": {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
            "ContentType": "text/csv",
        }
    }
    assert (read["resourceconfig"]["current_host"], read["resourceconfig"]["hosts"]) == ("algo-1", ["algo-1"])


def test_without_mounts_paths_in_hyperparameters_lead_to_the_real_folder(tmp_path):
    training_files.write_configuration(tmp_path, ROW, "localhost", str(tmp_path))
    read = json.loads((tmp_path / "input" / "config" / "hyperparameters.json").read_text())
    assert read == {"sagemaker_submit_directory": f"{tmp_path}/input/data/code/s.tar.gz"}


def test_settings_come_from_the_environment_once(tmp_path):
    env = {"LOCALCLOUD_SAGEMAKER_NAMESPACES": "off", "LOCALCLOUD_SAGEMAKER_TRAINING_INSTANCES": "7"}
    settings = Settings.from_env(images=tmp_path, home=tmp_path, endpoint_url="http://x", env=env)
    assert (settings.use_namespaces, settings.training_instances) == (False, 7)
    assert settings.work == tmp_path / "sagemaker"
