"""The ledger keeps each decision once, with what it takes to decide again."""

import json
from pathlib import Path

import msgspec
from ministack.core.iam_evaluator import EvalContext, parse_policy_document

from localcloud.mends.iam_ledger import Entry, Ledger, entry_of

POLICY = parse_policy_document(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "events:PutEvents",
            "Resource": "*",
            "Condition": {"StringEquals": {"events:Source": "headrace.local.ingest"}},
        },
    }
)


def context() -> EvalContext:
    return EvalContext(
        principal_arn="arn:aws:sts::000000000000:assumed-role/headrace-ingest-local-reconcile/some-session",
        principal_type="AssumedRole",
        principal_account="000000000000",
        action="events:PutEvents",
        resource_arn="arn:aws:events:us-east-1:000000000000:event-bus/default",
        region="us-east-1",
        service_context={"events:source": ["headrace.local.ingest"], "events:detail-type": ["X"]},
    )


def test_an_entry_names_role_and_session_and_keeps_only_the_keys_that_policies_ask_for() -> None:
    entry = entry_of(context(), [POLICY])
    assert (entry.role, entry.session) == ("headrace-ingest-local-reconcile", "some-session")
    assert json.loads(entry.context) == {"events:source": ["headrace.local.ingest"]}
    assert json.loads(entry_of(context(), []).context) == {}


def test_a_decision_made_often_is_one_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    entry = entry_of(context(), [POLICY])
    allowed = msgspec.structs.replace(entry, allowed=True)
    for decided in (entry, allowed, entry, allowed):
        ledger.note(decided)
    lines = (tmp_path / "ledger.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Entry) for line in lines] == [entry, allowed]
