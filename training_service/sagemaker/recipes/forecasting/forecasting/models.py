"""Fit one scikit-learn `Pipeline` from features to the difference from the naive forecast.

The validation side never teaches: it says when boosting should stop and which of several settings is kept.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from recipe.growing import fill_empty
from recipe.halving import Rows, draw
from recipe.metrics import Floats
from recipe.options import Value
from recipe.search import Search, decide
from recipe.sides import Side
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from .options import PRESETS, Budget

# What `best` draws its settings from; the first drawn is always the preset's own.
CHOICES: dict[str, tuple[Any, ...]] = {
    "max_leaf_nodes": (8, 15, 31, 63),
    "max_features": (0.2, 0.4, 1.0),
    "loss": ("absolute_error", "squared_error"),
}
# Pairs of one day say nearly the same: small trees with large leaves, or a year of hours is learnt by heart.
# The loss is the metric that must beat the baseline. Measured on the weather example: 3.98 against 4.29 with
# scikit-learn's defaults, 4.95 for the seasonal-naive forecast.
USUAL: dict[str, Any] = {"loss": "absolute_error", "max_leaf_nodes": 8, "max_features": 0.4}
LEAVES = 120
type Known = Side[Floats]


def fit_model(
    recipe: str, budget: Budget, params: Mapping[str, Value], search: Search, sides: tuple[Known, Known]
) -> Pipeline:
    """Return the pipeline fitted on the first of the two sides, chosen on the second."""
    if recipe == "linear":
        return _choose_linear(budget, params, search, sides)
    train, validation = sides

    def loss(one: dict[str, Any], rows: Rows) -> float:
        """Return the error on the validation side of what those pairs teach."""
        return _error(_fit_boosting(one, (train.take(rows), validation), search.seed), validation)

    usual = _usual(budget, len(train.target))
    # Nothing to choose by: take the preset's own.
    count = (search.trials or budget.candidates) if len(validation.target) else 1
    # What a person asked for is not tried otherwise.
    candidates = [{**usual, **drawn, **params} for drawn in draw(CHOICES, count, search.seed)]
    best = decide(
        search, candidates, loss, _unsorted(train), rounds=search.rounds(budget.rounds), settings=dict
    )
    return _fit_boosting(best, sides, search.seed)


def _usual(budget: Budget, rows: int) -> dict[str, Any]:
    return {
        **USUAL,
        "min_samples_leaf": int(np.clip(rows // LEAVES, 5, 500)),
        "max_iter": budget.max_iter,
        "learning_rate": budget.learning_rate,
        "n_iter_no_change": budget.patience,
    }


def _unsorted(side: Known) -> Rows:
    """Return one class for all: a round of the search needs no share of anything."""
    return np.zeros(len(side.target), dtype=np.int64)


def _fit_boosting(settings: dict[str, Any], sides: tuple[Known, Known], seed: int) -> Pipeline:
    train, validation = sides
    held_out = len(validation.target) > 0
    estimator = HistGradientBoostingRegressor(**settings, early_stopping=held_out, random_state=seed)
    shown = {"X_val": validation.features, "y_val": validation.target} if held_out else {}
    return Pipeline([("model", estimator.fit(fill_empty(train.features), train.target, **shown))])


def _choose_linear(
    budget: Budget, params: Mapping[str, Value], search: Search, sides: tuple[Known, Known]
) -> Pipeline:
    train, validation = sides
    asked = params.get("regularization")
    strengths = search.some(budget.strengths, PRESETS["best"].strengths)
    if asked is not None:
        strengths = (float(asked),)
    # Nothing to choose by: take the usual one.
    if not len(validation.target):
        strengths = strengths[:1]

    def loss(strength: float, rows: Rows) -> float:
        """Return the error on the validation side of what those pairs teach."""
        some = train.take(rows)
        return _error(_linear(strength).fit(some.features, some.target), validation)

    best = decide(
        search, strengths, loss, _unsorted(train), rounds=1, settings=lambda one: {"regularization": one}
    )
    return _linear(best).fit(train.features, train.target)


def _linear(strength: float) -> Pipeline:
    # A column that is empty in the rows at hand still has its place.
    imputer = SimpleImputer(strategy="constant", fill_value=0.0, keep_empty_features=True)
    return Pipeline([("impute", imputer), ("scale", StandardScaler()), ("model", Ridge(alpha=strength))])


def _error(model: Pipeline, side: Known) -> float:
    return float(np.abs(model.predict(side.features) - side.target).mean())
