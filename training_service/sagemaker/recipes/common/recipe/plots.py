"""Small Vega-Lite 5 specs with their data inline, drawn by the console without asking anybody."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .columns import row_count, take_rows
from .metrics import Floats
from .supervised import Answered, Scorer, measures_of

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
MAX_POINTS = 200
IMPORTANCE_ROWS = 500
BINS = 10
type Spec = dict[str, Any]


def supervised_plots(judged: Answered) -> dict[str, Spec]:
    """Return what there is to see of classes (ROC of two, calibration) or values (residuals, calibration)."""
    answers = judged.answers["challenger"]
    if judged.classes is None:
        return {
            "residuals": residuals(judged.truth, answers),
            "calibration": means(judged.truth, answers, "predicted value", "mean true value"),
        }
    if len(judged.classes) == 2:
        calibration = means(judged.truth, answers[:, 1], "predicted probability", "observed share")
        return {"roc": roc(judged.truth, answers[:, 1]), "calibration": calibration}
    hit = (answers.argmax(axis=1) == judged.truth).astype(np.float64)
    return {"calibration": means(hit, answers.max(axis=1), "confidence", "share right")}


def spread(count: int, most: int = MAX_POINTS) -> npt.NDArray[np.int64]:
    """Return at most that many positions, evenly spread over `count`."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.int64))


def spec(title: str, mark: Any, x: Mapping[str, Any], y: Mapping[str, Any], values: list[Any]) -> Spec:
    """Return a spec with quantitative axes and its data inline."""
    encoding = {"x": {"type": "quantitative", **x}, "y": {"type": "quantitative", **y}}
    return {"$schema": SCHEMA, "title": title, "data": {"values": values}, "mark": mark, "encoding": encoding}


def roc(truth: Floats, score: Floats) -> Spec:
    """Return the ROC curve of a score for the class 1."""
    order = np.argsort(-score, kind="stable")
    hits = truth[order]
    caught = np.append(0.0, np.cumsum(hits) / max(hits.sum(), 1.0))
    missed = np.append(0.0, np.cumsum(1 - hits) / max((1 - hits).sum(), 1.0))
    places = spread(len(caught))
    values = [{"x": round(float(missed[p]), 4), "y": round(float(caught[p]), 4)} for p in places]
    x, y = {"field": "x", "title": "false positive rate"}, {"field": "y", "title": "true positive rate"}
    return spec("ROC on the judged rows", "line", x, y, values)


def residuals(truth: Floats, predicted: Floats) -> Spec:
    """Return the errors over the predicted values."""
    places = spread(len(truth))
    values = [{"x": float(predicted[p]), "y": float(truth[p] - predicted[p])} for p in places]
    x, y = {"field": "x", "title": "predicted"}, {"field": "y", "title": "true - predicted"}
    return spec("Residuals on the judged rows", "point", x, y, values)


def means(truth: Floats, predicted: Floats, x_title: str, y_title: str) -> Spec:
    """Return the calibration: the mean truth in bins of what was predicted."""
    # Bins of equally many rows: bins of equal width are mostly empty for a rare class.
    groups = np.array_split(np.argsort(predicted, kind="stable"), BINS)
    values = [
        {"x": float(predicted[g].mean()), "y": float(truth[g].mean()), "rows": len(g)}
        for g in groups
        if len(g)
    ]
    x, y = {"field": "x", "title": x_title}, {"field": "y", "title": y_title}
    return spec("Calibration on the judged rows", {"type": "line", "point": True}, x, y, values)


def importance(judged: Answered, model: Scorer, primary: str, seed: int) -> Spec:
    """Return how much worse the primary metric gets when one input is shuffled."""
    rows = spread(row_count(judged.columns), IMPORTANCE_ROWS)
    columns, truth = take_rows(judged.columns, rows), judged.truth[rows]
    ones = np.ones(len(rows))

    def loss(changed: dict[str, Any]) -> float:
        """Return the primary metric with some columns replaced."""
        answers = model.scores_for({**columns, **changed}, judged.classes)
        return measures_of(truth, answers)[primary](ones)

    order = np.random.default_rng(seed).permutation(len(rows))
    usual = loss({})
    gains = {i.name: loss({i.name: columns[i.name][order]}) - usual for i in model.signature.inputs}
    best = sorted(gains.items(), key=lambda pair: -pair[1])[:MAX_POINTS]
    values = [{"feature": name, "increase": gain} for name, gain in best]
    x = {"field": "increase", "title": f"increase of {primary} when shuffled"}
    y = {"field": "feature", "type": "nominal", "sort": "-x", "title": None}
    return spec("Permutation importance", "bar", x, y, values)
