"""Every order of a training job's events, calls, crashes, losses and repetitions: no promise is broken, and it comes to rest.

The workflows and the conditional writes are the real ones. A guard that is taken away has a shortest counterexample,
which is printed: run with ``-s`` to read it.
"""

import pytest

from tests.explorer.jobs import STOP, explore_jobs
from tests.explorer.machine import Left

# Each closed, not sampled: what may go wrong up to these numbers, in every order.
BUDGETS = (Left(losses=2, duplicates=2), Left(crashes=1, losses=1, duplicates=1))
LEAST_STATES = 100_000


def test_whatever_happens_a_job_is_trained_once_and_comes_to_rest() -> None:
    found = [explore_jobs(left) for left in BUDGETS]
    assert [str(each) for each in found if each.broken] == []
    assert sum(each.states for each in found) >= LEAST_STATES


@pytest.mark.parametrize(
    ("attribute", "left", "broken"),
    [
        pytest.param(
            "attempt",
            Left(duplicates=1, failures=1),
            "is DEAD while an attempt of it is trained",
            id="attempt",
        ),
        pytest.param(
            "state", Left(wishes=(STOP,)), "is STOPPED while an attempt of it is trained", id="state"
        ),
    ],
)
def test_without_a_guard_there_is_a_counterexample(attribute: str, left: Left, broken: str) -> None:
    found = explore_jobs(left, blind={"jobs": frozenset({attribute})})
    print(found)
    assert broken in found.broken
    assert len(found.way) > 5
