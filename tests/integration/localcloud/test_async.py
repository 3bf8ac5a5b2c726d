"""Asynchronous invocations: bounded, retried, never lost without a trace."""

import json
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ClientError

from tests.integration.localcloud.cloud import (
    Cloud,
    call,
    make_function,
    make_queue,
    policy,
    receive,
    unique,
    wait_for,
)

FAILS = "def handler(event, context): raise ValueError('never')"
REPORTS = """
import boto3, json, os, time
def handler(event, context):
    start = time.time()
    time.sleep(event.get("detail", event).get("sleep", 0))
    text = json.dumps({"start": start, "end": time.time(), "event": event})
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=text)
"""
MAY_SEND = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}


def _rule_for(cloud: Cloud, function: str, permitted: bool = True, dead_letters: str | None = None) -> str:
    """Make a rule for a source of its own that invokes the function; return the source."""
    events, source = cloud.client("events"), unique("source")
    rule = events.put_rule(Name=source, EventPattern=json.dumps({"source": [source]}))["RuleArn"]
    target: dict[str, object] = {
        "Id": "1",
        "Arn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}",
    }
    if dead_letters:
        target |= {"DeadLetterConfig": {"Arn": dead_letters}}
    events.put_targets(Rule=source, Targets=[target])
    if permitted:
        cloud.client("lambda").add_permission(
            FunctionName=function,
            StatementId=unique("may"),
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=rule,
        )
    return source


def _put(cloud: Cloud, source: str, **detail: object) -> None:
    cloud.client("events").put_events(
        Entries=[{"Source": source, "DetailType": "T", "Detail": json.dumps(detail)}]
    )


def test_an_event_that_always_fails_ends_at_the_destination_after_three_runs(cloud: Cloud) -> None:
    name = make_function(cloud, FAILS)
    url, arn = make_queue(cloud)
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')
    record = json.loads(receive(cloud, url)["Body"])
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestPayload"] == {"a": 1}
    assert record["responsePayload"]["errorMessage"] == "never"


def test_an_event_of_a_rule_is_retried_and_ends_in_the_functions_dead_letter_queue(cloud: Cloud) -> None:
    url, arn = make_queue(cloud)
    name = make_function(cloud, FAILS, DeadLetterConfig={"TargetArn": arn})
    _put(cloud, _rule_for(cloud, name), n=7)
    letter = receive(cloud, url)
    assert json.loads(letter["Body"])["detail"] == {"n": 7}
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "never"
    starts = cloud.client("logs").filter_log_events(
        logGroupName=f"/aws/lambda/{name}", filterPattern="START"
    )["events"]
    assert len(starts) == 3


def test_no_retries_means_one_run(cloud: Cloud) -> None:
    name = make_function(cloud, FAILS)
    url, arn = make_queue(cloud)
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    assert json.loads(receive(cloud, url)["Body"])["requestContext"]["approximateInvokeCount"] == 1


def test_a_rule_whose_function_is_gone_keeps_the_event_in_its_dead_letter_queue(cloud: Cloud) -> None:
    url, arn = make_queue(cloud)
    _put(cloud, _rule_for(cloud, unique("gone"), permitted=False, dead_letters=arn), n=1)
    letter = receive(cloud, url)
    assert json.loads(letter["Body"])["detail"] == {"n": 1}
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "RESOURCE_NOT_FOUND"


def test_a_function_that_does_not_permit_the_rule_is_not_invoked(cloud: Cloud) -> None:
    url, arn = make_queue(cloud)
    name = make_function(cloud, FAILS)
    _put(cloud, _rule_for(cloud, name, permitted=False, dead_letters=arn))
    assert receive(cloud, url)["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "NO_PERMISSIONS"


def test_a_queue_that_denies_plain_http_still_gets_the_letters_of_functions_and_rules(cloud: Cloud) -> None:
    url, arn = make_queue(cloud)
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(_only_over_tls(arn))})
    name = make_function(cloud, FAILS, DeadLetterConfig={"TargetArn": arn})
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": arn}}
    )
    cloud.client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')
    bodies = [json.loads(_taken(cloud, url)["Body"]) for _ in range(2)]
    assert {"a": 1} in bodies
    assert {"a": 1} in [body.get("requestPayload") for body in bodies]
    _put(cloud, _rule_for(cloud, unique("gone"), permitted=False, dead_letters=arn), n=1)
    assert json.loads(_taken(cloud, url)["Body"])["detail"] == {"n": 1}


