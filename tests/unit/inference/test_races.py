"""Requests that meet: whatever the order of their calls, one promotion holds the pipeline and a rollback wins."""

import copy
import random
import threading
from collections.abc import Callable
from functools import partial

import pytest
from chalicelib.inference.plan import EndpointPlan
from chalicelib.inference.states import ENDINGS, Outcome
from chalicelib.inference.workflow import reading, requests, rollout, tidying

from shared.errors import Conflict
from tests.unit.inference.fakes import Stage

CALLS = {
    "releases": ("get", "update", "transact", "query"),
    "models": ("get",),
    "endpoints": ("describe", "create", "delete", "names"),
    "runtime": ("invoke",),
    "bus": ("announce",),
}


class Runner(threading.Thread):
    """One request in a thread of its own that goes on only when it is told to, from call to call."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.may_go, self.has_stopped = threading.Semaphore(0), threading.Semaphore(0)
        self.error: Conflict | None = None
        self.is_over = False
        self.start()

    def run(self) -> None:
        self.may_go.acquire()
        try:
            self.work()
        except Conflict as error:
            self.error = error
        finally:
            self.is_over = True
            self.has_stopped.release()

    def go(self) -> None:
        """Run to the next call of an adapter."""
        self.may_go.release()
        self.has_stopped.acquire()

    def stop(self) -> None:
        self.has_stopped.release()
        self.may_go.acquire()


def race(seed: int, *works: Callable[[], object]) -> list[Conflict | None]:
    """Run all *works* together, their calls in an order that *seed* decides; return how each was refused."""
    runners = [Runner(work) for work in works]
    order = random.Random(seed)
    while running := [runner for runner in runners if not runner.is_over]:
        order.choice(running).go()
    return [runner.error for runner in runners]


def stopping(stage: Stage) -> Stage:
    """Return *stage* with a stop of the racing thread before each call of an adapter."""
    for part, names in CALLS.items():
        target = getattr(stage, part)
        for name in names:
            setattr(target, name, _stopping(getattr(target, name)))
    return stage


def _stopping(call: Callable[..., object]) -> Callable[..., object]:
    def called(*args: object, **options: object) -> object:
        thread = threading.current_thread()
        if isinstance(thread, Runner):
            thread.stop()
        return call(*args, **options)

    return called


def two_live(**release: object) -> Stage:
    """v1 was live, v2 is, v3 may become so; endpoints come up at once."""
    stage = Stage()
    create = stage.endpoints.create

    def at_once(plan: EndpointPlan) -> None:
        create(plan)
        stage.endpoints.finish()

    setattr(stage.endpoints, "create", at_once)  # noqa: B010 - the type checker takes no assignment to a method
    for version, champion in (("v1", None), ("v2", "v1")):
        stage.add_model(version, champion)
        requests.promote(stage.adapters, "flights", version, stage.request(), force=True)
        rollout.advance(stage.adapters, "flights")
        tidying.reconcile(stage.adapters)
    stage.add_pipeline("flights", **release)
    stage.add_model("v3", "v2")
    assert (stage.release().live, stage.release().previous) == ("v2", "v1")
    return stage


@pytest.mark.parametrize("strategy", ["direct", "canary"])
def test_a_rollback_wins_against_a_promotion_in_every_order_of_their_calls(strategy):
    ends = set()
    stage = stopping(two_live(strategy=strategy))
    adapters = stage.adapters
    before = copy.deepcopy((stage.releases.rows, stage.endpoints.made, stage.clock.now))
    for seed in range(500):
        stage.releases.rows, stage.endpoints.made, stage.clock.now = copy.deepcopy(before)
        new, old = stage.request("new"), stage.request("old")
        _, refused = race(
            seed,
            partial(requests.promote, adapters, "flights", "v3", new),
            partial(requests.roll_back, adapters, "flights", old),
        )
        assert refused is None, (seed, refused)
        for _ in range(3):
            stage.clock.advance(200)
            tidying.reconcile(adapters)
        release = stage.release()
        assert release.live in {"v1", "v2"}, seed
        assert release.candidate is None, seed
        entries = reading.get_history(adapters, "flights", None, 50).entries
        last = next(entry for entry in entries if entry.outcome in ENDINGS)
        assert (last.outcome, last.why) == (Outcome.ROLLED_BACK, "old"), seed
        ends.add(release.live)
    # Both orders have been met.
    assert ends == {"v1", "v2"}


def test_of_twenty_promotions_at_once_one_is_accepted_and_the_others_hear_who_holds_the_pipeline():
    stage = stopping(Stage())
    adapters = stage.adapters
    for number in range(1, 21):
        stage.add_model(f"v{number}")
    for seed in range(20):
        stage.releases.rows.clear()
        stage.endpoints.made.clear()
        refused = race(
            seed,
            *(
                partial(requests.promote, adapters, "flights", f"v{number}", stage.request())
                for number in range(1, 21)
            ),
        )
        assert refused.count(None) == 1, seed
        holder = f"v{refused.index(None) + 1} is being released"
        assert all(str(error).startswith(holder) for error in refused if error), seed
