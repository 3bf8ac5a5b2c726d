"""What there is to see of the judged rows, as Vega-Lite specs."""

import numpy as np

from .columns import row_count, take_rows
from .confusion import confusion
from .curves import ranking_curves
from .metrics import Floats
from .supervised import Answered, Scorer, measures_of
from .vega import MAX_POINTS, Spec, spec, spread

IMPORTANCE_ROWS = 500
BINS = 10


def supervised_plots(judged: Answered) -> dict[str, Spec]:
    """Return what there is to see of classes (ranking, calibration, confusion) or of values (errors, calibration)."""
    answers = judged.answers["challenger"]
    if judged.classes is None:
        return {
            "residuals": residuals(judged.truth, answers),
            "predicted": against_actual(judged.truth, answers),
            "calibration": means(judged.truth, answers, "predicted value", "mean true value"),
        }
    curves = {**ranking_curves(judged.truth, answers, judged.classes), "confusion": confusion(judged)}
    if len(judged.classes) == 2:
        calibration = means(judged.truth, answers[:, 1], "predicted probability", "observed share")
        return {**curves, "calibration": calibration}
    hit = (answers.argmax(axis=1) == judged.truth).astype(np.float64)
    return {**curves, "calibration": means(hit, answers.max(axis=1), "confidence", "share right")}


def against_actual(truth: Floats, predicted: Floats) -> Spec:
    """Return the true values over the predicted ones."""
    places = spread(len(truth))
    values = [{"x": float(predicted[p]), "y": float(truth[p])} for p in places]
    x, y = {"field": "x", "title": "predicted"}, {"field": "y", "title": "true"}
    return spec("Predicted against actual on the judged rows", "point", x, y, values)


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
    order, ones = np.random.default_rng(seed).permutation(len(rows)), np.ones(len(rows))
    names = [i.name for i in model.signature.inputs]
    # The rows as they are and once per input, in one question: asking costs more than answering a few rows.
    asked = {
        name: np.concatenate([values if name != shuffled else values[order] for shuffled in (None, *names)])
        for name, values in columns.items()
    }
    answers = np.split(model.scores_for(asked, judged.classes), len(names) + 1)
    usual, *changed = (measures_of(truth, part)[primary](ones) for part in answers)
    gains = {name: value - usual for name, value in zip(names, changed, strict=True)}
    best = sorted(gains.items(), key=lambda pair: -pair[1])[:MAX_POINTS]
    values = [{"feature": name, "increase": gain} for name, gain in best]
    x = {"field": "increase", "title": f"increase of {primary} when shuffled"}
    y = {"field": "feature", "type": "nominal", "sort": "-x", "title": None}
    return spec("Permutation importance", "bar", x, y, values)
