"""The states of a training job, and the words AWS has for them."""

import time
from typing import Final

from localcloud.sagemaker.store import Row

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
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}


def enter(row: Row, secondary: str, status: str | None = None) -> None:
    """Move the job to a secondary status, and to a primary one when given; the last one gets its end.

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


def fail(row: Row, reason: str) -> None:
    """End the job as Failed, saying why."""
    row["FailureReason"] = reason
    enter(row, "Failed", "Failed")


def is_terminal(row: Row) -> bool:
    """Whether the job has ended for good."""
    return row["TrainingJobStatus"] in TERMINAL
