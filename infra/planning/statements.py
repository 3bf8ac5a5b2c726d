"""Every IAM statement of a deployment: what each role may do, and who may use what."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from infra import own_key
from infra.planning.rows import Statement
from infra.stage import Stage
from infra.templates import NAME_PROPERTIES

_TARGETS = ("Bucket", "Queues", "Topics")


def statements(resources: Mapping[str, dict[str, Any]]) -> Iterator[Statement]:
    """Yield the statements of the roles and resource policies among *resources*, which are filled in."""
    for logical, resource in resources.items():
        made, kind = resource["Properties"], resource["Type"]
        name = _on(logical, made)
        if kind == "AWS::IAM::Role":
            yield from _of(name, made["AssumeRolePolicyDocument"])
            for policy in made.get("Policies", []):
                yield from _of(name, policy["PolicyDocument"])
        elif kind == "AWS::Lambda::Permission":
            yield _permission(made, resources)
        elif document := made.get("PolicyDocument") or made.get("KeyPolicy"):
            yield from _of(name, document)


def key_statements(stage: Stage, key: str) -> Iterator[Statement]:
    """Yield what the policy of a key of one's own must have; its owner puts it there, no deployment does."""
    if key:
        yield from _of(key, {"Statement": own_key.key_policy(stage)})


def _of(on: str, document: dict[str, Any]) -> Iterator[Statement]:
    for one in document["Statement"]:
        yield Statement(
            on=on,
            sid=one.get("Sid", ""),
            effect=one["Effect"],
            actions=_texts(one["Action"]),
            resources=_texts(one.get("Resource", ())),
            principal=_principal(one.get("Principal", "")),
            condition=json.dumps(one["Condition"], sort_keys=True) if "Condition" in one else "",
        )


def _permission(made: dict[str, Any], resources: Mapping[str, dict[str, Any]]) -> Statement:
    function = made["FunctionName"]
    on = function if isinstance(function, str) else next(iter(function.values()))
    logical = on if isinstance(on, str) else on[0]
    named = resources.get(logical, {}).get("Properties", {}).get("FunctionName", logical)
    source = _text(made.get("SourceArn", ""))
    return Statement(
        on=named,
        sid="",
        effect="Allow",
        actions=(made["Action"],),
        resources=(),
        principal=made["Principal"],
        condition=json.dumps({"ArnLike": {"AWS:SourceArn": source}}),
    )


def _on(logical: str, made: dict[str, Any]) -> str:
    for key in _TARGETS:
        if key in made:
            return ", ".join(_texts(made[key]))
    return next((str(made[key]) for key in NAME_PROPERTIES if isinstance(made.get(key), str)), logical)


def _principal(principal: Any) -> str:
    return principal if isinstance(principal, str) else ", ".join(map(_text, principal.values()))


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, value if isinstance(value, list | tuple) else [value]))


def _text(value: Any) -> str:
    """Return a value; of a function that only CloudFormation can carry out, its text."""
    if isinstance(value, dict) and "Fn::Sub" in value:
        told = value["Fn::Sub"]
        return str(told if isinstance(told, str) else told[0])
    return value if isinstance(value, str) else json.dumps(value)
