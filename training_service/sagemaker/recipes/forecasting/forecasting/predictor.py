"""A model with the last values of every series: from a question to forecasts with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from recipe.metrics import Floats
from recipe.signature import Signature
from sklearn.pipeline import Pipeline

from .cold import is_warm, mean_of_others, take
from .features import Facts, Question, Shape, build_features, seasonal_naive
from .panel import Key, Panel


@dataclass(frozen=True, kw_only=True)
class Widths:
    """Half widths of the intervals per step ahead, in units of a series' scale; `cold` for series without a past."""

    known: Floats
    cold: Floats


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Values and half widths of their intervals, of shape (cells,)."""

    value: Floats
    half_width: Floats


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """What answers, in training, as champion and in the endpoint alike.

    `panel` holds the last values of every series, from which an endpoint forecasts; a backtest asks with another.
    """

    pipeline: Pipeline
    signature: Signature
    shape: Shape
    facts: Facts
    panel: Panel
    widths: Widths

    def forecast(self, panel: Panel, question: Question) -> Forecast:
        """Return forecasts that use nothing of the panel after each origin.

        A series of which nothing is known there is forecast as the mean of those of which something is.
        """
        facts = self.facts_for(panel.keys)
        scale = facts.scale[question.cells.series]
        warm = is_warm(panel, question, self.shape)
        ahead = question.step - 1
        value = np.full(len(warm), np.nan)
        if warm.any():
            value[warm] = self.ask(panel, take(question, warm), facts)
        half = self.widths.known[ahead] * scale
        if not warm.all():
            cold = take(question, ~warm)
            value[~warm] = mean_of_others(
                panel, cold, self.shape, lambda asked: self.ask(panel, asked, facts)
            )
            half[~warm] = self.widths.cold[ahead[~warm]] * scale[~warm]
        return Forecast(value=value, half_width=half)

    def facts_for(self, keys: Sequence[Key]) -> Facts:
        """Return the facts of other series, with the usual scale for those it never met."""
        places = {key: place for place, key in enumerate(self.panel.keys)}
        usual = float(np.median(self.facts.scale))
        found = [places.get(key) for key in keys]
        known = np.array([place is not None for place in found], dtype=bool)
        place = np.array([place or 0 for place in found], dtype=np.int64)
        return Facts(
            code=np.where(known, self.facts.code[place], np.nan),
            level=np.where(known, self.facts.level[place], np.nan),
            scale=np.where(known, self.facts.scale[place], usual),
        )

    def ask(self, panel: Panel, question: Question, facts: Facts) -> Floats:
        """Return the forecasts of series that have a past."""
        matrix, naive = build_features(panel, question, self.shape, facts)
        return np.asarray(naive + facts.scale[question.cells.series] * self.pipeline.predict(matrix))


def naive_forecast(panel: Panel, question: Question, shape: Shape) -> Floats:
    """Return the seasonal-naive forecast, the others' mean for a series without a past."""
    warm = is_warm(panel, question, shape)
    value = seasonal_naive(panel, question, shape.season)
    if not warm.all():
        cold = take(question, ~warm)
        value[~warm] = mean_of_others(
            panel, cold, shape, lambda asked: seasonal_naive(panel, asked, shape.season)
        )
    return value
