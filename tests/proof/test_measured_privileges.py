"""What the whole suite asked of IAM: nothing was denied, and nothing is granted that was never asked for.

These run after everything else, for they measure it; without the whole of tests/e2e they have nothing to say.
"""

import fnmatch
from collections.abc import Callable

import pytest

from localcloud.mends.iam_ledger import Entry
from tests.security.ledger import (
    Statement,
    allows,
    mutants,
    parsed_statements,
    policies_of,
    read_ledgers,
    survivors,
)
from tests.security.unused_grants import UNUSED
from tests.stage import LEDGERS, Stage

pytestmark = pytest.mark.measures_the_suite
PREFIX = "headrace-"
Policies = dict[str, list[Statement]]
Asked = dict[str, list[Entry]]


@pytest.fixture(scope="module")
def asked() -> Asked:
    """What each role of every stage of this session asked for."""
    return read_ledgers(LEDGERS)


@pytest.fixture(scope="module")
def policies(stage: Stage) -> Policies:
    """What each role may do, as it is deployed."""
    return policies_of(stage.aws("iam"), PREFIX)


def test_every_function_asked_for_something(policies: Policies, asked: Asked) -> None:
    functions = {role for role in policies if not role.startswith("headrace-local-")}
    assert len(functions) > 15
    assert functions <= asked.keys()


def test_nothing_was_denied(asked: Asked) -> None:
    denied = [entry for entries in asked.values() for entry in entries if not entry.allowed]
    assert [(entry.role, entry.action, entry.resource) for entry in denied] == []


def test_nothing_is_granted_that_nobody_asked_for_but_for_a_written_reason(
    policies: Policies, asked: Asked, figure: Callable[[str, object], None]
) -> None:
    unused = survivors(policies, asked)
    unexplained = [
        grant for grant in unused if not any(fnmatch.fnmatchcase(grant, known) for known in UNUSED)
    ]
    assert "\n".join(unexplained) == ""
    every = sum(len(list(mutants(role, statements))) for role, statements in policies.items())
    decisions = sum(map(len, asked.values()))
    figure(
        "grants taken away one by one (statements, actions, resources): noticed, left with a reason",
        f"{every - len(unused)}, {len(unused)} of {every}, by {decisions} recorded decisions",
    )


def test_the_evaluator_of_the_measure_decides_as_the_stage_did(policies: Policies, asked: Asked) -> None:
    wrong = []
    for role, statements in policies.items():
        parsed = parsed_statements(statements)
        wrong += [entry for entry in asked.get(role, []) if allows(parsed, entry) != entry.allowed]
    assert wrong == []


def test_every_reason_for_an_unused_grant_still_has_its_grant(policies: Policies) -> None:
    every = [
        f"{role}/{mutant.grant}"
        for role, statements in policies.items()
        for mutant in mutants(role, statements)
    ]
    assert [known for known in UNUSED if not fnmatch.filter(every, known)] == []
