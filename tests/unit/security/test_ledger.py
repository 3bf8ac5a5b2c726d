"""The measure of least privilege notices a grant too many, and each grant that is needed."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from localcloud.mends.iam_ledger import Entry
from tests.security.ledger import allows, parsed_statements, read_ledgers, survivors

ROLE = "headrace-ingest-local-reconcile"
TABLE, INDEX = (
    "arn:aws:dynamodb:us-east-1:000000000000:table/t",
    "arn:aws:dynamodb:us-east-1:0:table/t/index/i",
)
BUS = "arn:aws:events:us-east-1:000000000000:event-bus/default"


def statement(sid: str, actions: list[str], resources: list[str], **more: Any) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources, **more}


def entry(action: str, resource: str, **changes: Any) -> Entry:
    found = Entry(role=ROLE, session="reconcile", action=action, resource=resource, allowed=True)
    return msgspec.structs.replace(found, **changes)


MOVE = statement("Move", ["dynamodb:GetItem", "dynamodb:Query"], [TABLE, INDEX])
TELL = statement(
    "Tell",
    ["events:PutEvents"],
    [BUS],
    Condition={"ForAllValues:StringEquals": {"events:source": "headrace.local.ingest"}},
)
CALLS = [
    entry("dynamodb:GetItem", TABLE),
    entry("dynamodb:Query", INDEX),
    entry("events:PutEvents", BUS, context='{"events:source":["headrace.local.ingest"]}'),
]


def test_a_policy_that_grants_what_was_asked_for_has_nothing_too_many() -> None:
    assert survivors({ROLE: [MOVE, TELL]}, {ROLE: CALLS}) == []


@pytest.mark.parametrize("unmade", range(3))
def test_a_grant_whose_call_is_not_made_is_named(unmade: int) -> None:
    calls = [call for number, call in enumerate(CALLS) if number != unmade]
    found = survivors({ROLE: [MOVE, TELL]}, {ROLE: calls})
    assert (
        found
        == [
            [f"{ROLE}/Move/dynamodb:GetItem", f"{ROLE}/Move/table/t"],
            [f"{ROLE}/Move/dynamodb:Query", f"{ROLE}/Move/table/t/index/i"],
            [f"{ROLE}/Tell"],
        ][unmade]
    )


def test_a_statement_that_another_one_covers_is_too_many() -> None:
    again = statement("Again", ["dynamodb:GetItem"], [TABLE])
    assert f"{ROLE}/Again" in survivors({ROLE: [MOVE, again, TELL]}, {ROLE: CALLS})


def test_a_call_that_was_denied_needs_no_grant() -> None:
    denied = [msgspec.structs.replace(call, allowed=False) for call in CALLS]
    assert survivors({ROLE: [TELL]}, {ROLE: denied}) == [f"{ROLE}/Tell"]


def test_conditions_are_decided_again_with_the_keys_of_the_call() -> None:
    parsed = parsed_statements([TELL])
    assert allows(parsed, CALLS[2])
    assert not allows(
        parsed, entry("events:PutEvents", BUS, context='{"events:source":["headrace.local.x"]}')
    )


def test_ledgers_of_several_stages_are_one_and_probes_are_none_of_it(tmp_path: Path) -> None:
    probe = entry("iam:CreateUser", "*", session="probe", allowed=False)
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(b"\n".join(map(msgspec.json.encode, [*CALLS, probe])))
    assert read_ledgers([tmp_path / "one", tmp_path / "two", tmp_path / "none"]) == {ROLE: sorted(CALLS)}
