"""SageMaker: training jobs that take their time and end in some way, endpoints that come up, a registry, a key."""

import hashlib
import random
from collections.abc import Buffer, Callable, Mapping
from typing import Any

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.plan import EndpointPlan

from shared.errors import NotFound
from tests.simulation.artifacts import archive
from tests.simulation.buckets import SimBucket
from tests.simulation.bus import SimBus
from tests.simulation.faults import Calls
from tests.simulation.models import answer_records
from tests.simulation.scheduler import Scheduler
from tests.unit.inference.fakes import FakeEndpoints
from tests.unit.training.fake_sagemaker import ENDED, FakeSageMaker

JOB_CHANGED = "SageMaker Training Job State Change"
ENDPOINT_CHANGED = "SageMaker Endpoint State Change"
GOOD = 0.8  # of the trainings give a model that passes its gate
FAILURES = ("AlgorithmError: exit code 1", "InternalServerError: try again", "CapacityError: no instance")


class SimTraining(FakeSageMaker):
    """Training jobs. ``is_good`` says of each that left a model whether it deserves to serve."""

    def __init__(
        self, scheduler: Scheduler, chance: random.Random, calls: Calls, data: SimBucket, models: SimBucket
    ) -> None:
        super().__init__()
        self.bus: SimBus
        self.is_good: dict[str, bool] = {}
        self.quality_of: Callable[[str, str], bool]
        self.watchers: list[Callable[[str], None]] = []
        self.active = 0
        self._scheduler = scheduler
        self._chance = chance
        self._calls = calls
        self._data = data
        self._models = models

    def create(self, request: Mapping[str, Any]) -> None:
        super().create(request)
        self.active += 1
        name = request["TrainingJobName"]
        for watcher in self.watchers:
            watcher(name)
        self._scheduler.at(self._chance.uniform(1, 10), lambda: self._end(name))
        self._tell(name)

    def stop(self, name: str) -> None:
        was_running = name in self.jobs and self.jobs[name].status == "InProgress"
        super().stop(name)
        if was_running:
            self._scheduler.at(self._chance.uniform(1, 10), lambda: self._move(name, "Stopped"))

    def _end(self, name: str) -> None:
        if self.jobs[name].status != "InProgress":
            return
        if self._chance.random() < self._calls.rates.failed_training:
            self._move(name, "Failed", self._chance.choice(FAILURES))
            return
        self._leave(name)
        self._move(name, "Completed")

    def _leave(self, name: str) -> None:
        """Write what the job made: a model, or the comparison of two that were made before."""
        job_id = name.rsplit("-", 2)[1]
        parameters = msgspec.json.decode(self._data.read(f"jobs/{job_id}/parameters.json"))
        judged = parameters.get("challenger")
        is_good = self.quality_of(parameters["pipeline"], judged["version"]) if judged else self._train(name)
        body = archive(name, parameters, is_good=is_good)
        self._models.write(f"staging/{name}/output/model.tar.gz", body)

    def _train(self, name: str) -> bool:
        self.is_good[name] = self._chance.random() < GOOD
        return self.is_good[name]

    def _move(self, name: str, status: str, reason: str = "") -> None:
        self.move(name, status, reason=reason)
        self.active -= status in ENDED
        self._tell(name)

    def _tell(self, name: str) -> None:
        self.bus.publish(JOB_CHANGED, {"TrainingJobName": name})


class SimEndpoints(FakeEndpoints):
    """Endpoints that take up to two minutes to come up; a few never do."""

    def __init__(self, scheduler: Scheduler, chance: random.Random, calls: Calls) -> None:
        super().__init__()
        self.bus: SimBus
        self.watchers: list[Callable[[str], None]] = []  # hear the name of what is about to be deleted
        self._scheduler = scheduler
        self._chance = chance
        self._calls = calls

    def create(self, plan: EndpointPlan) -> None:
        # As the adapter does: one that is there already is Describe's to judge.
        if plan.name in self.made:
            return
        super().create(plan)
        self._scheduler.at(self._chance.uniform(5, 120), lambda: self._come_up(plan.name))

    def delete(self, name: str) -> None:
        for watcher in self.watchers:
            watcher(name)
        super().delete(name)

    def _come_up(self, name: str) -> None:
        fails = self._chance.random() < self._calls.rates.failed_endpoint
        self.finish(name, "Failed" if fails else "InService")
        self.bus.publish(ENDPOINT_CHANGED, {"EndpointName": name})


class SimRuntime:
    """Answers as the model behind an endpoint does."""

    def __init__(self, endpoints: SimEndpoints) -> None:
        self._endpoints = endpoints

    def invoke(self, endpoint: str, records: Buffer, _row_count: int, **_: float | None) -> list[Answer]:
        state = self._endpoints.describe(endpoint)
        if state is None or state.status != "InService":
            raise NotFound(f"endpoint {endpoint} is not in service")
        return answer_records(endpoint.rpartition("-")[2], records)


class SimKey:
    """A key in KMS: each signature is another, and only those it made hold."""

    def __init__(self) -> None:
        self._count = 0

    def sign(self, *, Message: bytes, **_: Any) -> dict[str, bytes]:  # noqa: N803 - KMS's names
        self._count += 1
        nonce = self._count.to_bytes(8)
        return {"Signature": nonce + hashlib.sha256(b"secret" + nonce + Message).digest()}

    def verify(self, *, Message: bytes, Signature: bytes, **_: Any) -> dict[str, bool]:  # noqa: N803
        wanted = Signature[:8] + hashlib.sha256(b"secret" + Signature[:8] + Message).digest()
        assert wanted == Signature, "KMS refuses by an error that no test here expects"
        return {"SignatureValid": True}
