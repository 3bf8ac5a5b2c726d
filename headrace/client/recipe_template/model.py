"""The model: this file is yours to replace. The others keep the contract and can stay as they are.

`fit` and `fit_baseline` return a state that is plain JSON, and `predict` reads one: nothing is pickled, so nobody who
loads the model runs code that came with it. A model that is no JSON goes into a file of its own: skops, safetensors, ONNX.
"""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from data import Field, Job

MOST_CATEGORIES = 20
Floats: TypeAlias = npt.NDArray[np.float64]
State: TypeAlias = dict[str, Any]


def fit(job: Job, train: pa.Table) -> State:
    """Return a linear model of the features."""
    from sklearn.linear_model import LogisticRegression, Ridge

    columns = [_learn(train[field["name"]], field) for field in job.features if field["type"] != "binary"]
    x, y = _encode(train, columns), train[job.target].to_numpy(zero_copy_only=False)
    strength = float(job.parameters["params"].get("strength", 1.0))
    if job.kind == "regression":
        ridge = Ridge(alpha=1 / strength).fit(x, y.astype(float))
        return {
            "columns": columns,
            "classes": None,
            "weights": [ridge.coef_.tolist()],
            "biases": [ridge.intercept_],
        }
    logistic = LogisticRegression(C=strength, max_iter=500).fit(x, y)
    weights, biases = logistic.coef_, logistic.intercept_
    if len(weights) == 1:
        # Of two classes scikit-learn keeps one line; the other's is zero.
        weights, biases = np.vstack([0 * weights, weights]), np.array([0.0, biases[0]])
    classes = logistic.classes_.tolist()
    return {
        "columns": columns,
        "classes": classes,
        "weights": weights.tolist(),
        "biases": biases.tolist(),
    }


def fit_baseline(job: Job, train: pa.Table) -> State:
    """Return what somebody would say who never looks at a row: the mean, or how frequent each class is."""
    if job.kind == "regression":
        return constant([pc.mean(train[job.target]).as_py()])
    counts = {entry["values"]: entry["counts"] for entry in train[job.target].value_counts().to_pylist()}
    classes = sorted(counts)
    return constant([float(np.log(counts[c] / train.num_rows)) for c in classes], classes)


def constant(biases: list[float], classes: list[Any] | None = None) -> State:
    """Return a model that answers every row the same: a number, or classes by the logarithms of their shares."""
    return {"columns": [], "classes": classes, "weights": [[] for _ in biases], "biases": biases}


def predict(state: State, table: pa.Table) -> Floats:
    """Return a number per row, or of shape (rows, classes) the probability of each class."""
    weights = np.array(state["weights"], dtype=np.float64)
    answers: Floats = _encode(table, state["columns"]) @ weights.T + np.array(state["biases"])
    if state["classes"] is None:
        return answers[:, 0]
    powers: Floats = np.exp(answers - answers.max(axis=1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=1, keepdims=True)
    return shares


def _learn(values: pa.ChunkedArray, field: Field) -> dict[str, Any]:
    """Return how a column becomes numbers: its frequent texts, or its mean and spread."""
    if field["type"] == "string":
        counts = sorted(
            values.drop_null().value_counts().to_pylist(), key=lambda c: (-c["counts"], c["values"])
        )
        return {"name": field["name"], "categories": [c["values"] for c in counts[:MOST_CATEGORIES]]}
    numbers = values.cast(pa.float64())
    mean, spread = pc.mean(numbers).as_py() or 0.0, pc.stddev(numbers).as_py() or 1.0
    return {"name": field["name"], "mean": mean, "spread": spread}


def _encode(table: pa.Table, columns: list[dict[str, Any]]) -> Floats:
    """Return the matrix, of shape (rows, width); a missing number counts as the mean, an unseen text as none."""
    encoded = [_encode_column(table[column["name"]], column) for column in columns]
    return np.hstack(encoded) if encoded else np.zeros((table.num_rows, 0))


def _encode_column(values: pa.ChunkedArray, column: dict[str, Any]) -> Floats:
    if "categories" in column:
        texts = values.to_numpy(zero_copy_only=False)
        return np.column_stack([texts == c for c in column["categories"]] or [np.zeros(len(texts))]).astype(
            float
        )
    numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.nan_to_num((numbers - column["mean"]) / column["spread"])[:, None]
