"""The pure parts of the mends, and the promise that they notice a changed MiniStack."""

import base64
import gzip
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from localcloud.errors import PatchPointMissing
from localcloud.mends import MENDS, names
from localcloud.mends.cloudformation_properties import lifecycle_xml
from localcloud.mends.dead_letters import function_letter, invocation_record, rule_letter
from localcloud.mends.handler_answer import END_OF_LOG, answer_line, load_failure
from localcloud.mends.lambda_environment import lambda_variables
from localcloud.mends.lambda_failures import in_words_of_aws
from localcloud.mends.lambda_limits import refusal_of
from localcloud.mends.log_subscriptions import Stream, batches, envelope, match_json
from localcloud.mends.object_events import with_version
from localcloud.mends.patch_points import require
from localcloud.mends.rule_targets import permits

RULE = "arn:aws:events:us-east-1:000000000000:rule/mine"


def patched() -> str:
    """Stand for a function of MiniStack."""
    return "as expected"


def test_a_missing_attribute_names_mend_and_version() -> None:
    with pytest.raises(PatchPointMissing, match=r"mend 'x' finds no thing\.gone in MiniStack 1\.5\.33"):
        require("x", SimpleNamespace(__name__="thing"), "gone")


def test_changed_source_is_noticed() -> None:
    owner = SimpleNamespace(__name__="thing", patched=patched, text="some script")
    assert require("x", owner, "patched", "as expected") is patched
    assert require("x", owner, "text", "script") == "some script"
    with pytest.raises(PatchPointMissing, match="something else"):
        require("x", owner, "patched", "something else")


def test_every_mend_has_a_name_of_its_own_and_says_why() -> None:
    assert len(set(names())) == len(MENDS) + 1
    for name, mend in MENDS:
        assert "AWS:" in (mend.__doc__ or ""), name
        assert "MiniStack 1.5.33:" in (mend.__doc__ or ""), name


def test_a_lambda_sees_what_aws_defines_and_what_is_its_own() -> None:
    server = {"AUTH": "true", "PATH": "/home/me/bin", "TZ": "Europe/Berlin"}
    spawned = {
        **server,
        "MINE": "1",
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "TZ": "Asia/Tokyo",
    }
    seen = lambda_variables(spawned, server, Path("/scratch"))
    assert "AUTH" not in seen
    assert seen["MINE"] == "1"
    assert seen["TZ"] == "Asia/Tokyo", "set by the function itself"
    assert seen["PATH"] == "/usr/local/bin:/usr/bin:/bin:/opt/bin"
    assert seen["AWS_LAMBDA_LOG_GROUP_NAME"] == "/aws/lambda/f"
    assert seen["HOME"] == "/scratch"


def test_the_services_variables_stay_even_where_the_server_has_the_same() -> None:
    assert lambda_variables({"AWS_REGION": "r"}, {"AWS_REGION": "r"}, Path("/s"))["AWS_REGION"] == "r"


@pytest.mark.parametrize(
    ("method", "path", "kind", "size", "refused"),
    [
        ("POST", "/2015-03-31/functions/f/invocations", "RequestResponse", 6_291_456, False),
        ("POST", "/2015-03-31/functions/f/invocations", "RequestResponse", 6_291_457, True),
        ("POST", "/2015-03-31/functions/f/invocations", "Event", 1_048_577, True),
        ("POST", "/2015-03-31/functions", "", 70_167_211, False),
        ("POST", "/2015-03-31/functions", "", 70_167_212, True),
        ("PUT", "/2015-03-31/functions/f/code", "", 70_167_212, True),
        ("PUT", "/2015-03-31/functions/f/configuration", "", 70_167_212, False),
    ],
)
def test_limits_are_those_of_aws(method: str, path: str, kind: str, size: int, refused: bool) -> None:
    headers = {"x-amz-invocation-type": kind} if kind else {}
    assert (refusal_of(method, path, headers, size) is not None) is refused


def _permission(**changes: Any) -> dict[str, Any]:
    statement = {
        "Effect": "Allow",
        "Action": "lambda:InvokeFunction",
        "Principal": {"Service": "events.amazonaws.com"},
        "Condition": {"ArnLike": {"AWS:SourceArn": RULE}},
    }
    return statement | changes


