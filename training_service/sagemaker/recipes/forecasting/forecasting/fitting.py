"""From the three sides to a model that can forecast: shape, facts, questions, fit, intervals."""

import warnings
from dataclasses import replace

import numpy as np
from recipe.columns import is_missing
from recipe.data import Data
from recipe.failure import UserError
from recipe.metrics import Floats
from recipe.options import check_options
from recipe.parameters import Parameters
from recipe.search import Search
from recipe.sides import Side
from recipe.signature import Input, Signature

from .backtest import MOST_ERRORS, Bounds, draw_questions, find_bounds, measure_widths
from .features import Facts, Question, Shape, build_features
from .grid import spans_years
from .models import fit_model
from .options import OPTIONS, PRESETS, recipe_of
from .panel import Panel, make_panel, series_columns
from .predictor import Predictor, Widths

MAX_CATEGORIES_SHOWN = 100


def fit_predictor(parameters: Parameters, data: Data, search: Search) -> Predictor:
    """Return the fitted model, whose own panel ends with the newest value of all: from there it will forecast.

    Raises
    ------
    UserError
        The series are too short, or the parameters are not the recipe's.
    """
    check_task(parameters)
    recipe = recipe_of(parameters.recipe)
    params = check_options(parameters.recipe, OPTIONS[recipe], parameters.params)
    panel = make_panel(data, parameters)
    bounds = find_bounds(panel, data, parameters)
    season = params.pop("season", None)
    shape = choose_shape(
        panel, bounds, int(parameters.task_options["horizon"]), int(season) if season else None
    )
    facts = learn_facts(panel.until(bounds.train), shape)
    spans = ((panel.start, bounds.train), (bounds.train, bounds.validation))
    most = (PRESETS[parameters.preset].rows, MOST_ERRORS)
    drawn = [
        draw_questions(panel, shape, span, rows, parameters.seed)
        for span, rows in zip(spans, most, strict=True)
    ]
    if not len(drawn[0][1]):
        raise UserError(
            "No series has two training values within a horizon of each other; nothing can be learnt."
        )
    train, validation = (_side(panel, question, truth, shape, facts) for question, truth in drawn)
    pipeline = fit_model(recipe, PRESETS[parameters.preset], params, search, (train, validation))
    predictor = Predictor(
        pipeline=pipeline,
        signature=describe(parameters, data, shape),
        shape=shape,
        facts=facts,
        panel=tail(panel, shape),
        widths=Widths(known=np.zeros(shape.horizon), cold=np.zeros(shape.horizon)),
    )
    # Held-out errors say how far the truth lies; where nothing could be held out, the training's have to.
    return replace(
        predictor, widths=measure_widths(predictor, panel, *(drawn[1] if len(drawn[1][1]) else drawn[0]))
    )


def check_task(parameters: Parameters) -> None:
    """Refuse what cannot be forecast, by name."""
    names = {f.name: f.type for f in parameters.fields}
    if names[parameters.target] not in ("integer", "number"):
        raise UserError(
            f"The target '{parameters.target}' is {names[parameters.target]}; a forecast needs a number."
        )
    if names.get(parameters.time or "") not in ("date", "datetime"):
        raise UserError(f"The time column '{parameters.time}' is not a date or datetime column of the data.")
    for name in series_columns(parameters):
        if names.get(name) not in ("string", "integer"):
            raise UserError(
                f"The series column '{name}' is {names.get(name, 'not in the data')}; it must be string or integer."
            )
    if parameters.split_by != "time":
        raise UserError(
            f"The data is split by {parameters.split_by}; a forecast can only be judged with split: {{by: time}}."
        )


def choose_shape(panel: Panel, bounds: Bounds, horizon: int, season: int | None) -> Shape:
    """Return the seasons that the training side is long enough to show: the shortest and the next."""
    steps = bounds.train - panel.start + 1
    if steps <= horizon:
        raise UserError(
            f"The training side spans {steps} steps, no more than the horizon of {horizon}; "
            "a longer history or a shorter horizon is needed."
        )
    shown = [one for one in panel.grid.seasons if 2 * one <= steps]
    chosen = season or (shown[0] if shown else 1)
    longer = [one for one in shown if one > chosen and 3 * one <= steps]
    yearly = spans_years(panel.grid, steps)
    return Shape(horizon=horizon, season=chosen, long=longer[0] if longer else chosen, yearly=yearly)


def learn_facts(train: Panel, shape: Shape) -> Facts:
    """Return code, mean and scale of each series; the scale is the mean error of its seasonal-naive forecast."""
    with warnings.catch_warnings():
        # Empty series have no mean: that is what NaN says.
        warnings.simplefilter("ignore", RuntimeWarning)
        level = np.nanmean(train.values, axis=1)
        seasonal = np.nanmean(np.abs(_difference(train.values, shape.season)), axis=1)
        plain = np.nanmean(np.abs(_difference(train.values, 1)), axis=1)
        spread = np.nanstd(train.values, axis=1)
    scale = np.full(len(level), np.nan)
    for candidate in (seasonal, plain, spread):
        usable = np.isnan(scale) & (candidate > 0)
        scale[usable] = candidate[usable]
    # A constant series errs by nothing; any scale will do for it.
    usual = float(np.nanmedian(scale)) if not np.isnan(scale).all() else 1.0
    return Facts(
        code=np.arange(len(level), dtype=np.float64),
        level=level,
        scale=np.where(np.isnan(scale), usual, scale),
    )


def _difference(values: Floats, season: int) -> Floats:
    return (
        values[:, season:] - values[:, :-season]
        if values.shape[1] > season
        else np.full((len(values), 1), np.nan)
    )


def _side(panel: Panel, question: Question, truth: Floats, shape: Shape, facts: Facts) -> Side[Floats]:
    matrix, naive = build_features(panel, question, shape, facts)
    return Side(features=matrix, target=(truth - naive) / facts.scale[question.cells.series])


def tail(panel: Panel, shape: Shape) -> Panel:
    """Return the last values, as many as features may look at."""
    kept = min(shape.memory, panel.values.shape[1])
    return Panel(
        grid=panel.grid,
        start=panel.end - kept + 1,
        keys=panel.keys,
        values=np.ascontiguousarray(panel.values[:, -kept:]),
    )


def describe(parameters: Parameters, data: Data, shape: Shape) -> Signature:
    """Return what a request may hold: the series' columns (an object where they are several) and a horizon."""
    names = series_columns(parameters)
    types = {f.name: f for f in parameters.fields}
    given = []
    for name in names:
        seen = sorted({str(v) for v in data.train[name][~is_missing(data.train[name])].tolist()})
        shown = tuple(seen) if types[name].type == "string" and len(seen) <= MAX_CATEGORIES_SHOWN else None
        given.append(Input(name=name, type=types[name].type, required=True, categories=shown))
    horizon = Input(name="horizon", type="integer", required=False, minimum=1, maximum=shape.horizon)
    series: tuple[Input, ...] = ()
    if len(given) == 1:
        series = (replace(given[0], name="series"),)
    elif given:
        series = (Input(name="series", type="object", required=True, fields=tuple(given)),)
    return Signature(task=parameters.task, target=parameters.target_field, inputs=(*series, horizon))
