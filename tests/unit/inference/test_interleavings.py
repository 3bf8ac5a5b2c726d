"""Workers that crash at any call, requests at any moment: the release machine always comes to rest."""

import random
from functools import partial
from typing import Any

import msgspec
import pytest
from chalicelib.inference.attempts import copy_of
from chalicelib.inference.formats import read_request
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.states import ENDINGS, Outcome
from chalicelib.inference.workflow import observing, predicting, requests, rollout, tidying
from chalicelib.inference.workflow.context import Asked

from shared.entities.serving import Phase
from shared.errors import Conflict, NotFound, Unavailable
from shared.events import ModelVersionApproved
from tests.unit.inference.fakes import Stage

SEEDS = 25
CANARY: dict[str, Any] = {"strategy": "canary", "bake": "1m", "max_bake": "5m", "min_requests": 3}
# What a disturbed life may release by; the last one also loses endpoints and falls asleep.
WAYS: dict[str, dict[str, Any]] = {
    "serverless": {},
    "realtime": {"endpoint": {"kind": "realtime", "idle_delete": "never"}},
    "canary": CANARY,
    "shadow": {"strategy": "shadow", "bake": "1m", "max_bake": "5m", "on_silence": "rollback"},
    "drifting": CANARY
    | {
        "endpoint": {"kind": "realtime", "idle_delete": "30m"},
    },
}
CALLS = {
    "releases": ("get", "update", "transact", "query"),
    "predictions": ("query", "update"),
    "endpoints": ("describe", "create", "delete", "names"),
    "runtime": ("invoke",),
    "bus": ("announce",),
}


class Crash(BaseException):
    """The function died: nothing of it runs on, not even a `finally` that calls AWS."""


class Chaos:
    """Puts itself before every call of the adapters: may crash it before or after, fail it, or run another request.

    A crashed invocation stays dead: every later call of it crashes too, as a killed process makes none.
    """

    def __init__(self, stage: Stage, seed: int, *, drifts: bool = False) -> None:
        self.stage = stage
        self.drifts = drifts
        self.random = random.Random(seed)
        self.depth = 0
        self.dead: set[int] = set()
        self.calm = False
        for part, names in CALLS.items():
            target = getattr(stage, part)
            for name in names:
                setattr(target, name, self._wrap(getattr(target, name)))

    def _wrap(self, call):
        def called(*args, **options):
            fate = self._fate()
            self._before(fate)
            answer = call(*args, **options)
            if 0.08 <= fate < 0.10:
                self._die()
            return answer

        return called

    def _fate(self) -> float:
        if self.depth in self.dead:
            raise Crash
        return 1.0 if self.calm or self.depth == 0 else self.random.random()

    def _before(self, fate: float) -> None:
        if fate < 0.02:
            self._die()
        if fate < 0.04:
            raise Unavailable("throttled")
        if fate < 0.08 and self.depth < 3:
            self.invoke(self._some_request())

    def _die(self):
        self.dead.add(self.depth)
        raise Crash

    def invoke(self, work) -> None:
        """Run one Lambda invocation to its end, whatever that is."""
        self.depth += 1
        try:
            work()
        except (Crash, Conflict, NotFound, Unavailable):
            pass
        finally:
            self.dead.discard(self.depth)
            self.depth -= 1

    def _some_request(self):
        stage, adapters = self.stage, self.stage.adapters
        version = self.random.choice(["v1", "v2", "v3"])
        approved = ModelVersionApproved(pipeline="flights", version=version, job_id="j")
        return self.random.choice(
            [
                lambda: requests.on_model_approved(adapters, approved),
                lambda: requests.promote(
                    adapters, "flights", version, stage.request(), force=self.random.random() < 0.5
                ),
                lambda: requests.roll_back(adapters, "flights", stage.request()),
                lambda: requests.stop(adapters, "flights", stage.request()),
                lambda: rollout.advance(adapters, "flights"),
                lambda: tidying.reconcile(adapters),
                self._ask,
                self._let_time_pass,
                self._settle_endpoints,
                *([self._lose_an_endpoint] if self.drifts and self.depth == 1 else []),
            ]
        )

    def _ask(self):
        records = read_request(b'{"records": [{"distance": 7, "carrier": "AA"}]}', "application/json", None)
        asked = Asked(request_id="r", pipeline="flights", records=records)
        predicting.predict(self.stage.predicting, asked)

    def _lose_an_endpoint(self):
        name = self.random.choice(sorted(self.stage.endpoints.made) or [""])
        if self.random.random() < 0.5:
            self.stage.endpoints.made.pop(name, None)
        elif name:
            state = self.stage.endpoints.made[name]
            self.stage.endpoints.made[name] = msgspec.structs.replace(state, status="Failed")

    def _let_time_pass(self):
        # Inside an invocation little: a lease is longer than any function may run.
        seconds = self.random.choice([1, 60, 200, 4000]) if self.depth == 1 else 1
        self.stage.clock.advance(seconds)
        self.stage.monotonic += seconds

    def _settle_endpoints(self):
        self.stage.endpoints.finish(status=self.random.choice(["InService"] * 4 + ["Failed"]))

    def step(self) -> None:
        self.invoke(self._some_request())
        self.check_always()

    def check_always(self) -> None:
        """What must hold at every moment: what is live has an endpoint that serves, unless somebody took it away."""
        if self.drifts:
            return
        row = self.stage.releases.rows.get(("flights", "current"), {})
        if live := row.get("live"):
            state = self.stage.endpoints.made.get(f"headrace-test-flights-{live}")
            assert state is not None, f"{live} is live without an endpoint"
            assert state.status == "InService"

    def come_to_rest(self, ticks: int = 12) -> None:
        """Let the reconciler do its work undisturbed, until what nobody asks for is decided too."""
        self.calm = True
        for _ in range(ticks):
            self.stage.clock.advance(200)
            self.stage.monotonic += 200
            self.invoke(lambda: tidying.reconcile(self.stage.adapters))
            self.stage.endpoints.finish()

    def finish_trial(self) -> None:
        """Let a candidate on trial answer well until it is live."""
        for _ in range(6):
            self.stage.clock.advance(100)
            self.stage.monotonic += 100
            for _ in range(40):
                self.invoke(self._ask)
            for event in self.stage.copies.events:
                self.invoke(partial(observing.observe, self.stage.predicting, copy_of(event)))
            self.stage.copies.events.clear()
            self.stage.endpoints.finish()
            self.invoke(lambda: tidying.reconcile(self.stage.adapters))


