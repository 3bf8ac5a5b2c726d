"""Judge a tabular model, a regression also by its intervals: how often they hold the truth, and how wide they are."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from recipe.data import Data
from recipe.metrics import Floats, Measure, mean_of
from recipe.parameters import Parameters
from recipe.row_judging import judge_rows
from recipe.slices import Mask
from recipe.supervised import Answered, find_targets

from .intervals import LEAST_MEASURED, quantile
from .predictor import Predictor


def judge(parameters: Parameters, data: Data, rows: Mask, models: Mapping[str, Predictor]) -> Answered:
    """Let the models answer beside who only knows the training targets."""
    judged = judge_rows(parameters, data, rows, models)
    if parameters.task != "regression":
        return judged
    widths: dict[str, Floats | None] = {name: m.half_widths(judged.columns) for name, m in models.items()}
    widths["baseline"] = _around_the_mean(parameters, data, judged.rows)
    measures = {
        name: own | interval_measures(np.abs(judged.truth - judged.answers[name]), widths[name])
        for name, own in judged.measures.items()
    }
    return replace(judged, measures=measures)


def _around_the_mean(parameters: Parameters, data: Data, rows: int) -> Floats | None:
    targets = find_targets(data, parameters)
    if len(targets.validation) < LEAST_MEASURED:
        return None
    return np.full(rows, quantile(np.abs(targets.validation - targets.train.mean())))


def interval_measures(errors: Floats, half_widths: Floats | None) -> dict[str, Measure]:
    """Prepare the share of truths within their interval and the mean width; NaN for a model without intervals."""
    if half_widths is None:
        return dict.fromkeys(("coverage", "interval_width"), lambda _weights: float("nan"))
    held = (errors <= half_widths).astype(np.float64)
    return {"coverage": mean_of(held), "interval_width": mean_of(2 * half_widths)}
