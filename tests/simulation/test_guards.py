"""The test of the test: a guard taken away from the services is missed by some invariant.

What guards a single job's attempts and a release's steps is taken away in tests/explorer, where no order of events is
left to chance.
"""

import pytest

from tests.simulation.faults import Rates
from tests.simulation.world import Guard, World

# Calls as slow as this let every two handlers meet.
CROWDED = Rates(duplicated=0.5, late=0.1, failing=0.2, failed_training=0.3, call_s=0.6, event_s=1.0)
FEW, MANY = 150, 500
SEEDS = range(6)


def guard(table: str, *attributes: str) -> Guard:
    return Guard(table=table, attributes=frozenset(attributes))


@pytest.mark.parametrize(
    ("missing", "uploads", "promises"),
    [
        pytest.param(guard("datasets", "pipeline"), FEW, {"is READY 2 times"}, id="rows are made once"),
        pytest.param(
            guard("datasets", "state", "owner", "attempt", "lease_until"),
            FEW,
            {"became"},
            id="an upload is claimed",
        ),
        # A job that goes back is run again after its end, or is never brought to one.
        pytest.param(
            guard("jobs", "state", "attempt"),
            MANY,
            {"had succeeded and became", "is RUNNING", "is PENDING"},
            id="a job moves on only",
        ),
        # Slots must be all but taken while two handlers look: that is seldom, so it takes more uploads.
        pytest.param(
            guard("jobs", "rev"),
            MANY,
            {"training jobs are active"},
            id="two claims of the last slot cannot both win",
        ),
    ],
)
def test_without_a_guard_a_promise_is_broken(missing: Guard, uploads: int, promises: set[str]) -> None:
    broken: list[str] = []
    for seed in SEEDS:
        broken += World(seed, uploads, rates=CROWDED, without=missing).run().invariants.broken
        if any(promise in sentence for promise in promises for sentence in broken):
            return
    pytest.fail(f"{missing} is missed by nobody: {broken}")


@pytest.mark.parametrize("uploads", [FEW, MANY])
def test_with_all_guards_the_same_crowd_breaks_nothing(uploads: int) -> None:
    for seed in SEEDS:
        assert World(seed, uploads, rates=CROWDED).run().invariants.broken == []
