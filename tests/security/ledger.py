"""What the roles of a stage were granted against what they asked for, as the local cloud's ledger has it.

A grant is needed if the calls that the suite made would not all have been allowed without it. That is asked of
the evaluator that decided in the first place, about policies with one statement, action or resource less.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

from localcloud.mends.iam_ledger import Entry
from tests.clouds import CREDENTIALS

ACCOUNT, REGION = "000000000000", CREDENTIALS["AWS_DEFAULT_REGION"]
# Sessions of tests that ask for what is not granted, to be denied.
PROBING = "probe"
Statement = dict[str, Any]


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One role's policy with something taken away; `grant` is `<Sid>`, or `<Sid>/<action or resource>`."""

    role: str
    grant: str
    actions: frozenset[str]
    statements: tuple[Statement, ...]


def read_ledgers(paths: Iterable[Path]) -> dict[str, list[Entry]]:
    """Return what each role asked for, without the probes."""
    entries = {
        msgspec.json.decode(line, type=Entry)
        for path in paths
        if path.exists()
        for line in path.read_bytes().splitlines()
    }
    found: dict[str, list[Entry]] = {}
    for entry in sorted(entries):
        if entry.session != PROBING:
            found.setdefault(entry.role, []).append(entry)
    return found


def policies_of(iam: Any, prefix: str) -> dict[str, list[Statement]]:
    """Return the statements of every role whose name begins so, from all its inline policies."""
    found: dict[str, list[Statement]] = {}
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            if role["RoleName"].startswith(prefix):
                found[role["RoleName"]] = list(_statements(iam, role["RoleName"]))
    return found


def mutants(role: str, statements: Iterable[Statement]) -> Iterator[Mutant]:
    """Yield the policy without each statement, and each statement without each of its actions and resources."""
    whole = list(statements)
    for at, statement in enumerate(whole):
        others = [*whole[:at], *whole[at + 1 :]]
        actions = frozenset(action.lower() for action in statement["Action"])
        yield Mutant(role=role, grant=statement["Sid"], actions=actions, statements=tuple(others))
        for member in ("Action", "Resource"):
            if len(statement[member]) == 1:
                continue
            for value in statement[member]:
                less = {**statement, member: [other for other in statement[member] if other != value]}
                asked = frozenset({value.lower()}) if member == "Action" else actions
                grant = f"{statement['Sid']}/{short(value)}"
                yield Mutant(role=role, grant=grant, actions=asked, statements=(*others, less))


def survivors(policies: Mapping[str, list[Statement]], asked: Mapping[str, list[Entry]]) -> list[str]:
    """Return as `<role>/<grant>` what could be taken away without any call of the suite being denied.

    Of a statement nobody needs only the statement is named.
    """
    found: list[str] = []
    for role, statements in sorted(policies.items()):
        gone: set[str] = set()
        for mutant in mutants(role, statements):
            sid = mutant.grant.partition("/")[0]
            if sid not in gone and not kills(mutant, asked.get(role, [])):
                gone.add(mutant.grant)
                found.append(f"{role}/{mutant.grant}")
    return found


def kills(mutant: Mutant, entries: Iterable[Entry]) -> bool:
    """Say whether the suite would notice: a call that was allowed is denied."""
    parsed = parsed_statements(mutant.statements)
    return any(
        entry.allowed and entry.action.lower() in mutant.actions and not allows(parsed, entry)
        for entry in entries
    )


def parsed_statements(statements: Iterable[Statement]) -> list[Any]:
    """Return statements as the evaluator reads them."""
    parsed: list[Any] = parse_policy_document({"Version": "2012-10-17", "Statement": list(statements)})
    return parsed


def allows(parsed: list[Any], entry: Entry) -> bool:
    """Ask MiniStack's evaluator again, with the condition keys of the call."""
    context = EvalContext(
        principal_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/{entry.role}/{entry.session}",
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=entry.action,
        resource_arn=entry.resource,
        region=REGION,
        secure_transport=True,
        service_context=json.loads(entry.context),
    )
    allowed: bool = evaluate(context, [parsed]).decision == "Allow"
    return allowed


def short(value: str) -> str:
    """Return an ARN without account and region; an action as it is."""
    return value.split(":", 5)[5] if value.startswith("arn:") else value


def _statements(iam: Any, role: str) -> Iterator[Statement]:
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        document = iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for number, statement in enumerate(document["Statement"]):
            members = {member: _listed(statement[member]) for member in ("Action", "Resource")}
            yield {"Sid": f"{name}-{number}", **statement, **members}


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
