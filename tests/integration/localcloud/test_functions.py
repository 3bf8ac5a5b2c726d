"""Lambda behaves as in AWS: environment, failures, limits, logs."""

import os

import pytest
from botocore.exceptions import ClientError

from tests.integration.localcloud.cloud import Cloud, call, make_function, make_role, unique, wait_for, zip_of

ENVIRONMENT = """
import os, sys
def handler(event, context):
    return {"variables": dict(os.environ), "tmp": os.environ["TMPDIR"], "path": sys.path, "flags": sys.flags.isolated}
"""
FAILS_ON_DEMAND = """
import os
def handler(event, context):
    print("saw", event)
    if event.get("fail"):
        raise ValueError("on purpose")
    return os.getpid()
"""


def test_a_function_sees_its_own_variables_and_none_of_the_servers(cloud: Cloud) -> None:
    name = make_function(cloud, ENVIRONMENT, Environment={"Variables": {"MINE": "yes", "LOG_LEVEL": "INFO"}})
    seen, _ = call(cloud, name)
    variables = seen["variables"]
    assert variables["MINE"] == "yes"
    assert variables["LOG_LEVEL"] == "INFO", "equal to a variable of the server, but the function's own"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == name
    assert variables["AWS_ENDPOINT_URL"] == cloud.url
    assert not {"AUTH", "PERSIST_STATE", "STATE_DIR", "GATEWAY_PORT", "PYTHONPATH"} & variables.keys()
    assert variables["HOME"] != os.environ.get("HOME")
    assert seen["flags"] == 1


@pytest.mark.parametrize("package", ["ministack", "chalice", "msgspec", "pytest"])
def test_a_function_cannot_import_the_tools(cloud: Cloud, package: str) -> None:
    name = make_function(cloud, f"import {package}\ndef handler(event, context): return 1")
    failure, kind = call(cloud, name)
    assert kind == "Unhandled"
    assert failure["errorType"] == "Runtime.ImportModuleError"
    assert failure["errorMessage"] == f"Unable to import module 'app': No module named '{package}'"


def test_an_exception_reaches_the_caller_and_the_worker_lives_on(cloud: Cloud) -> None:
    name = make_function(cloud, FAILS_ON_DEMAND)
    before, _ = call(cloud, name)
    failure, kind = call(cloud, name, {"fail": True})
    after, _ = call(cloud, name)
    assert kind == "Unhandled"
    assert (failure["errorType"], failure["errorMessage"]) == ("ValueError", "on purpose")
    assert 'raise ValueError("on purpose")' in failure["stackTrace"][-1]
    assert before == after, "the same process serves again"


def test_what_a_function_prints_is_in_its_log_group(cloud: Cloud) -> None:
    name = make_function(cloud, FAILS_ON_DEMAND)
    call(cloud, name, {"fail": True})
    events = cloud.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{name}")["events"]
    lines = [event["message"] for event in events]
    assert "saw {'fail': True}" in lines
    assert "[ERROR] ValueError: on purpose" in lines
    assert not [line for line in lines if "localcloud" in line], "the end mark is not part of the log"


def test_a_function_that_takes_too_long_is_ended(cloud: Cloud) -> None:
    source = "import time\ndef handler(event, context): time.sleep(30)"
    failure, kind = call(cloud, make_function(cloud, source, Timeout=1))
    assert kind == "Unhandled"
    assert failure["errorType"] == "Sandbox.Timedout"
    assert failure["errorMessage"].endswith("Task timed out after 1.00 seconds")


@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("import os\ndef handler(event, context): os._exit(3)", "Runtime.ExitError"),
        ("def handler(event, context): return {1}", "Runtime.MarshalError"),
        ("def other(event, context): return 1", "Runtime.HandlerNotFound"),
        ("def handler(", "Runtime.UserCodeSyntaxError"),
        ("def handler(event, context): return 'x' * 7_000_000", "Function.ResponseSizeTooLarge"),
    ],
)
def test_failures_have_the_names_aws_gives_them(cloud: Cloud, source: str, error_type: str) -> None:
    failure, kind = call(cloud, make_function(cloud, source))
    assert (kind, failure["errorType"]) == ("Unhandled", error_type)


@pytest.mark.parametrize(("kind", "limit"), [("RequestResponse", 6_291_456), ("Event", 1_048_576)])
def test_a_payload_beyond_the_limit_is_refused(cloud: Cloud, kind: str, limit: int) -> None:
    name = make_function(cloud, "def handler(event, context): return 1")
    client = cloud.client("lambda")
    fits = b'"' + b"x" * (limit - 2) + b'"'
    client.invoke(FunctionName=name, InvocationType=kind, Payload=fits)
    with pytest.raises(ClientError, match="payload is too large") as refused:
        client.invoke(FunctionName=name, InvocationType=kind, Payload=fits[:-1] + b'x"')
    assert refused.value.response["Error"]["Code"] == "RequestEntityTooLargeException"


def test_a_zip_beyond_50_mb_is_refused(cloud: Cloud) -> None:
    package = zip_of("def handler(event, context): return 1", ballast=bytes(53_000_000))
    with pytest.raises(ClientError, match="Request must be smaller than 70167211 bytes"):
        cloud.client("lambda").create_function(
            FunctionName=unique("fat"),
            Runtime="python3.12",
            Handler="app.handler",
            Role=make_role(cloud),
            Code={"ZipFile": package},
        )


def test_a_call_the_role_does_not_grant_is_denied(cloud: Cloud) -> None:
    source = """
import boto3
def handler(event, context):
    try:
        boto3.client("s3").list_buckets()
    except Exception as error:
        return error.response["Error"]["Code"]
"""
    grant = {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"}
    assert call(cloud, make_function(cloud, source)) == ("AccessDenied", None)
    assert call(cloud, make_function(cloud, source, grant)) == (None, None)


def test_a_function_announces_only_in_the_name_its_policy_allows(cloud: Cloud) -> None:
    source = """
import boto3
def handler(event, context):
    entries = [{"Source": name, "DetailType": "t", "Detail": "{}"} for name in event["sources"]]
    try:
        boto3.client("events").put_events(Entries=entries)
    except Exception as error:
        return error.response["Error"]["Code"]
"""
    grant = {
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Resource": "arn:aws:events:us-east-1:000000000000:event-bus/default",
        "Condition": {
            "ForAllValues:StringEquals": {"events:source": "shop.orders"},
            "Null": {"events:source": "false"},
        },
    }
    name = make_function(cloud, source, grant)
    assert call(cloud, name, {"sources": ["shop.orders"]}) == (None, None)
    assert call(cloud, name, {"sources": ["shop.orders", "shop.payments"]}) == ("AccessDeniedException", None)


def test_a_new_function_is_active_at_once(cloud: Cloud) -> None:
    name = make_function(cloud, "def handler(event, context): return 1")
    client = cloud.client("lambda")
    state = wait_for(lambda: client.get_function_configuration(FunctionName=name)["State"] == "Active", 1.0)
    assert state
