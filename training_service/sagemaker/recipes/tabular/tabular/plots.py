"""Small Vega-Lite 5 specs with their data inline, drawn by the console without asking anybody."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .artifact import write_json
from .columns import row_count, take_rows
from .evaluate import Judged
from .metrics import PRIMARY, Floats, measures_of
from .predictor import Predictor

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"
MAX_POINTS = 200
IMPORTANCE_ROWS = 500
BINS = 10
type Spec = dict[str, Any]


def write_plots(folder: Path, judged: Judged, challenger: Predictor, seed: int) -> None:
    """Write `plots/*.vl.json` for the judged rows; without rows there is nothing to draw."""
    folder.mkdir(parents=True, exist_ok=True)
    if not len(judged.truth):
        return
    answers = judged.answers["challenger"]
    specs = {"importance": _importance(judged, challenger, seed)}
    if judged.classes is None:
        specs["residuals"] = _residuals(judged.truth, answers)
        specs["calibration"] = _means(judged.truth, answers, "predicted value", "mean true value")
    elif len(judged.classes) == 2:
        specs["roc"] = _roc(judged.truth, answers[:, 1])
        specs["calibration"] = _means(judged.truth, answers[:, 1], "predicted probability", "observed share")
    else:
        hit = (answers.argmax(axis=1) == judged.truth).astype(np.float64)
        specs["calibration"] = _means(hit, answers.max(axis=1), "confidence", "share right")
    for name, spec in specs.items():
        write_json(folder / f"{name}.vl.json", spec)


def _spec(title: str, mark: Any, x: Mapping[str, Any], y: Mapping[str, Any], values: list[Any]) -> Spec:
    encoding = {"x": {"type": "quantitative", **x}, "y": {"type": "quantitative", **y}}
    return {"$schema": SCHEMA, "title": title, "data": {"values": values}, "mark": mark, "encoding": encoding}


def _roc(truth: Floats, score: Floats) -> Spec:
    order = np.argsort(-score, kind="stable")
    hits = truth[order]
    caught = np.append(0.0, np.cumsum(hits) / max(hits.sum(), 1.0))
    missed = np.append(0.0, np.cumsum(1 - hits) / max((1 - hits).sum(), 1.0))
    places = np.unique(np.linspace(0, len(caught) - 1, min(MAX_POINTS, len(caught))).round().astype(np.int64))
    values = [{"x": round(float(missed[p]), 4), "y": round(float(caught[p]), 4)} for p in places]
    x, y = {"field": "x", "title": "false positive rate"}, {"field": "y", "title": "true positive rate"}
    return _spec("ROC on the judged rows", "line", x, y, values)


def _residuals(truth: Floats, predicted: Floats) -> Spec:
    places = np.unique(np.linspace(0, len(truth) - 1, min(MAX_POINTS, len(truth))).round().astype(np.int64))
    values = [{"x": float(predicted[p]), "y": float(truth[p] - predicted[p])} for p in places]
    x, y = {"field": "x", "title": "predicted"}, {"field": "y", "title": "true - predicted"}
    return _spec("Residuals on the judged rows", "point", x, y, values)


def _means(truth: Floats, predicted: Floats, x_title: str, y_title: str) -> Spec:
    # Bins of equally many rows: bins of equal width are mostly empty for a rare class.
    groups = np.array_split(np.argsort(predicted, kind="stable"), BINS)
    values = [
        {"x": float(predicted[g].mean()), "y": float(truth[g].mean()), "rows": len(g)}
        for g in groups
        if len(g)
    ]
    x, y = {"field": "x", "title": x_title}, {"field": "y", "title": y_title}
    return _spec("Calibration on the judged rows", {"type": "line", "point": True}, x, y, values)


def _importance(judged: Judged, model: Predictor, seed: int) -> Spec:
    rows = np.unique(np.linspace(0, row_count(judged.columns) - 1, IMPORTANCE_ROWS).round().astype(np.int64))
    columns, truth = take_rows(judged.columns, rows), judged.truth[rows]
    task, ones = model.signature.task, np.ones(len(rows))
    primary = PRIMARY[task]

    def loss(changed: dict[str, Any]) -> float:
        """Return the primary metric with some columns replaced."""
        answers = model.scores_for({**columns, **changed}, judged.classes)
        return measures_of(task, truth, answers)[primary](ones)

    order = np.random.default_rng(seed).permutation(len(rows))
    usual = loss({})
    gains = {i.name: loss({i.name: columns[i.name][order]}) - usual for i in model.signature.inputs}
    best = sorted(gains.items(), key=lambda pair: -pair[1])[:MAX_POINTS]
    values = [{"feature": name, "increase": gain} for name, gain in best]
    x = {"field": "increase", "title": f"increase of {primary} when shuffled"}
    y = {"field": "feature", "type": "nominal", "sort": "-x", "title": None}
    return _spec("Permutation importance", "bar", x, y, values)
