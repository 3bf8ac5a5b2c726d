"""Vega-Lite specs of a judged forecast."""

from typing import Any

import numpy as np
from recipe.metrics import Floats
from recipe.plots import means, residuals
from recipe.vega import MAX_POINTS, SCHEMA, Spec, spec

from .judging import Backtested
from .panel import Panel
from .predictor import Predictor


def forecast_plots(judged: Backtested, challenger: Predictor) -> dict[str, Spec]:
    """Return the forecast against what came, the errors, and how they grow with the step."""
    own = judged.answers["challenger"].value
    return {
        "forecast": _against_actual(judged, challenger.panel),
        "residuals": residuals(judged.truth, own),
        "calibration": means(judged.truth, own, "forecast", "mean of what came"),
        "error_by_step": _error_by_step(judged),
    }


def _against_actual(judged: Backtested, panel: Panel) -> Spec:
    """Draw the series with the most judged values, with the 90 % interval behind the lines."""
    series = int(np.bincount(judged.question.cells.series).argmax())
    own = np.flatnonzero(judged.question.cells.series == series)
    # Whole and newest: a thinned line would hide the rhythm that is to be seen.
    own = own[np.argsort(judged.question.cells.index[own])][-MAX_POINTS:]
    forecast = judged.answers["challenger"]
    times = panel.grid.time_of(judged.question.cells.index[own]).astype("datetime64[s]")
    values = [
        {
            "time": f"{time}Z",
            "actual": float(judged.truth[cell]),
            "forecast": float(forecast.value[cell]),
            "low": float(forecast.value[cell] - forecast.half_width[cell]),
            "high": float(forecast.value[cell] + forecast.half_width[cell]),
        }
        for cell, time in zip(own, times, strict=True)
    ]
    title = ", ".join(map(str, judged.keys[series])) or "the series"
    layers = [
        {"mark": {"type": "area", "opacity": 0.2}, "encoding": _y("low", title) | {"y2": {"field": "high"}}},
        {"mark": {"type": "line", "color": "black"}, "encoding": _y("actual", title)},
        {"mark": "line", "encoding": _y("forecast", title)},
    ]
    time = {"field": "time", "type": "temporal", "title": None}
    return {
        "$schema": SCHEMA,
        "title": f"Forecast (blue) against actual (black): {title}",
        "data": {"values": values},
        "encoding": {"x": time},
        "layer": layers,
    }


def _y(field: str, title: str) -> dict[str, Any]:
    return {"y": {"field": field, "type": "quantitative", "scale": {"zero": False}, "title": title}}


def _error_by_step(judged: Backtested) -> Spec:
    step = judged.question.step
    values = []
    for who in ("challenger", "baseline"):
        errors: Floats = np.abs(judged.answers[who].value - judged.truth)
        chosen = np.unique(np.linspace(step.min(), step.max(), 40).round().astype(np.int64))
        values += [
            {"step": int(s), "error": float(errors[step == s].mean()), "who": who}
            for s in chosen
            if (step == s).any()
        ]
    drawn = spec(
        "Mean absolute error by step ahead",
        {"type": "line", "point": True},
        {"field": "step", "title": "steps ahead"},
        {"field": "error", "title": "mean absolute error"},
        values,
    )
    drawn["encoding"]["color"] = {"field": "who", "type": "nominal", "title": None}
    return drawn
