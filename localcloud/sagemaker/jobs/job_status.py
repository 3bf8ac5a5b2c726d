"""The states of jobs, and the words AWS has for them.

Every kind has a status; only a training job has stages (SecondaryStatus) inside it.
"""

import time
from typing import Final

from localcloud.sagemaker import errors
from localcloud.sagemaker.store import TRAINING_JOB, Kind, Row

TERMINAL: Final = frozenset({"Completed", "Failed", "Stopped"})
_MESSAGES: Final = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "Interrupted": "Managed spot training instances were interrupted",
    "MaxWaitTimeExceeded": "Training job wait time exceeded MaxWaitTimeInSeconds provided",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


def enter(row: Row, secondary: str, status: str | None = None) -> None:
    """Move a training job to a secondary status, and to a primary one when given; the last one gets its end.

    A job that is being stopped passes no further stages: only an end changes it.
    """
    if status is None and row["TrainingJobStatus"] == "Stopping":
        return
    now = time.time()
    transitions = row.setdefault("SecondaryStatusTransitions", [])
    if transitions:
        transitions[-1].setdefault("EndTime", now)
    transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": _MESSAGES[secondary]})
    row["SecondaryStatus"] = secondary
    if status is not None:
        row["TrainingJobStatus"] = status
    if status in TERMINAL:
        transitions[-1]["EndTime"] = now
        row.setdefault("TrainingEndTime", now)


def move(kind: Kind, row: Row, status: str) -> None:
    """Give a job of any kind its next status; a training job enters the stage of the same name."""
    if kind is TRAINING_JOB:
        enter(row, status, status)
        return
    row[f"{kind.name}Status"] = status
    if status in TERMINAL:
        row.setdefault(f"{kind.name.removesuffix('Job')}EndTime", time.time())


def fail(kind: Kind, row: Row, reason: str) -> None:
    """End the job as Failed, saying why."""
    row["FailureReason"] = reason
    move(kind, row, "Failed")


def begin_stopping(kind: Kind, row: Row) -> None:
    """Move a running job to Stopping; one that has ended refuses, one that stops already stays."""
    status = status_of(kind, row)
    if status in TERMINAL:
        raise errors.validation(f"The request was rejected because the {kind.noun} is in status {status}.")
    if status != "Stopping":
        move(kind, row, "Stopping")


def is_terminal(kind: Kind, row: Row) -> bool:
    """Whether the job has ended for good."""
    return status_of(kind, row) in TERMINAL


def status_of(kind: Kind, row: Row) -> str:
    """Return the primary status of a job."""
    return str(row[f"{kind.name}Status"])


def position(kind: Kind, row: Row) -> tuple[str, int]:
    """Return where a job stands; when it differs from before, AWS puts an event on the bus."""
    return status_of(kind, row), len(row.get("SecondaryStatusTransitions", []))
