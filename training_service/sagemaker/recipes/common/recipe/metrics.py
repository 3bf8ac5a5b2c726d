"""Metrics as functions of row weights, so that a bootstrap replicate costs no sort and no copy.

Each `…_measures` prepares what does not depend on the weights (losses per row, the order of the scores) and
returns, per metric, a function from weights of shape (rows,) to a float. With all weights one they equal
scikit-learn's metrics of the same name; undefined is NaN (one class only, no rows).
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]
type Measure = Callable[[Floats], float]
type Curve = Callable[[Floats], tuple[Floats, Floats]]


def classification_measures(truth: npt.NDArray[np.int64], scores: Floats) -> dict[str, Measure]:
    """Prepare the metrics of class codes of shape (rows,) and probabilities of shape (rows, classes)."""
    classes = scores.shape[1]
    hits = np.eye(classes)[truth]
    best = scores.argmax(axis=1)
    # With two classes both curves are about the second one, as scikit-learn's are.
    ranked = [1] if classes == 2 else range(classes)
    curves = [_ranked(hits[:, c], scores[:, c]) if len(truth) else None for c in ranked]
    squares = ((scores - hits) ** 2).sum(axis=1)
    # The same floor as scikit-learn's: a certain and wrong answer costs much, but not infinitely much.
    likelihood = np.clip(scores[np.arange(len(truth)), truth], np.finfo(np.float64).eps, 1.0)
    return {
        "log_loss": mean_of(-np.log(likelihood)),
        "roc_auc": _macro([_roc_auc(curve) for curve in curves]),
        "accuracy": mean_of((best == truth).astype(np.float64)),
        "f1": lambda weights: _macro_f1(truth, best, classes, weights),
        # Halved for two classes, which gives the definition everybody knows for them.
        "brier": mean_of(squares / 2 if classes == 2 else squares),
        "average_precision": _macro([_average_precision(curve) for curve in curves]),
    }


def regression_measures(truth: Floats, predicted: Floats) -> dict[str, Measure]:
    """Prepare the metrics of values, both of shape (rows,)."""
    errors = truth - predicted
    squared = mean_of(errors**2)
    measures: dict[str, Measure] = {
        "rmse": lambda weights: float(np.sqrt(squared(weights))),
        "mae": mean_of(np.abs(errors)),
        "r2": lambda weights: _r2(truth, errors, weights),
    }
    # A percentage of nothing is undefined, and near zero it drowns every other row.
    if len(truth) and not (truth == 0).any():
        measures["mape"] = mean_of(np.abs(errors / truth))
    return measures


def mean_of(losses: Floats) -> Measure:
    """Prepare the weighted mean of a loss per row."""
    return lambda weights: ratio(weights @ losses, weights.sum())


def ratio(part: float, whole: float) -> float:
    """Return part of whole, NaN of nothing."""
    return float(part / whole) if whole > 0 else float("nan")


def _macro(measures: list[Measure]) -> Measure:
    # A class without a row in a replicate makes the whole NaN: a mean over fewer classes is another metric.
    return lambda weights: float(np.mean([measure(weights) for measure in measures]))


def _ranked(hits: Floats, scores: Floats) -> Curve:
    """Return a function from weights to cumulated (hits, misses) at each distinct score, best score first."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    positive = hits[order]
    # Half of the bootstrap's time: the metrics of a curve are asked with the same weights one after the other.
    last: list[tuple[Floats, tuple[Floats, Floats]]] = []

    def cumulate(weights: Floats) -> tuple[Floats, Floats]:
        """Walk down the ranking; rows of equal score are passed together, or ties would be flattered."""
        if not last or last[0][0] is not weights:
            ordered = weights[order]
            caught = np.cumsum(ordered * positive)[ends]
            last[:] = [(weights, (caught, np.cumsum(ordered)[ends] - caught))]
        return last[0][1]

    return cumulate


def _roc_auc(cumulate: Curve | None) -> Measure:
    """Prepare the share of (positive, negative) pairs ranked rightly, by the trapezoidal rule over ROC points."""

    def measure(weights: Floats) -> float:
        """Return the area under the curve of these weights."""
        if cumulate is None:
            return float("nan")
        caught, missed = cumulate(weights)
        area = np.trapezoid(np.append(0.0, caught), np.append(0.0, missed))
        return ratio(area, caught[-1] * missed[-1])

    return measure


def _average_precision(cumulate: Curve | None) -> Measure:
    """Prepare the sum of precision times gained recall, without interpolation, as scikit-learn defines it."""

    def measure(weights: Floats) -> float:
        """Return the area under the curve of these weights."""
        if cumulate is None:
            return float("nan")
        caught, missed = cumulate(weights)
        flagged = caught + missed
        precision = np.divide(caught, flagged, out=np.zeros_like(caught), where=flagged > 0)
        return ratio(np.diff(caught, prepend=0.0) @ precision, caught[-1])

    return measure


def _macro_f1(
    truth: npt.NDArray[np.int64], best: npt.NDArray[np.int64], classes: int, weights: Floats
) -> float:
    if not len(truth):
        return float("nan")
    counts = np.bincount(truth * classes + best, weights, classes * classes).reshape(classes, classes)
    named = counts.sum(axis=0) + counts.sum(axis=1)
    present = named > 0
    return float((2 * counts.diagonal()[present] / named[present]).mean()) if present.any() else float("nan")


def _r2(truth: Floats, errors: Floats, weights: Floats) -> float:
    if not len(truth):
        return float("nan")
    around = weights @ (truth - ratio(weights @ truth, weights.sum())) ** 2
    return 1.0 - ratio(weights @ errors**2, around)
