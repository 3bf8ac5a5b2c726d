"""What the whole suite asked of IAM: nothing was denied, and nothing is granted that was never asked for.

These run after everything else, for they measure it; without the whole of tests/e2e they have nothing to say.
"""

import fnmatch

import pytest

from localcloud.mends.iam_ledger import Entry
from tests.security.ledger import (
    Statement,
    allows,
    parsed_statements,
    policies_of,
    read_ledgers,
    survivors,
)
from tests.security.unused_grants import UNUSED
from tests.stage import LEDGERS, Stage

pytestmark = pytest.mark.measures_the_suite
PREFIX = "headrace-"


@pytest.fixture(scope="module")
def asked() -> dict[str, list[Entry]]:
    """What each role of every stage of this session asked for."""
    return read_ledgers(LEDGERS)


@pytest.fixture(scope="module")
def policies(stage: Stage) -> dict[str, list[Statement]]:
    """What each role may do, as it is deployed."""
    return policies_of(stage.aws("iam"), PREFIX)


def test_every_role_asked_for_something(
    policies: dict[str, list[Statement]], asked: dict[str, list[Entry]]
) -> None:
    assert len(policies) > 20
    assert sorted(policies) == sorted(role for role in asked if role.startswith(PREFIX))


def test_nothing_was_denied(asked: dict[str, list[Entry]]) -> None:
    denied = [entry for entries in asked.values() for entry in entries if not entry.allowed]
    assert [(entry.role, entry.action, entry.resource) for entry in denied] == []


def test_nothing_is_granted_that_nobody_asked_for_but_for_a_written_reason(
    policies: dict[str, list[Statement]], asked: dict[str, list[Entry]]
) -> None:
    found = survivors(policies, asked)
    unexplained = [grant for grant in found if not any(fnmatch.fnmatchcase(grant, known) for known in UNUSED)]
    assert unexplained == []


def test_every_reason_still_has_its_grant(
    policies: dict[str, list[Statement]], asked: dict[str, list[Entry]]
) -> None:
    found = survivors(policies, asked)
    assert [known for known in UNUSED if not fnmatch.filter(found, known)] == []


def test_the_evaluator_of_the_measure_decides_as_the_stage_did(
    policies: dict[str, list[Statement]], asked: dict[str, list[Entry]]
) -> None:
    wrong = []
    for role, statements in policies.items():
        parsed = parsed_statements(statements)
        wrong += [entry for entry in asked.get(role, []) if allows(parsed, entry) != entry.allowed]
    assert wrong == []
