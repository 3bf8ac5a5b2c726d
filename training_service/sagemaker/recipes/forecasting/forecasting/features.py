"""What a model sees of a series at the moment of forecasting, all relative to the seasonal-naive forecast.

One model forecasts every step of every series: the step is a feature (a direct forecast, whose errors do not
feed on themselves), and values are shifted by the naive forecast and divided by the series' own scale, so that
a shop with a thousand sales a day teaches one with ten, and a trend does not end where training ended.
"""

from dataclasses import dataclass

import numpy as np
from recipe.metrics import Floats

from .grid import Indices, calendar
from .panel import Cells, Panel

LAGS = (0, 1, 2, 3)
# How many seasons back a missing value is looked for before the last known one is taken.
LADDER = 3


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What is forecast: at most `horizon` steps ahead, of values that repeat after `season` and maybe after `long`.

    `yearly` is whether the time of the year may be looked at. Seen once only it would be another name for the
    position in time, and what was learnt of it would be wrong for every time to come.
    """

    horizon: int
    season: int
    long: int
    yearly: bool = False

    @property
    def memory(self) -> int:
        """How many of the last values features may look at."""
        return max(8 * self.season, (LADDER + 2) * self.season + self.horizon, 2 * self.long, 16)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What training knows of each series, of shape (series,); NaN for a series it never met."""

    code: Floats
    level: Floats
    scale: Floats


@dataclass(frozen=True, kw_only=True)
class Question:
    """Which steps are forecast from where: `cells` are what is asked, `origin` the last step that is known."""

    cells: Cells
    origin: Indices

    @property
    def step(self) -> Indices:
        """How far ahead each cell is, from 1."""
        return self.cells.index - self.origin


def value_at(panel: Panel, series: Indices, index: Indices) -> Floats:
    """Return values, NaN outside the panel."""
    place = index - panel.start
    inside = (place >= 0) & (place < panel.values.shape[1])
    found = panel.values[series, np.clip(place, 0, panel.values.shape[1] - 1)]
    return np.where(inside, found, np.nan)


def seasonal_naive(panel: Panel, question: Question, season: int) -> Floats:
    """Return the value one season before, or before that; else the last known one; NaN where none is.

    Only what was known at the origin is used.
    """
    cells, step = question.cells, question.step
    back = -(-step // season) * season
    answers = value_at(panel, cells.series, cells.index - back)
    for further in range(1, LADDER):
        older = value_at(panel, cells.series, cells.index - back - further * season)
        answers = np.where(np.isnan(answers), older, answers)
    last = value_at(panel.filled, cells.series, question.origin)
    return np.where(np.isnan(answers), last, answers)


def build_features(panel: Panel, question: Question, shape: Shape, facts: Facts) -> tuple[Floats, Floats]:
    """Return the matrix of shape (cells, features) and the naive forecast it is relative to."""
    series, scale = question.cells.series, facts.scale[question.cells.series]
    naive = seasonal_naive(panel, question, shape.season)
    looked_at = [value_at(panel, series, _known(place, question)) for place in _places(question, shape)]
    looked_at += [panel.mean_before(series, question.origin, width) for width in _widths(shape)]
    looked_at.append(facts.level[series])
    relative = [(value - naive) / scale for value in looked_at]
    own = [question.step.astype(np.float64), facts.code[series]]
    return np.column_stack(
        [*own, *relative, *calendar(panel.grid, question.cells.index, yearly=shape.yearly)]
    ), naive


def _places(question: Question, shape: Shape) -> list[Indices]:
    """Return the steps a forecast looks back at: the last ones, and those where the seasons were the same."""
    index, origin = question.cells.index, question.origin
    same = index - -(-question.step // shape.season) * shape.season
    places = [origin - lag for lag in LAGS] + [origin - shape.season]
    # Before and after the same hour yesterday, and the same hour on the two days before.
    places += [same - 1, same + 1, same - shape.season, same - 2 * shape.season]
    if shape.long > shape.season:
        places.append(index - -(-question.step // shape.long) * shape.long)
    return places


def _known(places: Indices, question: Question) -> Indices:
    # What lies after the origin is not known there: before all time, where nothing was measured.
    return np.where(places <= question.origin, places, np.iinfo(np.int64).min // 2)


def _widths(shape: Shape) -> tuple[int, ...]:
    return (3, shape.season, 7 * shape.season) if shape.season > 3 else (3, 8)
