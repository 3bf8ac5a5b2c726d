"""What the whole suite asked of IAM, to the single action and resource: nothing is granted that was never asked for.

These run after everything else, for they measure it; without the whole of tests/e2e they have nothing to say.
"""

import fnmatch
from collections.abc import Callable

import pytest

from tests.e2e.test_measured_privileges import Asked, Policies
from tests.security.ledger import mutants, survivors
from tests.security.unused_grants import UNUSED

pytestmark = pytest.mark.measures_the_suite


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


def test_every_reason_for_an_unused_grant_still_has_its_grant(policies: Policies) -> None:
    every = [
        f"{role}/{mutant.grant}"
        for role, statements in policies.items()
        for mutant in mutants(role, statements)
    ]
    assert [known for known in UNUSED if not fnmatch.filter(every, known)] == []
