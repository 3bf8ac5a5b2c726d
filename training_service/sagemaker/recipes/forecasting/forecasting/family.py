"""The forecasting family: the next values of many series."""

from pathlib import Path
from typing import Any

from recipe.data import Data
from recipe.family import Family
from recipe.golden import GOLDEN_ROWS
from recipe.parameters import Parameters, Rules
from recipe.search import Search
from recipe.tables import HIGHER_IS_BETTER, PRIMARY
from recipe.vega import Spec, spread

from .fitting import fit_predictor
from .judging import Backtested, check_champion, judge
from .panel import Key
from .plots import forecast_plots
from .predictor import Predictor
from .serving import SERVING
from .state import save

# Enough points to prove that an endpoint answers the same; the whole horizon of every series would be large.
GOLDEN_POINTS = 48


def fit(parameters: Parameters, data: Data, folder: Path) -> None:
    """Fit and write the model with the last values of every series."""
    save(fit_predictor(parameters, data, Search.of(parameters, folder)), folder)


def plots(_parameters: Parameters, judged: Backtested, challenger: Predictor) -> dict[str, Spec]:
    """Return the plots of the backtest."""
    return forecast_plots(judged, challenger)


def samples(
    _parameters: Parameters, _data: Data, _judged: Backtested, model: Predictor
) -> list[dict[str, Any]]:
    """Return questions about some series, and about one that nobody knows where that can be answered."""
    horizon = min(model.shape.horizon, GOLDEN_POINTS)
    keys = [model.panel.keys[place] for place in spread(len(model.panel.keys), GOLDEN_ROWS)]
    return [_record(key, model) | {"horizon": horizon} for key in keys]


def _record(key: Key, model: Predictor) -> dict[str, Any]:
    series = next((taken for taken in model.signature.inputs if taken.name == "series"), None)
    if series is None:
        return {}
    if not series.fields:
        return {"series": key[0]}
    return {"series": {part.name: value for part, value in zip(series.fields, key, strict=True)}}


FORECASTING = Family(
    name="forecasting",
    rules=Rules(tasks=("forecasting",), recipes=("auto", "boosting", "linear"), needs_features=False),
    metrics=HIGHER_IS_BETTER,
    primary=PRIMARY,
    serving=SERVING,
    fit=fit,
    judge=judge,
    plots=plots,
    samples=samples,
    check_champion=check_champion,
)
