"""Who asks for predictions, and says later what came true: warm functions with a router each, and what they are told."""

import logging
import random
from collections.abc import Buffer, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.attempts import Copy
from chalicelib.inference.formats import JSON, Records
from chalicelib.inference.kept_inputs import InputPolicies, KeptInputs
from chalicelib.inference.ports import Runtime
from chalicelib.inference.prediction_log import PredictionRecords
from chalicelib.inference.router import Router
from chalicelib.inference.truth_views import GivenLabel
from chalicelib.inference.windows import Windows
from chalicelib.inference.workflow import requests as release_requests
from chalicelib.inference.workflow import truth
from chalicelib.inference.workflow.context import Asked, Logging, Predicting
from chalicelib.inference.workflow.observing import observe
from chalicelib.inference.workflow.predicting import predict

from shared.codec import Row
from shared.entities.monitoring import Monitor
from shared.errors import HeadraceError, NotFound
from tests.fakes import Key
from tests.simulation.adapters import KEPT, STAGE
from tests.simulation.clock import START
from tests.simulation.functions import Function
from tests.simulation.models import KNOWN, STRANGE
from tests.simulation.neighbours import Neighbours
from tests.simulation.prediction_log import SimLog
from tests.simulation.services import Services

PREDICT = Function(name="predict", timeout_s=29)
TRUTH = Function(name="truth", timeout_s=29)
SHADOW = Function(name="shadow", timeout_s=60)
LABELLED = 0.3  # of the answers; a third of them is corrected
AGAIN_AFTER_S = 5.0
CORRECTED_AFTER_S = 100
MUCH_S = 200.0


def _records(distance: float, count: int) -> Records:
    return Records(kind=JSON, body=msgspec.json.encode([{"distance": distance}] * count))


_ONE, _MANY, _MANY_STRANGE = _records(KNOWN, 1), _records(KNOWN, 100), _records(STRANGE, 100)


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One request: who answered it, or the error, and which endpoints were asked, in their order."""

    request_id: str
    pipeline: str
    began: float
    ended: float
    version: str | None = None
    error: str = ""
    asked: tuple[str, ...] = ()


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One label, by the id of its prediction; ``place`` orders what was observed of one prediction."""

    prediction_id: str
    pipeline: str
    place: int
    value: bool


class Watched:
    """The data plane, and which endpoints one request was put to."""

    def __init__(self, runtime: Runtime) -> None:
        self.asked: list[str] = []
        self._runtime = runtime

    def invoke(
        self, endpoint: str, records: Buffer, row_count: int, *, within_s: float | None = None
    ) -> list[Answer]:
        self.asked.append(endpoint)
        return self._runtime.invoke(endpoint, records, row_count, within_s=within_s)


class Copies:
    """Asks the shadow by an invocation of its own, as the function's asynchronous Invoke does."""

    def __init__(self, send: Callable[[Copy], None]) -> None:
        self._send = send

    def begin(self, copy: Copy) -> None:
        self._send(copy)

    def finish(self) -> None:
        """Nothing is on its way any more."""


class Sandbox:
    """One warm function: its router remembers between requests, and it has one request at a time."""

    def __init__(self, adapters: Predicting, runtime: Watched) -> None:
        self.adapters = adapters
        self.runtime = runtime
        self.is_busy = False


