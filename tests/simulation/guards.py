"""What the tests of the test share: a guard to take away, a crowded world, and the search for the promise that is broken then."""

from collections.abc import Callable, Collection

import pytest

from tests.simulation.faults import Rates
from tests.simulation.world import Guard, World

# Calls as slow as this let every two handlers meet.
CROWDED = Rates(duplicated=0.5, late=0.1, failing=0.2, failed_training=0.3, call_s=0.6, event_s=1.0)
SEEDS = range(6)
# What a missing guard breaks is rare: whatever changes in the services, one of so many worlds meets it.
SEARCHED = range(30)


def guard(table: str, *attributes: str) -> Guard:
    """Return attributes that no condition on a table shall see."""
    return Guard(table=table, attributes=frozenset(attributes))


def seen(promises: Collection[str], world: Callable[[int], World]) -> None:
    """Live in the *world* of one seed after the other until one of the *promises* is broken."""
    broken: list[str] = []
    for seed in SEARCHED:
        broken += world(seed).run().invariants.broken
        if any(promise in sentence for promise in promises for sentence in broken):
            return
    pytest.fail(f"{promises} is missed by nobody: {broken}")
