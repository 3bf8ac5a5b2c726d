"""Every order of a training job's events, calls, crashes, losses and repetitions: no promise is broken, and it comes to rest.

The workflows and the conditional writes are the real ones. A guard that is taken away has a shortest counterexample,
which is printed: run with ``-s`` to read it.
"""

import pytest
from chalicelib.training.job_moves import JobMove

from shared.entities.training import JobState
from tests.explorer.jobs import LEGAL, MADE, STOP, explore_jobs
from tests.explorer.machine import Left

# Each closed, not sampled: what may go wrong up to these numbers, in every order; and how many states that is at least.
BUDGETS = {
    "crashes, losses and repetitions": (Left(crashes=2, losses=2, duplicates=2), 60_000),
    "a person stops it": (Left(crashes=1, losses=1, duplicates=1, wishes=(STOP,)), 80_000),
    "an attempt fails": (Left(failures=1, losses=1, duplicates=1), 50_000),
    "an attempt fails and a person stops it": (Left(failures=1, wishes=(STOP,)), 60_000),
}


@pytest.mark.parametrize(("left", "states"), BUDGETS.values(), ids=BUDGETS)
def test_whatever_happens_a_job_is_trained_once_and_comes_to_rest(left: Left, states: int) -> None:
    found = explore_jobs(left)
    print(found)
    assert not found.broken, found
    assert found.states >= states


# Of other jobs, people and data, which are not here.
ELSEWHERE = {JobMove.PLAN, JobMove.HOLD, JobMove.HURRY, JobMove.SUPERSEDE, JobMove.RENUMBER, JobMove.REVIVE}
# SageMaker refuses no job here, leaves no artifact that is bad, and nobody stops one there by hand.
REFUSED = {(JobState.PENDING, JobState.DEAD), (JobState.FINALISING, JobState.DEAD)}
BY_HAND = {(JobState.SUBMITTING, JobState.STOPPED), (JobState.RUNNING, JobState.STOPPED)}


def test_every_move_of_the_table_is_made() -> None:
    MADE.clear()
    for left in (Left(failures=2), Left(wishes=(STOP,))):
        assert not explore_jobs(left).broken
    elsewhere = {(before, move.value.to) for move in ELSEWHERE for before in move.value.after}
    changes = {(before, after) for before, after in LEGAL if before is not after}
    assert changes - elsewhere - REFUSED - BY_HAND == MADE


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
            "state",
            Left(wishes=(STOP,)),
            "was STOPPING and is SUBMITTING, which is no move of it",
            id="state",
        ),
    ],
)
def test_without_a_guard_there_is_a_counterexample(attribute: str, left: Left, broken: str) -> None:
    found = explore_jobs(left, blind={"jobs": frozenset({attribute})})
    print(found)
    assert broken in found.broken
    assert len(found.way) > 5
