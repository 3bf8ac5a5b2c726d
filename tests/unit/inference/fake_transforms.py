"""SageMaker's transform jobs in a dict: they run when a test says so, and answer as the model of the batch does."""

import json
import re
from typing import Any

from chalicelib.inference.batch_plan import TransformPlan
from chalicelib.inference.ports import TransformState
from msgspec import to_builtins

from tests.fakes import FakeBucket
from tests.unit.inference.fakes import answer_of


class FakeTransforms:
    """Jobs by name; ``refused`` is raised by the next creations."""

    def __init__(self, bucket: FakeBucket) -> None:
        self._bucket = bucket
        self.jobs: dict[str, TransformState] = {}
        self.plans: dict[str, TransformPlan] = {}
        self.models: set[str] = set()
        self.refused: list[Exception] = []
        self.stopped: list[str] = []

    def create(self, plan: TransformPlan) -> None:
        if self.refused:
            raise self.refused.pop(0)
        self.models.add(plan.model["ModelName"])
        if plan.name not in self.jobs:
            self.plans[plan.name] = plan
            self.jobs[plan.name] = TransformState(status="InProgress")

    def describe(self, name: str) -> TransformState | None:
        return self.jobs.get(name)

    def stop(self, name: str) -> None:
        self.stopped.append(name)
        self.jobs[name] = TransformState(status="Stopping")

    def forget(self, model_name: str) -> None:
        self.models.discard(model_name)

    def asked(self, name: str) -> list[str]:
        """Return the objects that a job's manifest names."""
        source = self.plans[name].job["TransformInput"]["DataSource"]["S3DataSource"]
        manifest: list[Any] = json.loads(self._bucket.read(source["S3Uri"].removeprefix("s3://data/")))
        prefix = manifest[0]["prefix"].removeprefix("s3://data/")
        return [prefix + one for one in manifest[1:]]

    def run(self, *, lose: tuple[str, ...] = (), failed: str = "") -> None:
        """Let what runs answer all its payloads but those that end in one of *lose*, and end, *failed* for a reason."""
        for name, state in self.jobs.items():
            if state.status != "InProgress":
                continue
            plan = self.plans[name]
            version = re.search(r"/(v[0-9]+)/", plan.model["PrimaryContainer"]["ModelDataUrl"])
            assert version
            out = plan.job["TransformOutput"]["S3OutputPath"].removeprefix("s3://data/")
            for key in self.asked(name):
                if key.endswith(lose or ("nothing",)):
                    continue
                records = json.loads(self._bucket.read(key))["records"]
                answers = [to_builtins(answer_of(version[1], record)) for record in records]
                body = json.dumps({"predictions": answers}).encode()
                self._bucket.write(f"{out}/{key.rpartition('/')[2]}.out", body)
            self.jobs[name] = TransformState(status="Failed" if failed else "Completed", reason=failed)
