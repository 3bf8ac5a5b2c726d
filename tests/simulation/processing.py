"""SageMaker's processing jobs: each makes the dataset of an upload that a function cannot finish, or ends without one."""

import random
from typing import Any

import msgspec
from chalicelib.ingest.build import Built, Refusal
from chalicelib.ingest.processing.messages import RESULT, JobOrder, JobResult

from shared.errors import NotFound, QuotaExceeded, Unavailable
from shared.objects.bucket import split_uri
from tests.simulation.buckets import SimBucket
from tests.simulation.bus import SimBus
from tests.simulation.engine import made_of
from tests.simulation.faults import Calls
from tests.simulation.scheduler import Scheduler
from tests.unit.ingest.fake_jobs import FakeJobs

PROCESSING_CHANGED = "SageMaker Processing Job State Change"
QUOTA = 3


class SimProcessing(FakeJobs):
    """Jobs that take up to a minute, no more than the account's quota at once; ``doubled`` names what ran beside another."""

    def __init__(self, scheduler: Scheduler, chance: random.Random, calls: Calls, data: SimBucket) -> None:
        super().__init__(data)
        self.bus: SimBus
        self.doubled: list[str] = []
        self._scheduler = scheduler
        self._chance = chance
        self._calls = calls

    def create(self, request: Any) -> None:
        name, running = request["ProcessingJobName"], self._running()
        if name not in self.requests and len(running) >= QUOTA:
            raise QuotaExceeded("ResourceLimitExceeded: instances for processing job usage")
        super().create(request)
        if any(_version(other) == _version(name) for other in running):
            self.doubled.append(name)
        self._scheduler.at(self._chance.uniform(5, 60), lambda: self._finish(name))

    def _running(self) -> list[str]:
        return [name for name, job in self.described.items() if job.status == "InProgress"]

    def _finish(self, name: str) -> None:
        try:
            if self._chance.random() < self._calls.rates.failed_training:
                raise Unavailable("InternalServerError: try again")
            self._make(self.requests[name])
            self.end(name, "Completed")
        except (NotFound, Unavailable) as error:
            # What it is to read may be cleared away, where a guard is missing that keeps the row's attempts apart.
            self.end(name, "Failed", failure_reason=str(error))
        self.bus.publish(PROCESSING_CHANGED, {"ProcessingJobName": name})

    def _make(self, request: Any) -> None:
        """Leave what the job's program would, the result last."""
        keys = [split_uri(item["S3Input"]["S3Uri"]) for item in request["ProcessingInputs"]]
        found = {key.rpartition("/")[2]: key for bucket, key in keys if bucket == self._data.name}
        told = msgspec.json.decode(self._data.read(found["order.json"]), type=JobOrder)
        body = self._data.read(found["object"])
        outcome, files = made_of(body)
        (target,) = request["ProcessingOutputConfig"]["Outputs"]
        _, prefix = split_uri(target["S3Output"]["S3Uri"])
        result = JobResult(
            job=told.job,
            size_bytes=len(body),
            judged_by=told.order.known.sha256 if told.order.known else None,
            built=outcome if isinstance(outcome, Built) else None,
            refusal=outcome if isinstance(outcome, Refusal) else None,
        )
        for file, content in {**files, RESULT: msgspec.json.encode(result)}.items():
            self._data.write(f"{prefix}/{file}", content)


def _version(name: str) -> str:
    return name.rpartition("-a")[0]
