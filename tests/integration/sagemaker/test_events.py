"""State-change events as rules and targets get them (conformance item 17)."""

import json
from typing import Any

import pytest

from tests.integration.sagemaker.harness import Cloud, wait_for
from tests.integration.sagemaker.processing import process, wait_for_end


def queue_for(cloud: Cloud, name: str, pattern: dict[str, Any]) -> str:
    """Send every event that matches the pattern to a queue of its own; return its URL."""
    return queue_of_rule(cloud, name, EventPattern=json.dumps(pattern))


def queue_of_rule(cloud: Cloud, name: str, **rule: str) -> str:
    """Make a rule whose target is a queue of its own; return the queue's URL."""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_rule(Name=name, **rule)
    events.put_targets(Rule=name, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def received(cloud: Cloud, url: str, count: int) -> list[dict[str, Any]]:
    """Wait for that many events, and a moment for one too many."""
    sqs = cloud.client("sqs")
    found: list[dict[str, Any]] = []

    def take() -> bool:
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            found.append(json.loads(message["Body"]))
        return len(found) >= count

    wait_for(take, 15, f"{count} events arrive")
    take()
    return found


@pytest.fixture(scope="module")
def job_events(cloud: Cloud) -> list[dict[str, Any]]:
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Training Job State Change"]}
    url = queue_for(cloud, "jobs", pattern | {"detail": {"TrainingJobName": [{"prefix": "told-"}]}})
    cloud.train("told-job", "pass", Tags=[{"Key": "team", "Value": "water"}])
    cloud.wait_for_job("told-job")
    return sorted(
        received(cloud, url, 5), key=lambda event: len(event["detail"]["SecondaryStatusTransitions"])
    )


def test_every_secondary_status_of_a_job_is_an_event(job_events):
    stages = [event["detail"]["SecondaryStatus"] for event in job_events]
    assert stages == ["Starting", "Downloading", "Training", "Uploading", "Completed"]


def test_the_detail_of_a_job_event_is_its_description_with_milliseconds_and_tags_as_an_object(
    job_events, cloud
):
    last = job_events[-1]
    detail = last["detail"]
    described = cloud.sagemaker.describe_training_job(TrainingJobName="told-job")
    assert last["resources"] == [described["TrainingJobArn"]]
    assert (last["account"], last["region"]) == ("000000000000", "us-east-1")
    assert detail["TrainingJobStatus"] == "Completed"
    assert detail["Tags"] == {"team": "water"}
    assert detail["HyperParameters"] == described["HyperParameters"]
    assert detail["CreationTime"] == int(described["CreationTime"].timestamp() * 1000)
    assert isinstance(detail["SecondaryStatusTransitions"][0]["StartTime"], int)


def test_the_event_of_a_job_that_failed_says_why(cloud):
    pattern = {"source": ["aws.sagemaker"], "detail": {"TrainingJobStatus": ["Failed"]}}
    url = queue_for(cloud, "failed", pattern | {"detail-type": ["SageMaker Training Job State Change"]})
    cloud.train("told-failure", "raise SystemExit(3)")
    reason = cloud.wait_for_job("told-failure")["FailureReason"]
    details = [event["detail"] for event in received(cloud, url, 1)]
    told = [detail for detail in details if detail["TrainingJobName"] == "told-failure"]
    assert [(detail["SecondaryStatus"], detail["FailureReason"]) for detail in told] == [("Failed", reason)]


def test_every_status_of_a_processing_job_is_an_event_with_its_description_in_milliseconds(cloud):
    pattern = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Processing Job State Change"]}
    url = queue_for(cloud, "processing", pattern | {"detail": {"ProcessingJobName": [{"prefix": "told-"}]}})
    process(cloud, "told-p", "pass", Tags=[{"Key": "team", "Value": "water"}])
    job = wait_for_end(cloud, "told-p")
    events = {event["detail"]["ProcessingJobStatus"]: event for event in received(cloud, url, 2)}
    assert events.keys() == {"InProgress", "Completed"}
    detail = events["Completed"]["detail"]
    assert events["Completed"]["resources"] == [job["ProcessingJobArn"]]
    assert detail["Tags"] == {"team": "water"}
    assert detail["ProcessingEndTime"] == int(job["ProcessingEndTime"].timestamp() * 1000)
    assert detail["AppSpecification"] == job["AppSpecification"]


def test_endpoint_events_spell_in_service_in_capitals_so_a_rule_on_the_apis_word_never_matches(cloud):
    kind = {"source": ["aws.sagemaker"], "detail-type": ["SageMaker Endpoint State Change"]}
    everything = queue_for(cloud, "endpoints", kind | {"detail": {"EndpointName": ["told-endpoint"]}})
    wrong = queue_for(cloud, "wrong", kind | {"detail": {"EndpointStatus": ["InService"]}})
    cloud.deploy("told-endpoint", "def model_fn(folder): return None")
    cloud.wait_for_endpoint("told-endpoint")
    cloud.sagemaker.delete_endpoint(EndpointName="told-endpoint")
    found = received(cloud, everything, 3)
    assert {event["detail"]["EndpointStatus"] for event in found} == {"CREATING", "IN_SERVICE", "DELETING"}
    (ready,) = [event["detail"] for event in found if event["detail"]["EndpointStatus"] == "IN_SERVICE"]
    assert isinstance(ready["LastModifiedTime"], int)
    assert ready["Tags"] == {}
    assert "Messages" not in cloud.client("sqs").receive_message(QueueUrl=wrong)
