"""InvokeEndpointAsync: S3 in, S3 out, the failure path, notifications (conformance item 15)."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.sagemaker.harness import BUCKET, Cloud, refusal, wait_for
from tests.integration.sagemaker.hosting import model, serve, variant

ALLOWED = [{"Effect": "Allow", "Action": ["s3:*", "logs:*", "sns:Publish"], "Resource": "*"}]


def topic_with_queue(cloud: Cloud, name: str) -> tuple[str, str]:
    sns, sqs = cloud.client("sns"), cloud.client("sqs")
    topic = str(sns.create_topic(Name=name)["TopicArn"])
    url = str(sqs.create_queue(QueueName=name)["QueueUrl"])
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    # Without this SNS may not send to the queue, here as on AWS.
    allow = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
    policy = {"Version": "2012-10-17", "Statement": [allow | {"Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return topic, url


class Waiting:
    """An asynchronous endpoint, and the queues that hear of what it does."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        success, self.successes = topic_with_queue(cloud, "async-success")
        failure, self.failures = topic_with_queue(cloud, "async-failure")
        output = {
            "S3OutputPath": f"s3://{BUCKET}/async/out",
            "S3FailurePath": f"s3://{BUCKET}/async/failed",
            "NotificationConfig": {"SuccessTopic": success, "ErrorTopic": failure},
        }
        self.config = {"OutputConfig": output, "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 1}}
        waiter = model(cloud, "waiter", ExecutionRoleArn=cloud.create_role("waiter", ALLOWED))
        serve(cloud, "waiting", variant(waiter), AsyncInferenceConfig=self.config)

    def invoke(self, text: str, **more: Any) -> dict[str, Any]:
        source = self.cloud.put(f"async/in/{text}", text)
        answer: dict[str, Any] = self.cloud.runtime.invoke_endpoint_async(
            **{"EndpointName": "waiting", "InputLocation": source, "ContentType": "text/plain"} | more
        )
        return answer

    def object_at(self, uri: str) -> bytes:
        """Wait for what is put there."""

        def found() -> bytes | None:
            try:
                return self.cloud.get(uri.removeprefix(f"s3://{BUCKET}/"))
            except ClientError:
                return None

        return wait_for(found, 20, f"{uri} is there")

    def heard(self, url: str, inference_id: str) -> dict[str, Any]:
        """Wait for the message about one inference."""
        sqs = self.cloud.client("sqs")

        def found() -> dict[str, Any] | None:
            for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
                body: dict[str, Any] = json.loads(message["Body"])
                if body["inferenceId"] == inference_id:
                    return body
            return None

        return wait_for(found, 15, f"a message about {inference_id}")


@pytest.fixture(scope="module")
def waiting(cloud: Cloud) -> Waiting:
    return Waiting(cloud)


def test_an_answer_is_put_where_the_call_said_and_told_of(waiting: Waiting) -> None:
    answer = waiting.invoke("hello", InferenceId="mine-1")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["InferenceId"] == "mine-1"
    assert answer["OutputLocation"].startswith(f"s3://{BUCKET}/async/out/")
    assert waiting.object_at(answer["OutputLocation"]) == b"waiter got hello"
    message = waiting.heard(waiting.successes, "mine-1")
    assert (message["invocationStatus"], message["eventName"]) == ("Completed", "InferenceResult")
    assert message["requestParameters"] == {
        "contentType": "text/plain",
        "endpointName": "waiting",
        "inputLocation": f"s3://{BUCKET}/async/in/hello",
    }
    assert message["responseParameters"]["outputLocation"] == answer["OutputLocation"]


def test_a_model_that_fails_leaves_the_reason_at_the_failure_path_and_says_so(waiting: Waiting) -> None:
    answer = waiting.invoke("fail")
    assert answer["FailureLocation"].startswith(f"s3://{BUCKET}/async/failed/")
    assert b"Received server error (500) from primary" in waiting.object_at(answer["FailureLocation"])
    message = waiting.heard(waiting.failures, answer["InferenceId"])
    assert message["invocationStatus"] == "Failed"
    assert "Received server error (500)" in message["failureReason"]


def test_an_input_that_is_not_there_is_a_failure_that_names_it(waiting: Waiting) -> None:
    missing = f"s3://{BUCKET}/async/in/nothing"
    answer = waiting.invoke("other", InputLocation=missing)
    assert missing.encode() in waiting.object_at(answer["FailureLocation"])


def test_requests_wait_their_turn_where_one_is_done_at_a_time(waiting: Waiting) -> None:
    slow, late = waiting.invoke("slow"), waiting.invoke("late")
    assert waiting.object_at(late["OutputLocation"]) == b"waiter got late"
    key = slow["OutputLocation"].removeprefix(f"s3://{BUCKET}/")
    assert waiting.cloud.get(key) == b"waiter got slow"


def test_each_kind_of_endpoint_takes_its_own_kind_of_call(cloud: Cloud, waiting: Waiting) -> None:
    described = cloud.sagemaker.describe_endpoint(EndpointName="waiting")
    assert described["AsyncInferenceConfig"] == waiting.config
    code, message = refusal(cloud.runtime.invoke_endpoint, EndpointName="waiting", Body="x")
    assert (code, "takes InvokeEndpointAsync only" in message) == ("ValidationError", True)
    serve(cloud, "not-waiting", variant(model(cloud, "direct")))
    code, message = refusal(lambda: waiting.invoke("x", EndpointName="not-waiting"))
    assert (code, "has no AsyncInferenceConfig" in message) == ("ValidationError", True)
    unknown = refusal(lambda: waiting.invoke("x", EndpointName="nobody"))
    assert unknown == ("ValidationError", "Endpoint nobody of account 000000000000 not found.")
