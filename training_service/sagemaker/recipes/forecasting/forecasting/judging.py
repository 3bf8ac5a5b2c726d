"""Judge forecasts on the newest values by a backtest: challenger, champion and the seasonal-naive baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from recipe.columns import Columns, take_rows
from recipe.data import Data
from recipe.evaluate import Judged
from recipe.failure import ModelRefusedError
from recipe.metrics import Floats
from recipe.parameters import Parameters
from recipe.signature import Input, Signature
from recipe.slices import Mask

from .backtest import blocks_of, find_bounds, naive_widths, roll
from .features import Question, value_at
from .metrics import measures_of
from .panel import Cells, Key, can_be_placed, locate, make_panel, series_columns
from .predictor import Forecast, Predictor, naive_forecast


@dataclass(frozen=True, kw_only=True)
class Backtested(Judged):
    """The judged values with everybody's forecasts."""

    question: Question
    truth: Floats
    keys: tuple[Key, ...]
    answers: dict[str, Forecast]


def judge(parameters: Parameters, data: Data, rows: Mask, models: Mapping[str, Predictor]) -> Backtested:
    """Forecast each judged value once, from origins a horizon apart; the past of an origin is known to all.

    A judged value is one step of one series: rows of the same step count once, with their mean.
    """
    challenger = models["challenger"]
    panel = make_panel(data, parameters)
    columns = take_rows(data.test, rows & can_be_placed(data.test, parameters))
    cells = _distinct(locate(columns, parameters, panel.grid, panel.keys))
    question = roll(cells, challenger.shape.horizon)
    error = _why_not(models.get("champion"), challenger)
    fit = {name: model for name, model in models.items() if name == "challenger" or not error}
    answers = {name: model.forecast(panel, question) for name, model in fit.items()}
    scale = challenger.facts_for(panel.keys).scale[cells.series]
    bounds = find_bounds(panel, data, parameters)
    widths = naive_widths(panel, bounds, challenger, parameters.seed)
    answers["baseline"] = Forecast(
        value=naive_forecast(panel, question, challenger.shape), half_width=widths[question.step - 1] * scale
    )
    truth = value_at(panel, cells.series, cells.index)
    return Backtested(
        columns=columns,
        rows=len(truth),
        measures={name: measures_of(truth, a.value, a.half_width, scale) for name, a in answers.items()},
        blocks=blocks_of(cells, challenger.shape.horizon),
        champion_error=error,
        slice_by=_series_of(cells, panel.keys, parameters),
        question=question,
        truth=truth,
        keys=panel.keys,
        answers=answers,
    )


def check_champion(signature: Signature, parameters: Parameters) -> None:
    """Refuse a comparison with a model of other series or of a shorter horizon."""
    if (signature.task, signature.target.name) != (parameters.task, parameters.target):
        raise ModelRefusedError(f"The champion predicts '{signature.target.name}' ({signature.task}).")
    inputs = {taken.name: taken for taken in signature.inputs}
    names = series_columns(parameters)
    known = _names_of(inputs.get("series"), names)
    if known != names:
        raise ModelRefusedError(
            f"The champion's series are named by {known or 'nothing'}, now by {names or 'nothing'}."
        )
    horizon, asked = inputs["horizon"].maximum or 0, int(parameters.task_options["horizon"])
    if horizon < asked:
        raise ModelRefusedError(f"The champion forecasts {horizon:g} steps, now {asked} are asked for.")


def _names_of(series: Input | None, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return what the champion's series are named by; of a single column the signature keeps no name."""
    if series is None:
        return ()
    return tuple(part.name for part in series.fields) or names[:1]


def _why_not(champion: Predictor | None, challenger: Predictor) -> str | None:
    if champion is None or champion.panel.grid == challenger.panel.grid:
        return None
    return "The step between values changed: the champion's forecasts are of other times."


def _series_of(cells: Cells, keys: Sequence[Key], parameters: Parameters) -> Columns:
    """Return, for each judged value, what its series is named by."""
    names = series_columns(parameters)
    return {
        name: np.array([str(keys[series][place]) for series in cells.series], dtype=object)
        for place, name in enumerate(names)
    }


def _distinct(cells: Cells) -> Cells:
    pairs = np.unique(np.column_stack([cells.index, cells.series]), axis=0)
    return Cells(series=pairs[:, 1], index=pairs[:, 0])
