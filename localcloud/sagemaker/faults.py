"""The one door for tests: faults that AWS has and this machine has not, made on request.

It is shut unless the server was started with `LOCALCLOUD_SAGEMAKER_FAULTS=<file>`. That file holds a JSON list of
faults; it is read anew whenever one of them could happen, so a test writes it while the server runs (and renames
it into place: half a file is an error of the test). What a client sees of a fault is what AWS would show.
"""

import logging
import re
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Final, Literal

import msgspec

from localcloud.sagemaker import errors
from localcloud.sagemaker.errors import JobError
from localcloud.sagemaker.store import ENDPOINT, PROCESSING_JOB, TRAINING_JOB, TRANSFORM_JOB, Kind, Row
from localcloud.sagemaker.unix_http import Reply

_ENDINGS: Final = {
    "capacity": (
        "CapacityError",
        "Unable to provision requested ML compute capacity. Please retry using a different ML instance type.",
    ),
    "internal": ("InternalServerError", "We encountered an internal error. Please try again."),
}
_NO_INSTANCE: Final = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
logger = logging.getLogger(__name__)


class Fault(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fault, made `times` times for the jobs whose names match the pattern `jobs`, or for the endpoints of `endpoints`.

    throttle: the operation answers ThrottlingException. quota: a create request answers ResourceLimitExceeded.
    lose-answer: the operation is done and answers 500. lose-event, double-event: one state change is told not at all, or
    twice; `status` says which, empty any.

    Jobs. capacity, internal: the job fails with CapacityError before, or InternalServerError while its program runs.
    freeze (training): the job stays InProgress past its time until it is stopped. interrupt (training): a spot job loses
    its instance; the next one comes `away_s` later. internal and interrupt happen once a checkpoint is saved, or
    `after_s` after the start of a job that saves none. vanish: the job is deleted as soon as it has ended.

    Endpoints. capacity: it becomes Failed for want of instances. slow-answer: an invocation takes `after_s` longer, and
    fails like any other where that is too long. failing-answer: the container answers 500.
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
        "slow-answer",
        "failing-answer",
    ]
    jobs: str = ".*"
    endpoints: str = ""
    times: int = 1
    operation: str = "CreateTrainingJob"
    status: str = ""
    after_s: float = 0.0
    away_s: float = 0.0

    def job_error(self) -> JobError:
        """Return what the job fails with, in AWS's words."""
        return JobError(*_ENDINGS[self.fault])

    def names(self, name: str, kind: Kind) -> bool:
        """Whether it happens to the resource of that name; one for endpoints happens to no job."""
        if kind is ENDPOINT:
            return bool(self.endpoints) and re.search(self.endpoints, name) is not None
        return not self.endpoints and re.search(self.jobs, name) is not None


class Faults:
    """The faults of one server; without a file there are none."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._made: Counter[str] = Counter()
        self._lock = threading.Lock()
        if path is not None:
            logger.warning("faults are made as %s says: for tests only", path)

    def take(
        self, fault: str, name: str, kind: Kind = TRAINING_JOB, *, operation: str = "", status: str = ""
    ) -> Fault | None:
        """Return the fault that happens now to the resource of that name, and count it; None where none does."""
        if self._path is None:
            return None
        with self._lock:
            for wanted in self._read():
                if (
                    wanted.fault == fault
                    and wanted.names(name, kind)
                    and self._is_due(wanted, operation, status)
                ):
                    self._made[wanted.id] += 1
                    return wanted
        return None

    def refuse(self, operation: str, request: Row) -> None:
        """Raise AWS's error where the API refuses a call about a job or an endpoint."""
        kind, name = _named(request)
        if self.take("throttle", name, kind, operation=operation):
            raise errors.ApiError("ThrottlingException", "Rate exceeded")

    def refuse_instance(self, name: str, quota: str, kind: Kind) -> None:
        """Raise AWS's error of a quota that is 0."""
        if self.take("quota", name, kind):
            raise errors.limit_exceeded(quota, 0, 0)

    def lose_answer(self, operation: str, request: Row) -> None:
        """Raise the error of an answer that got lost after the work was done."""
        kind, name = _named(request)
        if self.take("lose-answer", name, kind, operation=operation):
            raise errors.ApiError("InternalFailure", "The answer got lost on its way.", 500)

    def fail(self, fault: str, job: str) -> None:
        """Raise what ends a job at this point of its story."""
        if made := self.take(fault, job):
            raise made.job_error()

    def endpoint_failure(self, endpoint: str) -> str | None:
        """Return why an endpoint cannot start."""
        return _NO_INSTANCE if self.take("capacity", endpoint, ENDPOINT) else None

    def spoil(self, endpoint: str, timeout_s: float) -> Reply | None:
        """Return the answer a container gives instead of its own; a slow one waits first, or runs out of time.

        Raises
        ------
        TimeoutError
            The wait is longer than an invocation may take.
        """
        if slow := self.take("slow-answer", endpoint, ENDPOINT):
            time.sleep(min(slow.after_s, timeout_s))
            if slow.after_s >= timeout_s:
                raise TimeoutError
        if self.take("failing-answer", endpoint, ENDPOINT):
            return Reply(status=500, headers={}, body=b"This failure was asked for.")
        return None

    def copies_of_event(self, name: str, status: str, kind: Kind = TRAINING_JOB) -> int:
        """Return how often a state change is told."""
        if self.take("lose-event", name, kind, status=status):
            return 0
        return 2 if self.take("double-event", name, kind, status=status) else 1

    def _read(self) -> list[Fault]:
        if self._path is None or not self._path.exists():
            return []
        return msgspec.json.decode(self._path.read_bytes(), type=list[Fault])

    def _is_due(self, fault: Fault, operation: str, status: str) -> bool:
        if self._made[fault.id] >= fault.times:
            return False
        return (not operation or fault.operation == operation) and fault.status in ("", status)


def _named(request: Row) -> tuple[Kind, str]:
    """Return which resource a request is about: a job or an endpoint, by whichever name it carries."""
    for kind in (TRAINING_JOB, PROCESSING_JOB, TRANSFORM_JOB, ENDPOINT):
        if name := request.get(kind.name_member):
            return kind, str(name)
    return TRAINING_JOB, ""
