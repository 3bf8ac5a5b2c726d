"""The metrics of forecasts, as functions of weights per judged value."""

import numpy as np
from recipe.metrics import Floats, Measure, mean_of


def measures_of(truth: Floats, forecast: Floats, half_width: Floats, scale: Floats) -> dict[str, Measure]:
    """Prepare every metric; all arguments of shape (values,).

    `scale` is the error of the seasonal-naive forecast in training, so that a MASE below 1 beats it
    (Hyndman and Koehler 2006). sMAPE lies between 0 and 2; `coverage` is the share within the 90 % interval.
    """
    errors = np.abs(truth - forecast)
    squared = mean_of(errors**2)
    size = np.abs(truth) + np.abs(forecast)
    # Nothing forecast where nothing came is no error, although the ratio is undefined.
    relative = np.divide(2 * errors, size, out=np.zeros_like(errors), where=size > 0)
    return {
        "mae": mean_of(errors),
        "rmse": lambda weights: float(np.sqrt(squared(weights))),
        "smape": mean_of(relative),
        "mase": mean_of(errors / scale),
        "coverage": mean_of((errors <= half_width).astype(np.float64)),
    }
