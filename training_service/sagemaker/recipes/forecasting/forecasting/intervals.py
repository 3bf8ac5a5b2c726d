"""Prediction intervals from a backtest, by split conformal prediction.

The scaled absolute errors of forecasts of the validation side, step by step, give the half width that would have
held the truth nine times in ten (Vovk et al. 2005; Lei et al. 2018). That promise is exact for exchangeable
errors; in time it holds as far as the future errs like the past, which `coverage` on the judged slice tells.
"""

import numpy as np
from recipe.metrics import Floats

from .grid import Indices

LEVEL = 0.9
# Steps are pooled with their neighbours until a pool has so many errors: a quantile of fewer is no quantile.
LEAST_ERRORS = 60
MOST_STEPS = 48


def half_widths(errors: Floats, step: Indices, horizon: int) -> Floats:
    """Return, for each step from 1 to the horizon, the half width in units of the series' scale.

    Parameters
    ----------
    errors
        Absolute errors divided by the scale of their series.
    step
        How far ahead each was forecast.
    """
    if not len(errors):
        return np.full(horizon, np.nan)
    # Neighbours hardly differ: between some steps, evenly spread, a straight line is near enough.
    chosen = np.unique(np.linspace(1, horizon, min(horizon, MOST_STEPS)).round().astype(np.int64))
    widths = [_quantile(_pool(errors, step, ahead, horizon)) for ahead in chosen]
    return np.interp(np.arange(1, horizon + 1), chosen, widths)


def _pool(errors: Floats, step: Indices, ahead: np.int64, horizon: int) -> Floats:
    for reach in range(horizon):
        near = errors[np.abs(step - ahead) <= reach]
        if len(near) >= LEAST_ERRORS:
            return near
    return errors


def _quantile(errors: Floats) -> float:
    # One more than there are: the error to come takes part in the ranking.
    rank = int(np.ceil((len(errors) + 1) * LEVEL))
    return float(np.sort(errors)[min(rank, len(errors)) - 1])
