"""Forecasts from many moments of the past (rolling origin), by which a model is taught, measured and judged."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from recipe.data import Data
from recipe.failure import UserError
from recipe.metrics import Floats
from recipe.parameters import Parameters

from .cold import is_warm, mean_of_others, take
from .features import Question, Shape, value_at
from .intervals import half_widths
from .panel import Cells, Panel, last_index
from .predictor import Predictor, Widths, naive_forecast

# The share of the training steps that is held out where the data has no validation side.
HELD_OUT = 0.15
MOST_ERRORS = 40_000
LEAST_BLOCKS = 10
MOST_COLD = 500


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The last step that teaches and the last that tunes, on the grid."""

    train: int
    validation: int


def find_bounds(panel: Panel, data: Data, parameters: Parameters) -> Bounds:
    """Return where training and validation end; without a validation side the end of training tunes."""
    train = last_index(data.train, parameters, panel.grid)
    validation = last_index(data.validation, parameters, panel.grid)
    if train is None:
        raise UserError(f"No training row has a time in the column '{parameters.time}'.")
    if validation is not None and validation > train:
        return Bounds(train=train, validation=validation)
    steps = max(1, round((train - panel.start + 1) * HELD_OUT))
    return Bounds(train=train - steps, validation=train)


def draw_questions(
    panel: Panel, shape: Shape, between: tuple[int, int], most: int, seed: int
) -> tuple[Question, Floats]:
    """Return at most that many (origin, step) pairs with their truths, in random order.

    Parameters
    ----------
    between
        The truth lies after the first and not after the second of these steps.
    """
    low, high = (np.clip(end - panel.start + 1, 0, panel.values.shape[1]) for end in between)
    series, place = np.nonzero(~np.isnan(panel.values[:, low:high]))
    total = len(series) * shape.horizon
    random = np.random.default_rng(seed)
    # Of more pairs than are wanted, some are drawn; the rare one that is drawn twice does no harm.
    drawn = random.permutation(total) if total <= most else random.integers(0, total, most)
    cell, step = drawn // shape.horizon, drawn % shape.horizon + 1
    index = place[cell] + low + panel.start
    question = Question(cells=Cells(series=series[cell], index=index), origin=index - step)
    question = take(question, is_warm(panel, question, shape))
    return question, value_at(panel, question.cells.series, question.cells.index)


def roll(cells: Cells, horizon: int) -> Question:
    """Ask each cell once, from origins a horizon apart, the first just before the first cell."""
    first = int(cells.index.min()) if len(cells.index) else 0
    step = (cells.index - first) % horizon + 1
    return Question(cells=cells, origin=cells.index - step)


def blocks_of(cells: Cells, horizon: int) -> npt.NDArray[np.int64]:
    """Return a block of time for each cell: a horizon long, or shorter where that gave fewer than ten blocks.

    Series of one block stay together too: the same weather spoils all their forecasts.
    """
    if not len(cells.index):
        return np.zeros(0, dtype=np.int64)
    since = cells.index - cells.index.min()
    length = max(1, min(horizon, (int(since.max()) + 1) // LEAST_BLOCKS))
    return np.asarray(since // length)


def measure_widths(predictor: Predictor, panel: Panel, question: Question, truth: Floats) -> Widths:
    """Return the half widths that held nine in ten of the backtest's truths."""
    scale = predictor.facts_for(panel.keys).scale[question.cells.series]
    errors = np.abs(predictor.forecast(panel, question).value - truth) / scale
    known = half_widths(errors, question.step, predictor.shape.horizon)
    if len(panel.keys) < 2:
        return Widths(known=known, cold=known)
    # What a series is forecast as that has no past: the mean of the others.
    some = take(question, np.arange(len(truth)) < MOST_COLD)
    facts = predictor.facts_for(panel.keys)
    means = mean_of_others(panel, some, predictor.shape, lambda asked: predictor.ask(panel, asked, facts))
    usual = float(np.median(facts.scale))
    apart = np.abs(means - truth[:MOST_COLD]) / usual
    cold = half_widths(apart, some.step, predictor.shape.horizon)
    return Widths(known=known, cold=np.maximum(known, cold))


def naive_widths(panel: Panel, bounds: Bounds, predictor: Predictor, seed: int) -> Floats:
    """Return the half widths of the seasonal-naive forecast, measured like the model's."""
    shape, span = predictor.shape, (bounds.train, bounds.validation)
    question, truth = draw_questions(panel, shape, span, MOST_ERRORS, seed)
    scale = predictor.facts_for(panel.keys).scale[question.cells.series]
    errors = np.abs(naive_forecast(panel, question, shape) - truth) / scale
    return half_widths(errors, question.step, shape.horizon)
