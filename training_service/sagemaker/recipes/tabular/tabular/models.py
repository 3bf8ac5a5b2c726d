"""Fit one scikit-learn `Pipeline`: preprocessing, then boosting or a linear model.

The validation side never teaches: it only says when boosting should stop, which settings are kept, how strongly a linear
model is regularised, and for a regression how wide intervals must be.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from recipe.columns import Columns, row_count
from recipe.features import MAX_CATEGORIES, preprocessing, to_matrix
from recipe.growing import checkpoint_folder, fill_empty, grow
from recipe.halving import Rows, draw
from recipe.metrics import Floats
from recipe.options import check_options
from recipe.parameters import Field
from recipe.search import Search, decide
from recipe.sides import Side
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.pipeline import Pipeline

from .encoding import Lesson, fit_encoding
from .intervals import Intervals, part_validation, with_intervals
from .options import CHOICES, OPTIONS, PRESETS, Budget, family_of

type Numbers = Side[Floats]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything fitting depends on besides the rows."""

    task: str
    recipe: str
    preset: str
    params: Mapping[str, object]
    seed: int
    fields: Sequence[Field]
    search: Search


@dataclass(frozen=True, kw_only=True)
class Known:
    """One side of a split: its columns, and targets of shape (rows,)."""

    columns: Columns
    target: Floats


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The pipeline, and for a regression the intervals around what it says; None where too few rows measured them."""

    pipeline: Pipeline
    intervals: Intervals | None


def fit_model(plan: Plan, train: Known, validation: Known) -> Fitted:
    """Return what was fitted on the training side.

    Raises
    ------
    UserError
        A parameter is not one of the recipe's, or no column has a value.
    """
    recipe = family_of(plan.recipe)
    params: dict[str, Any] = dict(check_options(plan.recipe, OPTIONS[recipe], plan.params))
    transformer, numbers = _encode(plan, recipe, train, params.pop("max_categories", None))
    taught = Side(features=numbers, target=train.target)
    held_out = Side(features=_transform(transformer, plan, validation), target=validation.target)
    tuning, measuring = (
        part_validation(held_out, plan.seed) if plan.task == "regression" else (held_out, None)
    )
    fit = _fit_boosting if recipe == "boosting" else _fit_linear
    estimator = fit(plan, params, taught, tuning)
    intervals = with_intervals(estimator, taught, tuning, measuring, plan.seed) if measuring else None
    # Assembled from fitted parts: Pipeline.fit cannot pass a transformed validation side on.
    return Fitted(
        pipeline=Pipeline([("preprocessing", transformer), ("model", estimator)]), intervals=intervals
    )


def _encode(plan: Plan, recipe: str, train: Known, limit: int | None) -> tuple[ColumnTransformer, Floats]:
    if recipe == "boosting":
        lesson = Lesson(task=plan.task, target=train.target, seed=plan.seed)
        return fit_encoding(train.columns, plan.fields, lesson, *([int(limit)] if limit else []))
    matrix = to_matrix(train.columns, plan.fields)
    transformer = preprocessing(matrix, plan.fields, int(limit) if limit else MAX_CATEGORIES)
    return transformer, np.asarray(transformer.fit_transform(matrix), dtype=np.float64)


def _transform(transformer: ColumnTransformer, plan: Plan, side: Known) -> Floats:
    if not row_count(side.columns):
        return np.empty((0, 0))
    return np.asarray(transformer.transform(to_matrix(side.columns, plan.fields)), dtype=np.float64)


def _fit_boosting(plan: Plan, params: Mapping[str, Any], train: Numbers, tuning: Numbers) -> BaseEstimator:
    """Add trees until the held-out loss has not improved for the preset's patience; without one, all of them."""
    budget = PRESETS[plan.preset].for_rows(len(train.target))
    candidates = [
        {**one, **params} for one in draw(CHOICES, plan.search.trials or budget.candidates, plan.seed)
    ]
    if not len(tuning.target):
        candidates = candidates[:1]

    def loss(one: dict[str, Any], rows: Rows) -> float:
        """Return the held-out loss of what those training rows teach."""
        some = train.take(rows)
        shown = {"X_val": tuning.features, "y_val": tuning.target}
        return _held_out_loss(
            _boosting(plan, budget, one, tuning).fit(fill_empty(some.features), some.target, **shown), tuning
        )

    best = decide(
        plan.search,
        candidates,
        loss,
        _codes(plan, train),
        rounds=plan.search.rounds(budget.rounds),
        settings=dict,
    )
    held_out = (tuning.features, tuning.target) if len(tuning.target) else None
    grown: BaseEstimator = grow(
        _boosting(plan, budget, best, tuning),
        (train.features, train.target),
        held_out,
        checkpoint_folder(plan.search.model),
    )
    return grown


def _codes(plan: Plan, train: Numbers) -> Rows:
    """Return what every round of a search has its share of: the classes, or nothing but rows."""
    if plan.task == "classification":
        return train.target.astype(np.int64)
    return np.zeros(len(train.target), dtype=np.int64)


def _boosting(plan: Plan, budget: Budget, settings: Mapping[str, Any], tuning: Numbers) -> BaseEstimator:
    kind = HistGradientBoostingClassifier if plan.task == "classification" else HistGradientBoostingRegressor
    return kind(
        **{"max_iter": budget.max_iter, "learning_rate": budget.learning_rate, **settings},
        # scikit-learn's own early stopping would take its rows from the training side.
        early_stopping=len(tuning.target) > 0,
        n_iter_no_change=budget.patience,
        random_state=plan.seed,
    )


def _fit_linear(plan: Plan, params: Mapping[str, Any], train: Numbers, tuning: Numbers) -> BaseEstimator:
    """Fit one model per strength of the preset (or the one asked for) and keep the best on the held-out side."""
    asked = params.get("regularization")
    strengths = plan.search.some(PRESETS[plan.preset].strengths, PRESETS["best"].strengths)
    if asked is not None:
        strengths = (float(asked),)
    # Nothing to choose by: take the usual one.
    if not len(tuning.target):
        strengths = strengths[:1]

    def loss(strength: float, rows: Rows) -> float:
        """Return the held-out loss of what those training rows teach."""
        some = train.take(rows)
        return _held_out_loss(_linear(plan, strength).fit(some.features, some.target), tuning)

    best = decide(
        plan.search,
        strengths,
        loss,
        _codes(plan, train),
        rounds=1,
        settings=lambda one: {"regularization": one},
    )
    return _linear(plan, best).fit(train.features, train.target)


def _linear(plan: Plan, strength: float) -> BaseEstimator:
    if plan.task == "classification":
        # C is the inverse of what the option is called; 100 iterations, the default, often do not converge.
        return LogisticRegression(C=1.0 / strength, max_iter=1000, random_state=plan.seed)
    return Ridge(alpha=strength, random_state=plan.seed)


def _held_out_loss(model: BaseEstimator, side: Numbers) -> float:
    if hasattr(model, "predict_proba"):
        return float(log_loss(side.target, model.predict_proba(side.features), labels=model.classes_))
    return float(mean_squared_error(side.target, model.predict(side.features)))
