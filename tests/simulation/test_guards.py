"""The test of the test: a guard taken away from the services is missed by some invariant.

What guards a single job's attempts and a release's steps is taken away in tests/explorer, where no order of events is
left to chance.
"""

import pytest

from tests.simulation.faults import Rates
from tests.simulation.world import Guard, World

# Calls as slow as this let every two handlers meet.
CROWDED = Rates(duplicated=0.5, late=0.1, failing=0.2, failed_training=0.3, call_s=0.6, event_s=1.0)
UPLOADS = 150
SEEDS = range(6)


def guard(table: str, *attributes: str) -> Guard:
    return Guard(table=table, attributes=frozenset(attributes))


@pytest.mark.parametrize(
    ("missing", "promise"),
    [
        pytest.param(guard("datasets", "pipeline"), "is READY 2 times", id="rows are made once"),
        pytest.param(
            guard("datasets", "state", "owner", "attempt", "lease_until"), "became", id="an upload is claimed"
        ),
        pytest.param(guard("jobs", "state", "attempt"), "had succeeded and became", id="a job moves on only"),
        pytest.param(
            guard("jobs", "rev"), "the quota is 4", id="two claims of the last slot cannot both win"
        ),
    ],
)
def test_without_a_guard_a_promise_is_broken(missing: Guard, promise: str) -> None:
    broken: list[str] = []
    for seed in SEEDS:
        broken += World(seed, UPLOADS, rates=CROWDED, without=missing).run().invariants.broken
        if any(promise in sentence for sentence in broken):
            return
    pytest.fail(f"{missing} is missed by nobody: {broken}")


def test_with_all_guards_the_same_crowd_breaks_nothing() -> None:
    for seed in SEEDS:
        assert World(seed, UPLOADS, rates=CROWDED).run().invariants.broken == []
