"""A model that answers every row the same, by what was frequent in training: the smallest that can be trained and served.

Its baseline has not even counted: it finds every class as likely as any other, or answers 0. So the gate lets the model
pass where classes are uneven, and refuses it where counting them is worth nothing.
"""

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from data import Job

type Floats = npt.NDArray[np.float64]
type State = dict[str, Any]


def fit(job: Job, train: pa.Table) -> State:
    """Return the mean of the target, or the share of each class."""
    values = train[job.target].to_pylist()
    if job.task == "regression":
        return {"classes": None, "answer": [sum(values) / len(values)]}
    counts = Counter(values)
    classes = sorted(counts)
    return {"classes": classes, "answer": [counts[label] / len(values) for label in classes]}


def fit_baseline(job: Job, train: pa.Table) -> State:
    """Return 0, or equal shares of all classes."""
    counted = fit(job, train)
    even = 1 / len(counted["answer"])
    return {**counted, "answer": [0.0] if counted["classes"] is None else [even for _ in counted["answer"]]}


def predict(state: State, table: pa.Table) -> Floats:
    """Return the answer for every row: numbers, or of shape (rows, classes) probabilities."""
    answers = np.tile(np.array(state["answer"], dtype=np.float64), (table.num_rows, 1))
    return answers[:, 0] if state["classes"] is None else answers
