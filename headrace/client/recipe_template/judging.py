"""How good models are: metrics of several models on the same rows, and how sure their differences are."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

RESAMPLES = 300
Floats: TypeAlias = npt.NDArray[np.float64]
Metric: TypeAlias = Callable[[npt.NDArray[Any], Floats], float]


def log_loss(codes: npt.NDArray[Any], scores: Floats) -> float:
    """Return the mean surprise at the true class."""
    return float(-np.log(np.clip(scores[np.arange(len(codes)), codes], 1e-15, 1)).mean())


def accuracy(codes: npt.NDArray[Any], scores: Floats) -> float:
    """Return how often the likeliest class is the true one."""
    return float((scores.argmax(axis=1) == codes).mean())


def roc_auc(codes: npt.NDArray[Any], scores: Floats) -> float:
    """Return how often a row of the second class is scored above one of the first; NaN unless there are both."""
    second = codes == 1
    pairs = int(second.sum()) * int((~second).sum())
    if scores.shape[1] != 2 or not pairs:
        return float("nan")
    ordered = np.sort(scores[:, 1])
    ranks = np.searchsorted(ordered, scores[:, 1]) + np.searchsorted(ordered, scores[:, 1], "right") + 1
    n = int(second.sum())
    return float((ranks[second].sum() / 2 - n * (n + 1) / 2) / pairs)


def rmse(truth: npt.NDArray[Any], answers: Floats) -> float:
    """Return the root of the mean squared error."""
    return float(np.sqrt(((truth - answers) ** 2).mean()))


def mae(truth: npt.NDArray[Any], answers: Floats) -> float:
    """Return the mean absolute error."""
    return float(np.abs(truth - answers).mean())


def r2(truth: npt.NDArray[Any], answers: Floats) -> float:
    """Return the share of the variance that is explained; NaN where there is none."""
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - answers) ** 2).sum()) / spread if spread else float("nan")


# The first is the one every gate compares with the baseline.
METRICS: dict[str, dict[str, Metric]] = {
    "classification": {"log_loss": log_loss, "accuracy": accuracy, "roc_auc": roc_auc},
    "regression": {"rmse": rmse, "mae": mae, "r2": r2},
}
HIGHER_IS_BETTER = {
    "log_loss": False,
    "accuracy": True,
    "roc_auc": True,
    "rmse": False,
    "mae": False,
    "r2": True,
}


def judge(
    kind: str, truth: npt.NDArray[Any], answers: Mapping[str, Floats], seed: int
) -> tuple[dict[str, dict[str, float] | None], dict[str, dict[str, Any] | None]]:
    """Return the metrics by model, and how the challenger differs from champion and baseline.

    A difference has the ends of its 90 % interval from a paired bootstrap: the same rows are drawn for both models,
    so what is hard for both does not widen it.
    """
    draws = draw_rows(len(truth), seed)
    metrics = {name: _measure(kind, truth, given) for name, given in answers.items()}
    sampled = {name: _measure_draws(kind, truth, given, draws) for name, given in answers.items()}
    differences = {
        name: {
            m: interval(
                metrics["challenger"][m] - metrics[name][m], sampled["challenger"][m] - sampled[name][m]
            )
            for m in METRICS[kind]
        }
        for name in answers
        if name != "challenger"
    }
    return {"champion": None, **metrics}, {"champion": None, **differences}


def draw_rows(rows: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the rows of every resample; no resample where there are no rows."""
    if not rows:
        return np.zeros((0, 0), np.int64)
    return np.random.default_rng(seed).integers(0, rows, (RESAMPLES, rows))


def _measure(kind: str, truth: npt.NDArray[Any], given: Floats) -> dict[str, float]:
    """Return every metric; NaN where there are no rows."""
    return {m: f(truth, given) if len(truth) else float("nan") for m, f in METRICS[kind].items()}


def _measure_draws(
    kind: str, truth: npt.NDArray[Any], given: Floats, draws: npt.NDArray[np.int64]
) -> dict[str, Floats]:
    """Return every metric on every resample."""
    return {m: np.array([f(truth[draw], given[draw]) for draw in draws]) for m, f in METRICS[kind].items()}


def interval(estimate: float, drawn: Floats) -> dict[str, float]:
    """Return a difference with the ends of its 90 % interval, of what the resamples gave."""
    low, high = np.quantile(drawn, [0.05, 0.95]) if len(drawn) else (np.nan, np.nan)
    return {"estimate": estimate, "low": float(low), "high": float(high)}
