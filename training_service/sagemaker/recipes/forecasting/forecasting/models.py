"""Fit one scikit-learn `Pipeline` from features to the difference from the naive forecast.

The validation side never teaches: it says when boosting should stop and which of several settings is kept.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from recipe.metrics import Floats
from recipe.options import Value
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
# Of the candidates of a round, how many come into the next one, with three times the rows.
ETA = 3


type Known = Side[Floats]


def fit_model(
    recipe: str, preset: str, params: Mapping[str, Value], seed: int, sides: tuple[Known, Known]
) -> Pipeline:
    """Return the pipeline fitted on the first of the two sides, chosen on the second."""
    budget = PRESETS[preset]
    if recipe == "linear":
        return _fit_linear(budget, params, sides)
    candidates = _draw(budget, params, seed, len(sides[0].target))
    return _halve(candidates, sides, seed)


def _draw(budget: Budget, params: Mapping[str, Value], seed: int, rows: int) -> list[dict[str, Any]]:
    usual = {
        **USUAL,
        "min_samples_leaf": int(np.clip(rows // LEAVES, 5, 500)),
        "max_iter": budget.max_iter,
        "learning_rate": budget.learning_rate,
        "n_iter_no_change": budget.patience,
    }
    random = np.random.default_rng(seed)
    others = [
        {name: choice[random.integers(len(choice))] for name, choice in CHOICES.items()}
        for _ in range(budget.candidates - 1)
    ]
    # What a person asked for is not tried otherwise.
    return [{**usual, **other, **params} for other in ({}, *others)]


def _halve(candidates: list[dict[str, Any]], sides: tuple[Known, Known], seed: int) -> Pipeline:
    """Fit all on few rows, the better third on three times as many, the last one on all (successive halving)."""
    train, validation = sides
    rounds = 0
    while ETA**rounds < len(candidates):
        rounds += 1
    for left in range(rounds, 0, -1):
        # The rows are in random order already.
        fewer = train.take(slice(len(train.target) // ETA**left))
        errors = [_error(_fit_boosting(c, (fewer, validation), seed), validation) for c in candidates]
        order = np.argsort(errors, kind="stable")[: max(1, len(candidates) // ETA)]
        candidates = [candidates[place] for place in order]
    return _fit_boosting(candidates[0], sides, seed)


def _fit_boosting(settings: dict[str, Any], sides: tuple[Known, Known], seed: int) -> Pipeline:
    train, validation = sides
    held_out = len(validation.target) > 0
    estimator = HistGradientBoostingRegressor(**settings, early_stopping=held_out, random_state=seed)
    shown = {"X_val": validation.features, "y_val": validation.target} if held_out else {}
    return Pipeline([("model", estimator.fit(train.features, train.target, **shown))])


def _fit_linear(budget: Budget, params: Mapping[str, Value], sides: tuple[Known, Known]) -> Pipeline:
    train, validation = sides
    asked = params.get("regularization")
    strengths = (float(asked),) if asked is not None else budget.strengths
    fitted = [_linear(strength).fit(train.features, train.target) for strength in strengths]
    return min(fitted, key=lambda model: _error(model, validation))


def _linear(strength: float) -> Pipeline:
    # A column that is empty in the rows at hand still has its place.
    imputer = SimpleImputer(strategy="constant", fill_value=0.0)
    return Pipeline([("impute", imputer), ("scale", StandardScaler()), ("model", Ridge(alpha=strength))])


def _error(model: Pipeline, side: Known) -> float:
    if not len(side.target):
        return 0.0
    return float(np.abs(model.predict(side.features) - side.target).mean())
