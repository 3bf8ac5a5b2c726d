"""What is refused, counted and listed of processing jobs, in AWS's own words (conformance item 20)."""

import pytest

from tests.integration.sagemaker.harness import IMAGE, Cloud, refusal
from tests.integration.sagemaker.processing import process, s3_input, s3_output, wait_for_end


@pytest.fixture(scope="module")
def ended(cloud: Cloud):
    process(cloud, "ended", "pass")
    return wait_for_end(cloud, "ended")


def test_a_job_that_has_ended_cannot_be_stopped(cloud, ended):
    assert refusal(cloud.sagemaker.stop_processing_job, ProcessingJobName="ended") == (
        "ValidationException",
        "The request was rejected because the processing job is in status Completed.",
    )


def test_an_unknown_job_is_told_as_aws_tells_it(cloud):
    for call in (cloud.sagemaker.describe_processing_job, cloud.sagemaker.stop_processing_job):
        words = ("ValidationException", "Could not find requested job with name: no")
        assert refusal(call, ProcessingJobName="no") == words


def test_a_second_job_of_a_name_is_refused_but_a_training_job_may_have_it(cloud, ended):
    assert refusal(lambda: process(cloud, "ended", "pass")) == (
        "ResourceInUse",
        "Job name must be unique within an AWS account and region, and a job with this name already exists "
        f"({ended['ProcessingJobArn']})",
    )
    cloud.train("ended", "pass")
    assert cloud.wait_for_job("ended")["TrainingJobStatus"] == "Completed"


def test_more_jobs_than_the_quota_are_refused_and_training_has_a_quota_of_its_own(cloud):
    cluster = {"InstanceType": "ml.c5.4xlarge"}
    for name in ("full-1", "full-2"):
        process(cloud, name, "import time; time.sleep(60)", cluster=cluster)
    code, message = refusal(lambda: process(cloud, "full-3", "pass", cluster=cluster))
    resources = {"InstanceType": "ml.c5.4xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1}
    cloud.train("full-4", "pass", ResourceConfig=resources)
    for name in ("full-1", "full-2"):
        cloud.sagemaker.stop_processing_job(ProcessingJobName=name)
        assert wait_for_end(cloud, name)["ProcessingJobStatus"] == "Stopped"
    words = "'ml.c5.4xlarge for processing job usage' is 2 Instances, with current utilization of 2 Instances"
    assert (code, words in message) == ("ResourceLimitExceeded", True)


def test_jobs_are_listed_oldest_first_by_status_and_by_page(cloud, ended):
    for name, script in (("listed-a", "pass"), ("listed-b", "raise SystemExit(1)"), ("listed-c", "pass")):
        process(cloud, name, script)
        wait_for_end(cloud, name)
    pages = cloud.sagemaker.get_paginator("list_processing_jobs").paginate(
        NameContains="LISTED", PaginationConfig={"PageSize": 2}
    )
    found = [[item["ProcessingJobName"] for item in page["ProcessingJobSummaries"]] for page in pages]
    assert found == [["listed-a", "listed-b"], ["listed-c"]]
    (failed,) = cloud.sagemaker.list_processing_jobs(NameContains="listed", StatusEquals="Failed")[
        "ProcessingJobSummaries"
    ]
    assert (failed["ProcessingJobName"], failed["FailureReason"]) == (
        "listed-b",
        "AlgorithmError: , exit code: 1",
    )
    assert "AppSpecification" not in failed


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cluster": {"InstanceCount": 2}}, "exactly one instance"),
        ({"AppSpecification": {"ImageUri": IMAGE}}, "ContainerEntrypoint"),
        ({"inputs": [s3_input("x", "s3://b/k", S3InputMode="Pipe")]}, "input 'x' has S3InputMode File"),
        ({"inputs": [s3_input("x", "s3://b/k", S3CompressionType="Gzip")]}, "Gzip can only be used"),
        ({"inputs": [s3_input("x", "s3://b/k", LocalPath="/opt/ml/processing/../x")]}, "must begin with"),
        ({"inputs": [s3_input("x", "s3://b/k", LocalPath="/opt/ml/processing/code/")]}, "is there twice"),
        ({"outputs": [s3_output("x", LocalPath="/tmp/out")]}, "must begin with /opt/ml/processing/"),
        ({"RoleArn": "arn:aws:iam::000000000000:role/nobody"}, "Could not assume role"),
        ({"ProcessingJobName": "bad name!"}, "Value 'bad name!' at 'processingJobName' failed to satisfy"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 0}}, "stoppingCondition.maxRuntimeInSeconds"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_starts(cloud, changes, words):
    code, message = refusal(lambda: process(cloud, "beyond", "pass", **changes))
    assert code == "ValidationException"
    assert words in message
    assert refusal(cloud.sagemaker.describe_processing_job, ProcessingJobName="beyond")[1].startswith("Could")
