"""The test of the test, for batches: what is taken away from the services, or planted, is missed by some invariant."""

import itertools
from typing import Any

import msgspec
import pytest
from chalicelib.inference import batch_plan, batch_rows, router
from chalicelib.inference.batch_rows import Batches
from chalicelib.inference.workflow import batch_transform, batch_work

from shared.codec import to_row
from shared.conditions import Absent
from shared.http.idempotency import Replies
from tests.simulation import batches, world
from tests.simulation.faults import CALM
from tests.simulation.guards import CROWDED, SEEDS, guard, seen
from tests.simulation.world import Guard, World

UPLOADS = 250
# So many jobs fail that some batches have a second and a third.
FAILING = 0.5
RATES = msgspec.structs.replace(CROWDED, failed_training=FAILING)


@pytest.fixture(autouse=True)
def _many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have many batches, and many stopped."""
    monkeypatch.setattr(batches, "PER_LIVE", 8)
    monkeypatch.setattr(world, "CALM", msgspec.structs.replace(CALM, failed_training=0.5, call_s=0.6))


def crowd(seed: int, without: Guard | None = None) -> World:
    return World(seed, UPLOADS, rates=RATES, without=without)


def test_an_end_is_an_end_only_because_each_step_looks_at_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "STOPPED", 1.0)
    seen({" became "}, lambda seed: crowd(seed, without=guard("releases", "state")))


def _another_name(stage: str, batch: str, attempt: int, count: Any = itertools.count()) -> str:  # noqa: B008
    return f"headrace-{stage}-{next(count)}-batch-{batch}-a{attempt}"


def _all_payloads(adapters: Any, batch: Any) -> list[str]:
    folder = f"batch/{batch.pipeline}/{batch.id}/transform/in/"
    return [info.key.removeprefix(folder) for info in adapters.bucket.list(folder)]


def _put_alone(self: Batches, batch: Any, *_: object) -> Any:
    self._table.put(to_row(batch), only_if=Absent("entry"))
    return batch


def _without(name: str) -> tuple[str, ...]:
    """Return what a checkpoint writes, but for one."""
    return tuple(one for one in batch_rows._PROGRESS if one != name)


@pytest.mark.parametrize(
    ("module", "name", "instead", "promise"),
    [
        pytest.param(
            batch_plan, "transform_name", _another_name, "began beside", id="jobs are named for batches"
        ),
        pytest.param(
            batch_transform, "_unanswered", _all_payloads, "asks again", id="no answer is asked for twice"
        ),
        pytest.param(batch_work, "go_on", lambda _: None, "is RUNNING", id="the minute goes on with batches"),
        pytest.param(batch_work, "MAX_STALLS", 0, "failed: ", id="a batch is patient"),
        pytest.param(
            batch_rows, "_PROGRESS", _without("offset_bytes"), "answered are", id="it goes on from there"
        ),
        pytest.param(
            batch_rows, "_PROGRESS", _without("failed"), "of them failed", id="what failed is counted"
        ),
        pytest.param(router, "KEEP_S", 60.0, "is to be answered by", id="a router's row is two seconds old"),
        pytest.param(
            Batches, "add", _put_alone, "was refused: ConditionFailed", id="no batch meets its own row"
        ),
        pytest.param(
            Replies, "_claim", lambda *_: None, "is the batches", id="a key is claimed, a wish granted once"
        ),
    ],
)
def test_without_a_part_of_batches_a_promise_is_broken(
    module: Any, name: str, instead: Any, promise: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, name, instead)
    if module is Replies:
        monkeypatch.setattr(batches, "wish_of", lambda *_: None)
    seen({promise}, crowd)


def test_three_jobs_are_the_most_only_because_they_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "STOPPED", 0.0)
    monkeypatch.setattr(world, "CALM", msgspec.structs.replace(CALM, failed_training=0.9, call_s=0.6))
    monkeypatch.setattr(batch_transform, "MAX_ATTEMPTS", 9)
    seen({"is one too many"}, crowd)


def test_with_all_guards_the_same_batches_break_nothing() -> None:
    for seed in SEEDS:
        assert crowd(seed).run().invariants.broken == []
