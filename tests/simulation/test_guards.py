"""The test of the test: a guard taken away from the services is missed by some invariant.

What guards a single job's attempts and a release's steps is taken away in tests/explorer, where no order of events is
left to chance.
"""

from types import ModuleType

import msgspec
import pytest
from chalicelib.inference import router
from chalicelib.inference.workflow import answering, writing

from tests.simulation import world
from tests.simulation.faults import CALM
from tests.simulation.guards import CROWDED, SEEDS, guard, seen
from tests.simulation.world import Guard, World

FEW, SOME, MANY = 150, 300, 500


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
        pytest.param(
            guard("predictions", "request_id"),
            SOME,
            {"requests, counted are"},
            id="a line that comes twice is counted once",
        ),
    ],
)
def test_without_a_guard_a_promise_is_broken(missing: Guard, uploads: int, promises: set[str]) -> None:
    seen(promises, lambda seed: World(seed, uploads, rates=CROWDED, without=missing))


@pytest.mark.parametrize(
    ("module", "name", "instead", "promises"),
    [
        pytest.param(
            router,
            "KEEP_S",
            20.0,
            {"did not answer", "was answered by"},
            id="a router's row is two seconds old",
        ),
        pytest.param(
            answering, "_instead", lambda *_: None, {"did not answer"}, id="live answers for a candidate"
        ),
        pytest.param(
            writing, "_join_waiting", lambda *_: None, {"the label of"}, id="labels wait for their prediction"
        ),
    ],
)
def test_without_a_part_of_serving_a_promise_to_callers_is_broken(
    module: ModuleType, name: str, instead: object, promises: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Most releases are on trial after the last upload, when little would fail any more.
    monkeypatch.setattr(world, "CALM", msgspec.structs.replace(CALM, failing=0.2))
    monkeypatch.setattr(module, name, instead)
    seen(promises, lambda seed: World(seed, MANY, rates=CROWDED))


@pytest.mark.parametrize("uploads", [FEW, MANY])
def test_with_all_guards_the_same_crowd_breaks_nothing(uploads: int) -> None:
    for seed in SEEDS:
        assert World(seed, uploads, rates=CROWDED).run().invariants.broken == []
