"""A key of one's own: what roles may ask of it, what its policy must have, and what is refused."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra import own_key
from infra import stage as stages
from infra.choices import Choices, of_foundation
from infra.errors import InvalidKey
from infra.stage import Stage
from tests.aws_calls import Recorder

DEV = Stage(name="dev", region="eu-west-1", account="111122223333")
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations" / "own-key.md"


def policy(*actions: str, effect: str = "Allow") -> dict[str, Any]:
    statement = {"Effect": effect, "Action": list(actions), "Resource": ["arn:aws:x:::y"]}
    return {"Version": "2012-10-17", "Statement": [statement]}


def asked(*actions: str, effect: str = "Allow") -> dict[str, list[str]]:
    """Return what is granted of the key by action, each with the services that it goes through."""
    made = own_key.statements(policy(*actions, effect=effect), KEY)
    return {one["Action"][0]: one["Condition"]["StringEquals"]["kms:ViaService"] for one in made}


S3, DYNAMODB, SQS, SECRETS = (
    f"{name}.eu-west-1.amazonaws.com" for name in ("s3", "dynamodb", "sqs", "secretsmanager")
)


@pytest.mark.parametrize(
    ("actions", "granted"),
    [
        (("s3:GetObject", "s3:GetObjectVersion"), {"kms:Decrypt": [S3]}),
        (("s3:PutObject",), {"kms:Decrypt": [S3], "kms:GenerateDataKey": [S3]}),
        (("dynamodb:PutItem",), {"kms:Decrypt": [DYNAMODB]}),
        (("secretsmanager:GetSecretValue",), {"kms:Decrypt": [SECRETS]}),
        (("sqs:SendMessage",), {"kms:Decrypt": [SQS], "kms:GenerateDataKey": [SQS]}),
        (
            ("s3:GetObject", "dynamodb:Query", "sqs:SendMessage"),
            {"kms:Decrypt": [DYNAMODB, S3, SQS], "kms:GenerateDataKey": [SQS]},
        ),
        (
            ("s3:ListBucket", "s3:DeleteObject", "logs:PutLogEvents", "kms:Sign", "sagemaker:CreateEndpoint"),
            {},
        ),
    ],
)
def test_a_role_may_ask_of_the_key_what_its_calls_need_and_nothing_else(
    actions: tuple[str, ...], granted: dict[str, list[str]]
) -> None:
    assert asked(*actions) == granted


def test_what_is_denied_needs_no_key() -> None:
    assert asked("s3:GetObject", effect="Deny") == {}


def test_without_a_key_a_policy_stays_as_it_is() -> None:
    assert own_key.with_statements(policy("s3:GetObject"), "") == policy("s3:GetObject")
    assert len(own_key.with_statements(policy("s3:GetObject"), KEY)["Statement"]) == 2


@pytest.mark.parametrize(
    ("arn", "why"),
    [
        ("alias/mine", "is no key's ARN, such as arn:aws:kms:eu-west-1:"),
        ("arn:aws:kms:eu-west-1:111122223333:alias/mine", "is no key's ARN"),
        (KEY.replace("eu-west-1", "us-east-1"), "is in us-east-1; the stage is in eu-west-1"),
    ],
)
def test_what_is_no_key_of_the_stages_region_is_refused(arn: str, why: str) -> None:
    with pytest.raises(InvalidKey, match=why):
        own_key.settle(DEV, {}, arn)


def test_a_key_is_chosen_once() -> None:
    assert [own_key.settle(DEV, {}, wanted) for wanted in (None, "", KEY)] == ["", "", KEY]
    before = {own_key.OUTPUT: KEY}
    assert [own_key.settle(DEV, before, wanted) for wanted in (None, KEY)] == [KEY, KEY]
    for other in ("", KEY.replace("1234abcd", "other")):
        with pytest.raises(InvalidKey, match="KMS can rotate a key"):
            own_key.settle(DEV, before, other)


def test_the_bucket_of_access_logs_may_change_and_go() -> None:
    before = {"AccessLogs": "old"}
    chosen = [of_foundation(DEV, before, Choices(access_logs=one)) for one in (None, "new", "")]
    assert [one["AccessLogs"] for one in chosen] == ["old", "new", ""]


@pytest.mark.parametrize(
    ("found", "why"),
    [
        ({"KeyState": "PendingDeletion"}, "KeyState is PendingDeletion, not Enabled"),
        ({"KeyUsage": "SIGN_VERIFY"}, "KeyUsage is SIGN_VERIFY, not ENCRYPT_DECRYPT"),
        ({"KeySpec": "RSA_2048"}, "KeySpec is RSA_2048, not SYMMETRIC_DEFAULT"),
        (None, "no such key"),
    ],
)
def test_a_key_that_cannot_encrypt_is_refused_with_why(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, str] | None, why: str
) -> None:
    good = {"KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT"}
    missing = {"Error": {"Code": "NotFoundException", "Message": "no such key"}}
    for answer in ({"KeyMetadata": good}, missing if found is None else {"KeyMetadata": good | found}):
        recorder = Recorder({"DescribeKey": [answer]})
        monkeypatch.setattr(stages, "_client", recorder.client)
        if answer == {"KeyMetadata": good}:
            own_key.check_key(DEV, KEY)
            continue
        with pytest.raises(InvalidKey, match=why):
            own_key.check_key(DEV, KEY)


def test_the_page_shows_the_policy_as_it_is() -> None:
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert json.loads(shown)["Statement"] == own_key.key_policy(DEV)


def test_nobody_outside_the_account_uses_the_key_but_services_for_what_is_the_stages() -> None:
    by_service = [one for one in own_key.key_policy(DEV) if "Service" in one["Principal"]]
    assert all(one["Condition"] for one in by_service)
    # SNS documents that EventBridge delivers nothing where the key asks for these.
    of_events = [one for one in by_service if one["Principal"]["Service"] == "events.amazonaws.com"]
    assert len(of_events) == 2
    assert "aws:Source" not in json.dumps(of_events)
