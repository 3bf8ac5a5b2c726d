"""What is refused and counted of processing jobs, in AWS's own words (conformance item 20)."""

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
