"""What AWS does to endpoints and to jobs of other kinds, made on request through the door for tests."""

from collections.abc import Callable

import pytest

from tests.integration.sagemaker.harness import BUCKET, Cloud, refusal, wait_for
from tests.integration.sagemaker.hosting import ask, configure, model, model_error, serve, variant
from tests.integration.sagemaker.processing import process, wait_for_end
from tests.integration.sagemaker.test_events import queue_for, received

Make = Callable[..., None]
ME = "^faulty$"


@pytest.fixture(scope="module")
def faulty(cloud: Cloud) -> str:
    return serve(cloud, "faulty", variant(model(cloud, "sound")))


def test_an_endpoint_answers_slowly_as_often_as_asked_and_too_late_where_that_is_too_long(
    cloud: Cloud, faulty: str, faults: Make
) -> None:
    faults({"fault": "slow-answer", "endpoints": ME, "after_s": 60})
    error = model_error(cloud, faulty)
    assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 0)
    assert error["OriginalMessage"].startswith("Your invocation timed out")
    assert ask(cloud, faulty) == "sound got x"


def test_an_endpoint_fails_like_a_container_that_fails(cloud: Cloud, faulty: str, faults: Make) -> None:
    faults({"fault": "failing-answer", "endpoints": ME, "times": 2})
    for _ in range(2):
        error = model_error(cloud, faulty)
        assert (error["Error"]["Code"], error["OriginalStatusCode"]) == ("ModelError", 500)
    assert ask(cloud, faulty) == "sound got x"


def test_throttles_and_lost_answers_reach_both_planes_of_an_endpoint(
    cloud: Cloud, faulty: str, faults: Make
) -> None:
    faults(
        {"fault": "throttle", "endpoints": ME, "operation": "InvokeEndpoint"},
        {"fault": "throttle", "endpoints": ME, "operation": "DescribeEndpoint"},
        {"fault": "lose-answer", "endpoints": "^unheard$", "operation": "CreateEndpoint"},
    )
    throttled = ("ThrottlingException", "Rate exceeded")
    assert refusal(cloud.runtime.invoke_endpoint, EndpointName=faulty, Body="x") == throttled
    assert refusal(cloud.sagemaker.describe_endpoint, EndpointName=faulty) == throttled
    assert ask(cloud, faulty) == "sound got x"
    request = {"EndpointName": "unheard", "EndpointConfigName": faulty}
    assert refusal(cloud.sagemaker.create_endpoint, **request)[0] == "InternalFailure"
    assert cloud.wait_for_endpoint("unheard")["EndpointStatus"] == "InService"


def test_an_endpoint_without_an_instance_fails_and_one_over_the_quota_is_refused(
    cloud: Cloud, faulty: str, faults: Make
) -> None:
    faults({"fault": "capacity", "endpoints": "^starved$"}, {"fault": "quota", "endpoints": "^one-too-many$"})
    cloud.sagemaker.create_endpoint(EndpointName="starved", EndpointConfigName=faulty)
    endpoint = cloud.wait_for_endpoint("starved")
    assert endpoint["EndpointStatus"] == "Failed"
    assert "InsufficientInstanceCapacity" in endpoint["FailureReason"]
    code, message = refusal(
        cloud.sagemaker.create_endpoint, EndpointName="one-too-many", EndpointConfigName=faulty
    )
    assert code == "ResourceLimitExceeded"
    assert "'ml.m5.large for endpoint usage' is 0 Instances" in message


def test_state_changes_of_endpoints_are_told_twice_or_not_at_all(
    cloud: Cloud, faulty: str, faults: Make
) -> None:
    pattern = {"source": ["aws.sagemaker"], "detail": {"EndpointName": ["misheard-endpoint"]}}
    url = queue_for(cloud, "misheard-endpoint", pattern)
    faults(
        {"fault": "lose-event", "endpoints": "^misheard-endpoint$", "status": "Creating"},
        {"fault": "double-event", "endpoints": "^misheard-endpoint$", "status": "InService"},
    )
    cloud.sagemaker.create_endpoint(EndpointName="misheard-endpoint", EndpointConfigName=faulty)
    cloud.wait_for_endpoint("misheard-endpoint")
    told = [event["detail"]["EndpointStatus"] for event in received(cloud, url, 2)]
    assert told == ["IN_SERVICE", "IN_SERVICE"]


def test_jobs_of_every_kind_are_throttled_limited_and_fail_for_want_of_capacity(
    cloud: Cloud, faults: Make
) -> None:
    faults(
        {"fault": "throttle", "jobs": "^meagre$", "operation": "CreateProcessingJob"},
        {"fault": "quota", "jobs": "^meagre"},
        {"fault": "capacity", "jobs": "^meagre$"},
        {"fault": "quota", "jobs": "^short$"},
    )
    assert refusal(lambda: process(cloud, "meagre", "pass"))[0] == "ThrottlingException"
    code, message = refusal(lambda: process(cloud, "meagre", "pass"))
    assert (code, "processing job usage' is 0 Instances" in message) == ("ResourceLimitExceeded", True)
    process(cloud, "meagre", "pass")
    assert wait_for_end(cloud, "meagre")["FailureReason"].startswith("CapacityError: ")
    model(cloud, "short-model")
    request = {
        "TransformJobName": "short",
        "ModelName": "short-model",
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/none/"}}
        },
        "TransformOutput": {"S3OutputPath": f"s3://{BUCKET}/nowhere"},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
    }
    code, message = refusal(cloud.sagemaker.create_transform_job, **request)
    assert (code, "transform job usage' is 0 Instances" in message) == ("ResourceLimitExceeded", True)


def test_faults_of_endpoints_leave_jobs_alone(cloud: Cloud, faults: Make) -> None:
    faults({"fault": "capacity", "endpoints": ".*"})
    configure(cloud, "unharmed", variant(model(cloud, "unharmed")))
    process(cloud, "unharmed", "pass")
    assert wait_for_end(cloud, "unharmed")["ProcessingJobStatus"] == "Completed"
    cloud.sagemaker.create_endpoint(EndpointName="unharmed", EndpointConfigName="unharmed")
    wait_for(
        lambda: cloud.sagemaker.describe_endpoint(EndpointName="unharmed")["EndpointStatus"] == "Failed",
        20,
        "the fault finds its endpoint",
    )
