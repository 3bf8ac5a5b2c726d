"""The one door for tests: faults that AWS has and this machine has not, made on request.

It is shut unless the server was started with `LOCALCLOUD_SAGEMAKER_FAULTS=<file>`. That file holds a JSON list of
faults; it is read anew whenever one of them could happen, so a test writes it while the server runs (and renames
it into place: half a file is an error of the test). What a client sees of a fault is what AWS would show.
"""

import logging
import re
import threading
from collections import Counter
from pathlib import Path
from typing import Final, Literal

import msgspec

from localcloud.sagemaker import errors
from localcloud.sagemaker.errors import JobError
from localcloud.sagemaker.store import Row

_ENDINGS: Final = {
    "capacity": (
        "CapacityError",
        "Unable to provision requested ML compute capacity. Please retry using a different ML instance type.",
    ),
    "internal": ("InternalServerError", "We encountered an internal error. Please try again."),
}
logger = logging.getLogger(__name__)


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault, made `times` times for the training jobs whose names match the pattern `jobs`.

    throttle: the operation answers ThrottlingException. quota: CreateTrainingJob answers ResourceLimitExceeded.
    lose-answer: the operation is done and answers 500. capacity, internal: the job fails with CapacityError before,
    or InternalServerError while its program runs. freeze: the job stays InProgress past its time until it is stopped.
    interrupt: a spot job loses its instance; the next one comes `away_s` later. internal and interrupt happen once a
    checkpoint is saved, or `after_s` after the start of a job that saves none. vanish: the job is deleted as soon as
    it has ended. lose-event, double-event: one state change is told not at all, or twice; `status` says which, empty
    any.
    """

    id: str
    fault: Literal[
        "throttle",
        "quota",
        "lose-answer",
        "capacity",
        "internal",
        "freeze",
        "interrupt",
        "vanish",
        "lose-event",
        "double-event",
    ]
    jobs: str = ".*"
    times: int = 1
    operation: str = "CreateTrainingJob"
    status: str = ""
    after_s: float = 0.0
    away_s: float = 0.0

    def job_error(self) -> JobError:
        """Return what the job fails with, in AWS's words."""
        return JobError(*_ENDINGS[self.fault])


class Faults:
    """The faults of one server; without a file there are none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._made: Counter[str] = Counter()
        self._lock = threading.Lock()
        if path is not None:
            logger.warning("faults are made as %s says: for tests only", path)

    def take(self, kind: str, job: str, *, operation: str = "", status: str = "") -> Fault | None:
        """Return the fault of that kind that happens now, and count it; None where none does."""
        if self._path is None:
            return None
        with self._lock:
            for fault in self._read():
                if fault.fault == kind and self._applies(fault, job, operation, status):
                    self._made[fault.id] += 1
                    return fault
        return None

    def refuse(self, operation: str, request: Row) -> None:
        """Raise AWS's error where the API refuses a call about a training job."""
        job = str(request.get("TrainingJobName", ""))
        if self.take("throttle", job, operation=operation):
            raise errors.ApiError("ThrottlingException", "Rate exceeded")
        if operation == "CreateTrainingJob" and self.take("quota", job, operation=operation):
            instance = request["ResourceConfig"]["InstanceType"]
            raise errors.limit_exceeded(f"{instance} for training job usage", 0, 0)

    def lose_answer(self, operation: str, request: Row) -> None:
        """Raise the error of an answer that got lost after the work was done."""
        if self.take("lose-answer", str(request.get("TrainingJobName", "")), operation=operation):
            raise errors.ApiError("InternalFailure", "The answer got lost on its way.", 500)

    def fail(self, kind: str, job: str) -> None:
        """Raise what ends a job at this point of its story."""
        if fault := self.take(kind, job):
            raise fault.job_error()

    def copies_of_event(self, job: str, status: str) -> int:
        """Return how often a state change is told."""
        if self.take("lose-event", job, status=status):
            return 0
        return 2 if self.take("double-event", job, status=status) else 1

    def _read(self) -> list[Fault]:
        if self._path is None or not self._path.exists():
            return []
        return msgspec.json.decode(self._path.read_bytes(), type=list[Fault])

    def _applies(self, fault: Fault, job: str, operation: str, status: str) -> bool:
        if self._made[fault.id] >= fault.times or not re.search(fault.jobs, job):
            return False
        return (not operation or fault.operation == operation) and fault.status in ("", status)
