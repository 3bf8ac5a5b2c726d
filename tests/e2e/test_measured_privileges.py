"""What the whole suite asked of IAM: nothing was denied, and each statement of each policy was needed.

These run after everything else, for they measure it; without the whole of tests/e2e they have nothing to say. Single
actions and resources of statements are taken away in `make proof`.
"""

import fnmatch

import pytest

from localcloud.mends.iam_ledger import Entry
from tests.security.ledger import Statement, allows, parsed_statements, survivors
from tests.security.unused_grants import UNUSED

pytestmark = pytest.mark.measures_the_suite
Policies = dict[str, list[Statement]]
Asked = dict[str, list[Entry]]


def test_every_function_asked_for_something(policies: Policies, asked: Asked) -> None:
    functions = {role for role in policies if not role.startswith("headrace-local-")}
    assert len(functions) > 15
    assert functions <= asked.keys()


def test_nothing_was_denied(asked: Asked) -> None:
    denied = [entry for entries in asked.values() for entry in entries if not entry.allowed]
    assert [(entry.role, entry.action, entry.resource) for entry in denied] == []


def test_a_statement_taken_away_is_noticed_but_for_a_written_reason(policies: Policies, asked: Asked) -> None:
    unused = [grant for grant in survivors(policies, asked) if grant.count("/") == 1]
    assert "\n".join(unexplained(unused)) == ""


def test_the_evaluator_of_the_measure_decides_as_the_stage_did(policies: Policies, asked: Asked) -> None:
    wrong = []
    for role, statements in policies.items():
        parsed = parsed_statements(statements)
        wrong += [entry for entry in asked.get(role, []) if allows(parsed, entry) != entry.allowed]
    assert wrong == []


def unexplained(unused: list[str]) -> list[str]:
    """Return the grants for which no reason is written."""
    return [grant for grant in unused if not any(fnmatch.fnmatchcase(grant, known) for known in UNUSED)]
