"""Series of which nothing is known at the moment of forecasting: new ones, and those long silent."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from recipe.metrics import Floats

from .features import Question, Shape
from .panel import Cells, Panel

# More series do not change a mean much, and each costs a forecast.
MOST_SERIES = 300


def is_warm(panel: Panel, question: Question, shape: Shape) -> npt.NDArray[np.bool_]:
    """Tell which cells' series have a value among the last ones that a model may look at."""
    return ~np.isnan(panel.mean_before(question.cells.series, question.origin, shape.memory))


def take(question: Question, chosen: npt.NDArray[np.bool_]) -> Question:
    """Return the chosen cells of a question."""
    cells = Cells(series=question.cells.series[chosen], index=question.cells.index[chosen])
    return Question(cells=cells, origin=question.origin[chosen])


def mean_of_others(panel: Panel, cold: Question, shape: Shape, ask: Callable[[Question], Floats]) -> Floats:
    """Return, for each cell, the mean of what `ask` says of the series that are not cold there.

    Where all are, the mean of all values that were known at the origin.
    """
    pairs = np.column_stack([cold.origin, cold.cells.index])
    known, place = np.unique(pairs, axis=0, return_inverse=True)
    place = place.reshape(-1)
    series = np.unique(np.linspace(0, len(panel.keys) - 1, MOST_SERIES).round().astype(np.int64))
    pair = np.repeat(np.arange(len(known)), len(series))
    cells = Cells(series=np.tile(series, len(known)), index=known[pair, 1])
    everyone = Question(cells=cells, origin=known[pair, 0])
    warm = is_warm(panel, everyone, shape)
    counts = np.bincount(pair[warm], minlength=len(known))
    sums = (
        np.bincount(pair[warm], ask(take(everyone, warm)), len(known)) if warm.any() else np.zeros(len(known))
    )
    overall = np.array([_mean_until(panel, int(origin)) for origin in known[:, 0]])
    return np.where(counts > 0, sums / np.maximum(counts, 1), overall)[place]


def _mean_until(panel: Panel, origin: int) -> float:
    values = panel.until(origin).values
    return float(np.nanmean(values)) if not np.isnan(values).all() else 0.0