def test_a_queue_that_denies_plain_http_denies_it(cloud: Cloud) -> None:
    url, arn = make_queue(cloud)
    cloud.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy(_only_over_tls(arn))})
    plain = cloud.client("sqs")

    def unencrypted(request: AWSPreparedRequest, **_: object) -> None:
        request.headers["x-forwarded-proto"] = "http"

    plain.meta.events.register("before-send.sqs", unencrypted)
    with pytest.raises(ClientError, match="AccessDenied"):
        plain.send_message(QueueUrl=url, MessageBody="plain")


def _only_over_tls(arn: str) -> dict[str, object]:
    return {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def _taken(cloud: Cloud, url: str) -> dict[str, Any]:
    """Receive one message and delete it, so that the next receive finds the next one."""
    message = receive(cloud, url)
    cloud.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return message


def test_never_more_than_three_events_run_at_a_time(cloud: Cloud) -> None:
    url, _arn = make_queue(cloud)
    name = make_function(cloud, REPORTS, MAY_SEND, Environment={"Variables": {"QUEUE": url}}, Timeout=30)
    source = _rule_for(cloud, name)
    for _ in range(8):
        _put(cloud, source, sleep=0.3)
    runs = [json.loads(receive(cloud, url, 30)["Body"]) for _ in range(8)]
    together = [sum(other["start"] <= run["start"] < other["end"] for other in runs) for run in runs]
    assert 1 < max(together) <= 3


def test_an_upload_reaches_a_function_with_the_version_of_its_object(cloud: Cloud) -> None:
    url, _arn = make_queue(cloud)
    name = make_function(cloud, REPORTS, MAY_SEND, Environment={"Variables": {"QUEUE": url}})
    s3, bucket = cloud.client("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    _uploads(cloud, bucket, name)
    version = s3.put_object(Bucket=bucket, Key="in/a b+é.csv", Body=b"x")["VersionId"]
    event = json.loads(receive(cloud, url)["Body"])["event"]
    assert event["detail"]["object"]["version-id"] == version
    assert event["detail"]["object"]["key"] == "in/a b+é.csv"


def _uploads(cloud: Cloud, bucket: str, function: str) -> None:
    events, rule = cloud.client("events"), unique("uploads")
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    arn = events.put_rule(Name=rule, EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(
        Rule=rule, Targets=[{"Id": "1", "Arn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}"}]
    )
    cloud.client("lambda").add_permission(
        FunctionName=function,
        StatementId="may",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=arn,
    )


def test_a_tls_only_bucket_lets_a_function_in(cloud: Cloud) -> None:
    s3, bucket = cloud.client("s3"), unique("bucket")
    s3.create_bucket(Bucket=bucket)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(deny))
    source = f"""
import boto3
def handler(event, context):
    boto3.client("s3").put_object(Bucket="{bucket}", Key="k", Body=b"x")
    return "written"
"""
    may = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    assert call(cloud, make_function(cloud, source, may)) == ("written", None)


def test_health_tells_the_queue(cloud: Cloud) -> None:
    import urllib.request

    def idle() -> dict[str, object] | None:
        with urllib.request.urlopen(cloud.url + "/_localcloud/health") as answer:
            health: dict[str, object] = json.loads(answer.read())
        return health if health["async_queue_depth"] == health["async_running"] == 0 else None

    health = wait_for(idle)
    assert health["ministack"] == "1.5.33"
    assert "async_invocations" in health["mends"]  # type: ignore[operator]
