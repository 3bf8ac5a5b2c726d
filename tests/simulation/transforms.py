"""SageMaker's transform jobs: each answers the payloads of a batch after a minute or two, or a part of them, or none."""

import random
import re
from collections.abc import Callable

import msgspec
from chalicelib.inference.batch_plan import TransformPlan
from chalicelib.inference.ports import TransformState

from shared.errors import QuotaExceeded
from shared.objects import split_uri
from tests.simulation.buckets import SimBucket
from tests.simulation.bus import SimBus
from tests.simulation.faults import Calls
from tests.simulation.models import answer_payload
from tests.simulation.scheduler import Scheduler

TRANSFORM_CHANGED = "SageMaker Transform Job State Change"
QUOTA = 2
# The first is SageMaker's and may be tried again, the second the model's own.
FAILURES = ("InternalServerError: try again", "AlgorithmError: the container died")
RUNS = ("InProgress", "Stopping")
_VERSION = re.compile(r"/(v[0-9]+)/model")


class SimTransforms:
    """Jobs that take a minute or two, no more than the account's quota at once; ``watchers`` hear of each before it is made."""

    def __init__(self, scheduler: Scheduler, chance: random.Random, calls: Calls, data: SimBucket) -> None:
        self.bus: SimBus
        self.jobs: dict[str, TransformState] = {}
        self.models: set[str] = set()
        self.watchers: list[Callable[[str, list[str]], None]] = []
        self._scheduler = scheduler
        self._chance = chance
        self._calls = calls
        self._data = data

    def create(self, plan: TransformPlan) -> None:
        self.models.add(plan.model["ModelName"])
        if plan.name in self.jobs:
            return
        if len(self.running()) >= QUOTA:
            raise QuotaExceeded("ResourceLimitExceeded: instances for transform job usage")
        keys = self._asked(plan)
        for watcher in self.watchers:
            watcher(plan.name, keys)
        self.jobs[plan.name] = TransformState(status="InProgress")
        self._scheduler.at(self._chance.uniform(20, 150), lambda: self._end(plan, keys))

    def describe(self, name: str) -> TransformState | None:
        return self.jobs.get(name)

    def stop(self, name: str) -> None:
        if name in self.jobs and self.jobs[name].status == "InProgress":
            self.jobs[name] = TransformState(status="Stopping")

    def forget(self, model_name: str) -> None:
        self.models.discard(model_name)

    def running(self) -> list[str]:
        """Return the names of the jobs that hold an instance."""
        return [name for name, job in self.jobs.items() if job.status in RUNS]

    def _asked(self, plan: TransformPlan) -> list[str]:
        source = plan.job["TransformInput"]["DataSource"]["S3DataSource"]
        first, *names = msgspec.json.decode(self._data.read(split_uri(source["S3Uri"])[1]))
        return [split_uri(first["prefix"])[1] + name for name in names]

    def _end(self, plan: TransformPlan, keys: list[str]) -> None:
        fails = self._chance.random() < self._calls.rates.failed_training
        if self.jobs[plan.name].status == "Stopping":
            state = TransformState(status="Stopped")
        elif fails:
            state = TransformState(status="Failed", reason=self._chance.choice(FAILURES))
        else:
            state = TransformState(status="Completed")
        # What fails may have answered some of it.
        many = len(keys) if state.status == "Completed" else self._chance.randrange(len(keys) + 1)
        for key in keys[:many]:
            self._answer(plan, key)
        self.jobs[plan.name] = state
        output = {"S3OutputPath": plan.job["TransformOutput"]["S3OutputPath"]}
        self.bus.publish(TRANSFORM_CHANGED, {"TransformJobName": plan.name, "TransformOutput": output})

    def _answer(self, plan: TransformPlan, key: str) -> None:
        version = _VERSION.search(plan.model["PrimaryContainer"]["ModelDataUrl"])
        assert version is not None
        _, folder = split_uri(plan.job["TransformOutput"]["S3OutputPath"])
        self._data.write(
            f"{folder}/{key.rpartition('/')[2]}.out", answer_payload(version[1], self._data.read(key))
        )