class Callers:
    """``predictions`` hear of every request that ended; ``told`` are the labels that were accepted."""

    def __init__(self, around: Neighbours, services: Services, chance: random.Random) -> None:
        self.watchers: list[Callable[[Prediction], None]] = []
        self.told: list[Told] = []
        self.windows = Windows(around.predictions, KEPT)
        self.logging = _logging(around, services, self.windows)
        self.log = SimLog(around, chance, self.logging)
        self._around = around
        self._services = services
        self._chance = chance
        self._sandboxes: list[Sandbox] = []
        around.releases.watchers.append(self._on_release)

    def use(self, pipeline: str, times: int, within_s: float, records: Records = _ONE) -> None:
        """Ask a pipeline so often in the next seconds."""
        for _ in range(times):
            delay_s = self._chance.uniform(0, within_s)
            self._around.scheduler.at(delay_s, partial(self._ask, pipeline, records))

    def use_much(self, pipeline: str) -> None:
        """Ask for as many rows as the monitor wants to see, of the world as it was or of one that has changed."""
        is_strange = self._chance.random() < 0.5
        self.use(pipeline, 3, MUCH_S, _MANY_STRANGE if is_strange else _MANY)

    def _on_release(self, key: Key, before: Row, row: Row) -> None:
        """Ask while it matters: what serves has just changed, and who answers remembers what served before."""
        if key[1] == "current" and (before.get("live"), before.get("gen")) != (row.get("live"), row["gen"]):
            self.use(key[0], 2, 4.0)
            if self._is_watched(key[0]):
                self.use_much(key[0])

    def _is_watched(self, pipeline: str) -> bool:
        monitor = self._around.definition(pipeline).get("monitor")
        return bool(monitor and monitor["every"] != Monitor().every)

    def _ask(self, pipeline: str, records: Records) -> None:
        sandbox = self._free()
        self._around.functions.ask(PREDICT, partial(self._predict, sandbox, pipeline, records))

    def _free(self) -> Sandbox:
        """Return the first that is free, as Lambda does: so it remembers what it was asked a moment ago."""
        for sandbox in self._sandboxes:
            if not sandbox.is_busy:
                return sandbox
        self._sandboxes.append(self._begin())
        return self._sandboxes[-1]

    def _predict(self, sandbox: Sandbox, pipeline: str, records: Records, request_id: str) -> None:
        now = self._around.scheduler
        sandbox.is_busy, began = True, now.now
        sandbox.runtime.asked.clear()
        is_over = False
        ended = partial(Prediction, request_id=request_id, pipeline=pipeline, began=began)
        try:
            asked = Asked(request_id=request_id, pipeline=pipeline, records=records)
            shown = predict(sandbox.adapters, asked).predictions
            self._tell(ended(ended=now.now, version=shown.model_version, asked=tuple(sandbox.runtime.asked)))
            self._label(pipeline, f"{request_id}-0")
            is_over = True
        except HeadraceError as error:
            said = f"{type(error).__name__}: {error}"
            self._tell(ended(ended=now.now, error=said, asked=tuple(sandbox.runtime.asked)))
            is_over = True
        finally:
            sandbox.is_busy = False
            if not is_over:
                # Killed, and with it all that it remembered.
                self._sandboxes.remove(sandbox)

    def _tell(self, prediction: Prediction) -> None:
        for watcher in self.watchers:
            watcher(prediction)

    def _label(self, pipeline: str, prediction_id: str) -> None:
        """Tell later what came true, perhaps corrected, in any order, also before the log has arrived."""
        if self._chance.random() > LABELLED:
            return
        for place in range(2 if self._chance.random() < 0.3 else 1):
            value = self._chance.random() < 0.7
            label = Told(prediction_id=prediction_id, pipeline=pipeline, place=place, value=value)
            self._around.scheduler.at(self._chance.uniform(0, 30), partial(self._send, label))

    def _send(self, label: Told) -> None:
        self._around.functions.ask(TRUTH, lambda _: self._take(label))

    def _take(self, label: Told) -> None:
        observed_at = START + timedelta(seconds=CORRECTED_AFTER_S * label.place)
        given = GivenLabel(id=label.prediction_id, value=label.value, observed_at=observed_at)
        is_taken = False
        try:
            truth.take(self.logging, label.pipeline, [given])
            self.told.append(label)
            is_taken = True
        except NotFound:
            # The pipeline is deleted: nobody sends it again.
            is_taken = bool(self._around.life(label.pipeline))
        finally:
            if not is_taken:
                # Whoever hears of no answer sends it again: that does no harm.
                self._around.scheduler.at(AGAIN_AFTER_S, partial(self._send, label))

    def _begin(self) -> Sandbox:
        around, releasing = self._around, self._services.inference

        def now() -> float:
            return around.scheduler.now

        watched = Watched(around.runtime)
        log = logging.getLogger("simulation")
        policies = InputPolicies(lambda name: releasing.pipelines.definition(name).monitor.inputs, now, log)
        return Sandbox(
            Predicting(
                stage=STAGE,
                pipelines=releasing.pipelines,
                router=Router(releasing.releases.current, releasing.models.get, now, self._chance.random),
                runtime=watched,
                recorder=self.log,
                records=self.logging.records,
                inputs=KeptInputs(policies, around.data, lambda: b"key", STAGE, log),
                traffic=releasing.traffic,
                usage=releasing.usage,
                copies=Copies(self._send_copy),
                clock=around.clock,
                wake=lambda pipeline: release_requests.wake(releasing, pipeline),
                draw=self._chance.random,
                pause=around.scheduler.sleep,
                seconds=now,
                log=log,
            ),
            watched,
        )

    def _send_copy(self, copy: Copy) -> None:
        observer = self._begin()
        self._around.functions.invoke(SHADOW, lambda _: observe(observer.adapters, copy))


def _logging(around: Neighbours, services: Services, windows: Windows) -> Logging:
    """Return what the writer of the log and labels work with."""
    releasing = services.inference
    none: Any = PredictionRecords(around.predictions)
    return Logging(
        stage=STAGE,
        ttl_days=KEPT.days,
        pipelines=releasing.pipelines,
        records=none,
        windows=windows,
        releases=releasing.releases,
        traffic=releasing.traffic,
        clock=around.clock,
        pause=around.scheduler.sleep,
        log=logging.getLogger("simulation"),
    )
