"""A SageMaker in memory: its jobs move when told to."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from chalicelib.training.request import INPUT_VARIABLE
from chalicelib.training.sagemaker import Described

from shared.errors import Conflict, HeadraceError, NotFound, Unavailable

ENDED = ("Completed", "Failed", "Stopped")


class FakeSageMaker:
    """Stands in for SageMakerJobs. ``created`` lists every accepted request; ``refusal`` makes the next creates fail."""

    def __init__(self) -> None:
        self.jobs: dict[str, Described] = {}
        self.created: list[dict[str, Any]] = []
        self.stopped: list[str] = []
        self.refusal: HeadraceError | None = None
        self.loses_answer = False

    def create(self, request: Mapping[str, Any]) -> None:
        name = request["TrainingJobName"]
        if self.refusal is not None:
            raise self.refusal
        if name in self.jobs:
            raise Conflict(f"{name} exists (ResourceInUse)")
        self.created.append(dict(request))
        self.jobs[name] = Described(
            name=name,
            status="InProgress",
            secondary_status="Starting",
            input_sha256=request["Environment"][INPUT_VARIABLE],
            max_runtime_s=request["StoppingCondition"]["MaxRuntimeInSeconds"],
        )
        if self.loses_answer:
            self.loses_answer = False
            raise Unavailable("the connection broke after the job was created")

    def describe(self, name: str) -> Described:
        if name not in self.jobs:
            raise NotFound(f"no job {name}")
        return self.jobs[name]

    def stop(self, name: str) -> None:
        self.stopped.append(name)
        if name in self.jobs and self.jobs[name].status not in ENDED:
            self.move(name, "Stopping")

    def move(
        self,
        name: str,
        status: str,
        secondary: str = "",
        *,
        reason: str = "",
        started_at: datetime | None = None,
    ) -> None:
        """Move a job, as SageMaker would without being asked."""
        self.jobs[name] = msgspec.structs.replace(
            self.jobs[name],
            status=status,
            secondary_status=secondary or status,
            failure_reason=reason,
            started_at=started_at or self.jobs[name].started_at,
        )

    @property
    def running(self) -> list[str]:
        return [name for name, job in self.jobs.items() if job.status not in ENDED]