def lived_through(seed: int, way: str) -> tuple[Stage, Chaos]:
    """Return a stage of three model versions after sixty disturbed steps, at rest."""
    stage = Stage(**WAYS[way])
    for version, champion in (("v1", None), ("v2", "v1"), ("v3", "v2")):
        stage.add_model(version, champion)
    chaos = Chaos(stage, seed, drifts=way == "drifting")
    for _ in range(60):
        chaos.step()
    chaos.come_to_rest()
    return stage, chaos


@pytest.mark.parametrize("way", WAYS)
def test_whatever_crashes_one_version_is_live_at_the_end_with_a_whole_history_and_no_endpoint_left_over(way):
    for seed in range(SEEDS):
        stage, chaos = lived_through(seed, way)
        chaos.check_always()
        check_history(stage, seed)
        release = stage.release()
        assert (release.phase, release.candidate, release.attention) == (Phase.IDLE, None, None), seed
        kept = {release.live, release.previous}
        left = set(stage.endpoints.made)
        assert left <= {endpoint_name("test", "flights", version) for version in kept if version}, (
            seed,
            left,
        )
        # Nothing is stuck: whatever happened before, a person gets the version asked for.
        wanted = "v1" if release.live != "v1" else "v2"
        chaos.invoke(
            lambda stage=stage, wanted=wanted: requests.promote(
                stage.adapters, "flights", wanted, stage.request(), force=True
            )
        )
        chaos.come_to_rest(ticks=1)
        chaos.finish_trial()
        history = stage.adapters.releases.history("flights", until=None, limit=100)
        became_live = {entry.to_version for entry in history if entry.gen > release.gen}
        assert wanted in became_live, seed


def check_history(stage: Stage, seed: int) -> None:
    """Check that every change is there once, and that each goes on from where the one before it ended."""
    entries = [row for (_, key), row in sorted(stage.releases.rows.items()) if key.startswith("history#")]
    ends = [row["gen"] for row in entries if row["outcome"] in ENDINGS]
    assert len(set(ends)) == len(ends), seed
    begins = [row["gen"] for row in entries if row["outcome"] == Outcome.STARTED]
    assert len(set(begins)) == len(begins), seed
    live = None
    for row in entries:
        assert row.get("from_version") == live, seed
        live = row.get("to_version")
    assert live == stage.release().live, seed
