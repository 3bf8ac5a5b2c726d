"""A key of one's own in place of AWS's: which one, who may use it, and whom its policy has to let in.

Off by default: it costs a dollar a month and its requests, and a key that is deleted takes everything with it. It is chosen once: objects
stay under the key that they were written with, and the roles may use one key alone.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.errors import InvalidKey
from infra.stage import Stage

OUTPUT = "OwnKeyArn"
_ARN = re.compile(r"arn:[a-z-]+:kms:([a-z0-9-]+):\d{12}:key/[A-Za-z0-9-]{1,128}")
_READ, _WRITE = "kms:Decrypt", "kms:GenerateDataKey"
_SIDS = {_READ: "ReadUnderOwnKey", _WRITE: "WriteUnderOwnKey"}
# What a service asks of KMS in the name of whoever calls it with an action. A table has one data key, which is only decrypted; SQS, and S3
# when an upload in parts ends, decrypt what they have generated. Logs and environments are under grants of their services' own.
_ASKED = (
    (re.compile(r"dynamodb:.+"), {_READ}),
    (re.compile(r"s3:GetObject(Version)?"), {_READ}),
    (re.compile(r"s3:PutObject"), {_READ, _WRITE}),
    (re.compile(r"secretsmanager:GetSecretValue"), {_READ}),
    (re.compile(r"sqs:SendMessage"), {_READ, _WRITE}),
)
# What KMS says of an ARN that is no key's. Whoever may not ask, or must log in first, is told that by the command.
_NO_KEY = {"NotFoundException", "InvalidArnException"}

Statement = dict[str, Any]


def settle(stage: Stage, before: Mapping[str, str], wanted: str | None) -> str:
    """Return the key of the stage, empty for AWS's own; *before* are the foundation's outputs, None wants it as before.

    Raises
    ------
    InvalidKey
        It is no key's ARN in the stage's region, or the stage has another key already.
    """
    there = before.get(OUTPUT, "")
    if wanted is None or wanted == there:
        return there
    if there:
        raise InvalidKey(
            f"stage {stage.name!r} is encrypted with {there}, and what is stored stays so: roles that use another key could not read "
            "it. KMS can rotate a key, which keeps its ARN; for another one deploy a new stage"
        )
    _check_arn(stage, wanted)
    return wanted


def _check_arn(stage: Stage, arn: str) -> None:
    match = _ARN.fullmatch(arn)
    if match is None:
        raise InvalidKey(
            f"{arn!r} is no key's ARN, such as arn:aws:kms:{stage.region}:111122223333:key/1234abcd-12ab"
        )
    if match[1] != stage.region:
        raise InvalidKey(
            f"{arn} is in {match[1]}; the stage is in {stage.region}, and its services take a key from there"
        )


def check_key(stage: Stage, arn: str) -> None:
    """Ask KMS for the key, and refuse one that cannot encrypt.

    Raises
    ------
    InvalidKey
    """
    from botocore.exceptions import ClientError

    try:
        found = stage.client("kms").describe_key(KeyId=arn)["KeyMetadata"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_KEY:
            raise
        raise InvalidKey(f"{arn}: {error.response['Error'].get('Message', error)}") from error
    wanted = {"KeyState": "Enabled", "KeyUsage": "ENCRYPT_DECRYPT", "KeySpec": "SYMMETRIC_DEFAULT"}
    wrong = [
        f"{name} is {found.get(name)}, not {value}"
        for name, value in wanted.items()
        if found.get(name) != value
    ]
    if wrong:
        raise InvalidKey(f"{arn} cannot encrypt a stage: {'; '.join(wrong)}")


def with_statements(policy: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return *policy* with what its actions need of the key; as it is where they need nothing, or there is no key."""
    return {**policy, "Statement": [*policy["Statement"], *statements(policy, key)]} if key else {**policy}


def statements(policy: Mapping[str, Any], key: str) -> Iterator[Statement]:
    """Yield what a role with *policy* may ask of the key: through the services that it calls, and not by itself."""
    region = key.split(":")[3]
    through: dict[str, set[str]] = {_READ: set(), _WRITE: set()}
    for action in _allowed(policy):
        for pattern, asked in _ASKED:
            if pattern.fullmatch(action):
                for one in asked:
                    through[one].add(f"{action.partition(':')[0]}.{region}.amazonaws.com")
    for action, services in through.items():
        if services:
            yield {
                "Sid": _SIDS[action],
                "Effect": "Allow",
                "Action": [action],
                "Resource": [key],
                "Condition": {"StringEquals": {"kms:ViaService": sorted(services)}},
            }


def _allowed(policy: Mapping[str, Any]) -> Iterator[str]:
    for one in policy["Statement"]:
        if one["Effect"] == "Allow":
            yield from [one["Action"]] if isinstance(one["Action"], str) else one["Action"]


def key_policy(stage: Stage) -> list[Statement]:
    """Return the statements that the key's own policy must have, beside that of whoever administers it."""
    here = f"{stage.region}:{stage.account}"
    topic, queues = (
        f"arn:aws:sns:{here}:headrace-{stage.name}-alerts",
        f"arn:aws:sqs:{here}:headrace-{stage.name}-*",
    )
    groups = [
        f"arn:aws:logs:{here}:log-group:/aws/lambda/headrace-*-{stage.name}*",
        f"arn:aws:logs:{here}:log-group:/aws/sagemaker/*",
    ]
    root = f"arn:aws:iam::{stage.account}:root"
    # By encryption context alone: where EventBridge delivers to what is encrypted, aws:SourceArn and its like are not there.
    return [
        _let_in("RolesOfThisAccountAsIamSays", {"AWS": root}, ["kms:*"], {}),
        _let_in(
            "AlarmsTellTheTopic",
            "cloudwatch",
            [_READ, _WRITE],
            {"StringEquals": {"aws:SourceAccount": stage.account}},
        ),
        _let_in(
            "FactsAreToldTheTopic",
            "events",
            [_READ, _WRITE],
            {"StringEquals": {f"{_CONTEXT}:sns:topicArn": topic}},
        ),
        _let_in(
            "RulesSendDeadLetters", "events", [_READ, _WRITE], {"ArnLike": {f"{_CONTEXT}:sqs:arn": queues}}
        ),
        _let_in(
            "LogsAreKept", f"logs.{stage.region}", _OF_LOGS, {"ArnLike": {f"{_CONTEXT}:logs:arn": groups}}
        ),
    ]


_CONTEXT = "kms:EncryptionContext:aws"
_OF_LOGS = ["kms:Encrypt", _READ, "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]


def _let_in(sid: str, whom: str | dict[str, str], actions: list[str], condition: dict[str, Any]) -> Statement:
    principal = {"Service": f"{whom}.amazonaws.com"} if isinstance(whom, str) else whom
    told = {"Sid": sid, "Effect": "Allow", "Principal": principal, "Action": actions, "Resource": "*"}
    return {**told, "Condition": condition} if condition else told
