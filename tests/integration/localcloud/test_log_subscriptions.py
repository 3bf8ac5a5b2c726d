"""Log subscriptions deliver to functions as AWS documents: permitted, matching, gathered, retried."""

import base64
import gzip
import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.localcloud.cloud import Cloud, call, make_function, make_queue, receive, unique

SPEAKS = """
import json
def handler(event, context):
    for line in event["lines"]:
        print(json.dumps(line) if isinstance(line, dict) else line)
"""
FAILS = "def handler(event, context): raise ValueError('never')"
PATTERN = '{ $.log = "mine" }'


def _subscribe(cloud: Cloud, speaker: str, reader: str) -> str:
    """Connect the log of *speaker* to *reader*; return the log group."""
    group = f"/aws/lambda/{speaker}"
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName=group)
    cloud.client("lambda").add_permission(
        FunctionName=reader,
        StatementId="log",
        Action="lambda:InvokeFunction",
        Principal="logs.amazonaws.com",
        SourceArn=f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*",
    )
    logs.put_subscription_filter(
        logGroupName=group, filterName="mine", filterPattern=PATTERN, destinationArn=_arn(reader)
    )
    return group


def _arn(function: str) -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:function:{function}"


def test_what_matches_is_delivered_and_what_fails_three_times_is_kept(cloud: Cloud) -> None:
    url, queue = make_queue(cloud)
    reader, speaker = make_function(cloud, FAILS), make_function(cloud, SPEAKS)
    cloud.client("lambda").put_function_event_invoke_config(
        FunctionName=reader, DestinationConfig={"OnFailure": {"Destination": queue}}
    )
    group = _subscribe(cloud, speaker, reader)
    call(
        cloud,
        speaker,
        {"lines": [{"log": "mine", "n": 1}, "log mine", {"log": "other"}, {"log": "mine", "n": 2}]},
    )
    record: dict[str, Any] = json.loads(receive(cloud, url)["Body"])
    assert record["requestContext"]["approximateInvokeCount"] == 3
    packed = base64.b64decode(record["requestPayload"]["awslogs"]["data"])
    content = json.loads(gzip.decompress(packed))
    assert (content["messageType"], content["logGroup"]) == ("DATA_MESSAGE", group)
    told = [json.loads(event["message"]) for event in content["logEvents"]]
    assert told == [{"log": "mine", "n": 1}, {"log": "mine", "n": 2}]


def test_a_function_that_does_not_let_the_log_in_cannot_be_subscribed(cloud: Cloud) -> None:
    reader, group = make_function(cloud, FAILS), unique("group")
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName=group)
    with pytest.raises(ClientError, match="given CloudWatch Logs permission"):
        logs.put_subscription_filter(
            logGroupName=group, filterName="mine", filterPattern="", destinationArn=_arn(reader)
        )
