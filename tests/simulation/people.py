"""What people and programs do to the stage: uploads in bursts, promotions, rollbacks, decisions, requests on trial."""

import random
from functools import partial
from typing import Any

import msgspec
from chalicelib.inference.states import Request
from chalicelib.inference.tally import Step, Tally, bucket_of
from chalicelib.inference.workflow import requests as release_requests
from chalicelib.training.views import NewTrainingJob
from chalicelib.training.workflow import requests as training_requests

from shared.codec import Row, to_row
from shared.entities.pipeline import Pipeline, PipelineDefinition
from shared.entities.training import ModelState
from shared.errors import HeadraceError
from shared.http.request import Caller
from shared.parsing import convert
from tests.fakes import Key
from tests.simulation.callers import Callers
from tests.simulation.engine import content
from tests.simulation.functions import Function
from tests.simulation.neighbours import Neighbours
from tests.simulation.services import OBJECT_CREATED, Services

# Times the root of the uploads: a larger stage has more pipelines, and each of them more uploads.
PIPELINES = 0.75
SECONDS_PER_UPLOAD = 1.0
LARGE = 0.03  # of the uploads are more than a function takes
REST = Function(name="rest", timeout_s=29)
ADA = Caller(token_id="ada", scopes=frozenset({"operate"}), pipelines=frozenset({"*"}))
_TRIAL: dict[str, Any] = {"bake": "1m", "max_bake": "3m", "min_requests": 5}
_WATCHED: dict[str, Any] = {"monitor": {"every": "2m"}}
_ASKED: dict[str, Any] = {"retrain": {"on": []}}  # trained when a person asks
# Most only take data in: a training costs the simulation as much as twenty uploads.
KINDS: tuple[dict[str, Any], ...] = (
    {"data": {"history": "last 3"}, "release": {"grace": "1m", "endpoint": "realtime"}},
    _ASKED,
    _ASKED | {"release": {"strategy": "canary", **_TRIAL}},
    {"train": {"quiet": "2m"}, "release": {"strategy": "canary", **_TRIAL}},
    _ASKED,
    _ASKED | {"release": {"approval": "person"}},
    {
        "data": {"history": "replace"},
        "train": {"quiet": "1m"},
        "release": {"grace": "1m", "endpoint": "realtime"},
    },
    _ASKED,
    _ASKED | {"release": {"strategy": "shadow", **_TRIAL}},
    {
        "data": {"history": "last 6"},
        "train": {"quiet": "3m"},
        "release": {"strategy": "shadow", **_TRIAL, "endpoint": "realtime"},
    },
    {"retrain": {"on": ["drift"]}, **_WATCHED},
    _ASKED | _WATCHED,
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One rollback or promotion that was asked for, and the answer: None for yes."""

    what: str
    pipeline: str
    refusal: str | None


class People:
    """Everybody outside. ``uploads`` are the objects by key and version, ``asked`` what was asked of releases."""

    def __init__(
        self, around: Neighbours, services: Services, callers: Callers, chance: random.Random
    ) -> None:
        self.uploads: list[tuple[str, str]] = []
        self.asked: list[Asked] = []
        self.names: list[str] = []
        self._contents: list[tuple[str, bytes]] = []
        self._others = 0
        self._around = around
        self._services = services
        self._callers = callers
        self._chance = chance
        around.releases.watchers.append(self._on_release)
        around.models.watchers.append(self._on_model)
        around.jobs.watchers.append(self._on_job)

    def begin(self, uploads: int) -> float:
        """Define the pipelines, plan everything that will be done, and return when the last of it is."""
        self.names = [f"p{number:03d}" for number in range(max(len(KINDS), round(PIPELINES * uploads**0.5)))]
        for number, name in enumerate(self.names):
            self.define(name, KINDS[number % len(KINDS)])
        end = uploads * SECONDS_PER_UPLOAD
        bursts = [self._chance.uniform(0, end) for _ in range(max(1, uploads // 20))]
        for number in range(uploads):
            at = self._chance.choice(bursts) + self._chance.uniform(0, 30)
            self._around.scheduler.at(at, partial(self._upload, number))
        for _ in range(uploads // 20):
            self._around.scheduler.at(self._chance.uniform(0, end), self._race)
        # More would be more than four training jobs at a time ever come to, and the line of those that wait would only grow.
        for _ in range(uploads // 30):
            self._around.scheduler.at(self._chance.uniform(0, end), self._train)
        return end + 30

    def define(self, name: str, kind: dict[str, Any]) -> None:
        """Let a pipeline be there from the beginning."""
        row = Pipeline(
            pipeline=name,
            definition=msgspec.json.decode(msgspec.json.encode(definition_of(name, kind))),
            rev=1,
            created_at="2026-01-01T00:00:00Z",
            updated_at="2026-01-01T00:00:00Z",
        )
        self._around.pipelines.put(to_row(row))

    def _upload(self, number: int) -> None:
        fate = self._chance.random()
        name = "nowhere" if fate < 0.02 else self._chance.choice(self.names)
        body = content(number, bad=fate > 0.92, large=self._chance.random() < LARGE)
        if self._contents and 0.02 <= fate < 0.1:
            # What was uploaded before, perhaps a moment ago.
            name, body = self._contents[-self._chance.randint(1, min(40, len(self._contents)))]
        self._contents.append((name, body))
        self._send(name, number, body)

    def send_new(self, name: str) -> None:
        """Upload to a pipeline what nobody has uploaded yet."""
        self._others += 1
        self._send(name, -self._others, content(-self._others))

    def _send(self, name: str, number: int, body: bytes) -> None:
        key = f"incoming/{name}/{self._chance.choice(('data', number))}.csv"
        version = self._around.incoming.write(key, body) or ""
        self.uploads.append((key, version))
        detail = {"bucket": "incoming", "key": key, "version_id": version, "size_bytes": len(body)}
        self._around.bus.publish(OBJECT_CREATED, detail)

    def _train(self) -> None:
        """Ask for a training of the newest data."""
        # Of those that do not train by themselves: asked for once more, data is compared with who is live by then.
        pipeline = self._chance.choice([name for place, name in enumerate(self.names) if place % 3])
        on = self._around.definition(pipeline)["retrain"]["on"]
        if on and (pipeline, "current") in self._around.releases.rows:
            # It trains when it drifts.
            return
        asked = NewTrainingJob(pipeline=pipeline)
        ports = self._services.training
        self.ask("train", pipeline, lambda _: training_requests.request_training(ports, ADA, asked))

    def _race(self) -> None:
        """Let several people want something of one pipeline, one that has models, within a second."""
        models = [key for key in self._around.models.rows if key[0] in self.names]
        if not models:
            return
        self.race(self._chance.choice(models)[0])

    def race(self, pipeline: str) -> None:
        """Let several people want something of this one."""
        # One asks before anything changes, so that a router remembers what was; the others ask after it.
        self._callers.use(pipeline, 1, 0.0)
        self._callers.use(pipeline, 3, 6.0)
        for _ in range(self._chance.randint(1, 3)):
            ask = self._roll_back if self._chance.random() < 0.5 else self._promote
            self._around.scheduler.at(self._chance.random(), partial(ask, pipeline))

    def _roll_back(self, pipeline: str) -> None:
        def work(request: Request) -> None:
            release_requests.roll_back(self._services.inference, pipeline, request)

        self.ask("rollback", pipeline, work)

    def _promote(self, pipeline: str) -> None:
        numbers = [key[1] for key in self._around.models.rows if key[0] == pipeline] or ["v1"]
        version = self._chance.choice(numbers[-4:])

        def work(request: Request) -> None:
            release_requests.promote(self._services.inference, pipeline, version, request, force=True)

        self.ask("promote", pipeline, work)

    def ask(self, what: str, pipeline: str, work: Any) -> None:
        """Let a request do *work*, once, and keep what was answered."""

        def answer(_: str) -> None:
            refusal = None
            try:
                work(Request(who="ada", why=what, at=self._around.clock()))
            except HeadraceError as error:
                refusal = f"{type(error).__name__}: {error}"
            self.asked.append(Asked(what=what, pipeline=pipeline, refusal=refusal))

        self._around.functions.ask(REST, answer)

    def _on_release(self, key: Key, before: Row, row: Row) -> None:
        """Send requests to what is on trial, once a step."""
        if key[1] != "current" or row.get("mode", "direct") == "direct":
            return
        if (before.get("gen"), before.get("step"), before.get("mode")) == (
            row["gen"],
            row["step"],
            row["mode"],
        ):
            return
        alarms = self._chance.random() < self._around.calls.rates.alarming
        self._around.scheduler.at(20, lambda: self._use(row, alarms=alarms))

    def _use(self, row: Row, *, alarms: bool) -> None:
        self._callers.use(row["pipeline"], 10 if row["mode"] == "canary" else 2, 10.0)
        for version, errors in ((row["candidate"], 8 * alarms), (row["live"], 0)):
            step = Step(pipeline=row["pipeline"], gen=row["gen"], version=version, step=row["step"])
            tally = Tally(requests=10, errors=errors, latencies={bucket_of(20): 10 - errors})
            self._services.inference.traffic.add(step, tally, self._around.clock())

    def _on_model(self, _: Key, before: Row, row: Row) -> None:
        """Decide, a minute later, about a version that waits for a person."""
        waits = {ModelState.PENDING_APPROVAL.value, ModelState.NEEDS_PERSON.value}
        if row.get("state") in waits and before.get("state") != row["state"]:
            state = ModelState.APPROVED if self._chance.random() < 0.7 else ModelState.REJECTED
            self._around.scheduler.at(60, partial(self._decide, row["pipeline"], row["version"], state))

    def _decide(self, pipeline: str, version: str, state: ModelState) -> None:
        ports = self._services.training

        def work(_: Request) -> None:
            training_requests.request_decision(
                ports, ADA, ports.models.get(pipeline, version), state, "looked at it"
            )

        self.ask("decide", pipeline, work)

    def _on_job(self, key: Key, before: Row, row: Row) -> None:
        """Stop a few jobs that run, try a few again that are dead."""
        state = row.get("state")
        if state is None or state == before.get("state") or self._chance.random() > 0.1:
            return
        ports, (job_id,) = self._services.training, key
        asked = NewTrainingJob(pipeline=row["pipeline"], job_id=job_id, retry=True)
        works = {
            "DEAD": lambda _: training_requests.request_training(ports, ADA, asked),
            "RUNNING": lambda _: training_requests.request_stop(ports, ADA, job_id),
        }
        if state in works and self._around.calls.rates.failing:
            delay_s = self._chance.uniform(0, 30)
            self._around.scheduler.at(delay_s, partial(self.ask, state, row["pipeline"], works[state]))


def definition_of(name: str, kind: dict[str, Any]) -> Any:
    """Return the definition of a pipeline of a kind."""
    document = {
        "name": name,
        "task": "classification",
        "target": "late",
        "gate": ["roc_auc >= 0.60"],
        **kind,
    }
    return convert(document, PipelineDefinition)  # type: ignore[arg-type]  # a union