@pytest.mark.parametrize(
    ("statement", "allowed"),
    [
        (_permission(), True),
        (_permission(Condition={}), True),
        (_permission(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:events:*:*:rule/*"}}), True),
        (_permission(Condition={"ArnLike": {"AWS:SourceArn": RULE + "-other"}}), False),
        (_permission(Principal={"Service": "s3.amazonaws.com"}), False),
        (_permission(Effect="Deny"), False),
        (_permission(Action="lambda:GetFunction"), False),
    ],
)
def test_a_rule_needs_the_functions_permission(statement: dict[str, Any], allowed: bool) -> None:
    assert permits([statement], RULE) is allowed


def test_a_result_is_one_line_and_the_log_ends_with_the_mark(capsys: pytest.CaptureFixture[str]) -> None:
    line = answer_line(lambda event, _context: {"got": event}, [1], None)
    assert json.loads(line) == {"status": "ok", "result": {"got": [1]}}
    assert capsys.readouterr().err == END_OF_LOG + "\n"


def test_an_exception_is_told_without_the_frames_of_the_worker(capsys: pytest.CaptureFixture[str]) -> None:
    def handler(event: object, context: object) -> None:
        raise KeyError("absent")

    failure = json.loads(answer_line(handler, {}, None))["failure"]
    assert (failure["errorType"], failure["errorMessage"]) == ("KeyError", "'absent'")
    assert len(failure["stackTrace"]) == 1
    assert "[ERROR] KeyError: 'absent'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ModuleNotFoundError("No module named 'x'"), "Runtime.ImportModuleError"),
        (SyntaxError("bad"), "Runtime.UserCodeSyntaxError"),
        (AttributeError("handler"), "Runtime.HandlerNotFound"),
        (ValueError("at import"), "ValueError"),
    ],
)
def test_failures_to_load_have_the_names_of_aws(error: Exception, kind: str) -> None:
    assert json.loads(load_failure("json", "handler", error))["errorType"] == kind


def test_only_known_texts_are_translated() -> None:
    assert in_words_of_aws("anything else", "id") is None
    timed_out = in_words_of_aws("Task timed out after 3.00 seconds", "id")
    assert timed_out == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: id Error: Task timed out after 3.00 seconds",
    }


def test_letters_carry_the_event_and_the_reason() -> None:
    result = {"body": {"errorMessage": "no", "errorType": "ValueError", "requestId": "r"}}
    record = json.loads(invocation_record("arn:aws:lambda:us-east-1:0:function:f", {"a": 1}, result, 3).body)
    assert record["requestContext"]["functionArn"].endswith(":function:f:$LATEST")
    assert record["requestPayload"] == {"a": 1}
    letter = function_letter({"a": 1}, result)
    assert json.loads(letter.body) == {"a": 1}
    assert letter.attributes["ErrorMessage"] == "no"
    assert rule_letter("{}", RULE, "arn:t", "NO_PERMISSIONS", "why").attributes["RULE_ARN"] == RULE


def test_an_event_gets_the_version_of_its_object() -> None:
    detail = json.dumps({"bucket": {"name": "b"}, "object": {"key": "k", "size": 1}})
    assert json.loads(with_version(detail, "v1"))["object"] == {"key": "k", "size": 1, "version-id": "v1"}


def test_lifecycle_rules_are_spelled_as_the_api_does() -> None:
    rule = {"Id": "a", "Status": "Enabled", "ExpirationInDays": 3, "Transitions": []}
    assert lifecycle_xml({"Rules": [rule]}) == (
        b"<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><Prefix /></Filter><ID>a</ID>"
        b"<Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>"
    )


@pytest.mark.parametrize(
    ("pattern", "message", "found"),
    [
        ('{ $.log = "prediction" }', '{"log":"prediction","a":1}', True),
        ('{ $.log = "prediction" }', '{"note":{"log":"prediction"}}', False),
        ('{ $.log = "prediction" }', "log prediction", False),
        ('{$.a.b="c" && $.d != "e"}', '{"a":{"b":"c"},"d":"f"}', True),
        ("{ $.a > 1 }", '{"a":2}', None),
        ("prediction", "prediction", None),
    ],
)
def test_a_json_pattern_looks_at_fields_and_not_at_words(
    pattern: str, message: str, found: bool | None
) -> None:
    assert match_json(pattern, message) is found


def test_lines_are_delivered_in_the_envelope_of_aws_in_batches_that_an_invocation_takes() -> None:
    lines = [{"timestamp": n, "message": str(n) * 400_000} for n in range(5)]
    split = batches(lines)
    assert [len(batch) for batch in split] == [2, 2, 1]
    event = envelope(Stream("group", "stream", "mine", "arn"), split[0])
    content = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    assert content["messageType"] == "DATA_MESSAGE"
    assert (content["logGroup"], content["logStream"]) == ("group", "stream")
    assert (content["owner"], content["subscriptionFilters"]) == ("000000000000", ["mine"])
    assert [event["message"] for event in content["logEvents"]] == [line["message"] for line in split[0]]
    assert all({"id", "timestamp", "message"} == event.keys() for event in content["logEvents"])
