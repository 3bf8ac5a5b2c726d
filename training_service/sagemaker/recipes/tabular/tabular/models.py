"""Fit one scikit-learn `Pipeline`: preprocessing, then boosting or a linear model.

The validation side never teaches: it only says when boosting should stop and how strongly a linear
model is regularised.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from recipe.features import Matrix, preprocessing
from recipe.growing import grow
from recipe.options import Value, check_options
from recipe.parameters import Field
from recipe.sides import Side
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.pipeline import Pipeline

from .options import OPTIONS, family_of

type Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long a preset may search."""

    max_iter: int
    learning_rate: float
    patience: int
    strengths: tuple[float, ...]


PRESETS = {
    "fast": Budget(max_iter=100, learning_rate=0.1, patience=10, strengths=(1.0,)),
    "good": Budget(max_iter=400, learning_rate=0.05, patience=20, strengths=(0.1, 1.0, 10.0)),
    "best": Budget(max_iter=1500, learning_rate=0.02, patience=40, strengths=(0.01, 0.1, 1.0, 10.0, 100.0)),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything fitting depends on besides the rows, and where it keeps what it has grown so far."""

    task: str
    recipe: str
    preset: str
    params: Mapping[str, object]
    seed: int
    checkpoints: Path


def fit_pipeline(
    plan: Plan, fields: Sequence[Field], train: Side[Matrix], validation: Side[Matrix]
) -> Pipeline:
    """Return the pipeline fitted on the training side.

    Raises
    ------
    UserError
        A parameter is not one of the recipe's, or no column has a value.
    """
    params = check_options(plan.recipe, OPTIONS[family_of(plan.recipe)], plan.params)
    recipe = family_of(plan.recipe)
    limit = params.pop("max_categories", None)
    transformer = preprocessing(train.features, fields, recipe, int(limit) if limit else None)
    numbers = np.asarray(transformer.fit_transform(train.features), dtype=np.float64)
    held_out = _transform(transformer, validation)
    fit = _fit_boosting if recipe == "boosting" else _fit_linear
    estimator = fit(plan, params, (numbers, train.target), held_out)
    # Assembled from fitted parts: Pipeline.fit cannot pass a transformed validation side on.
    return Pipeline([("preprocessing", transformer), ("model", estimator)])


def _transform(transformer: BaseEstimator, side: Side[Matrix]) -> tuple[Floats, Floats] | None:
    if not len(side.target):
        return None
    return np.asarray(transformer.transform(side.features), dtype=np.float64), side.target


def _fit_boosting(
    plan: Plan,
    params: Mapping[str, Value],
    train: tuple[Floats, Floats],
    held_out: tuple[Floats, Floats] | None,
) -> BaseEstimator:
    """Add trees until the held-out loss has not improved for the preset's patience; without one, all of them."""
    budget = PRESETS[plan.preset]
    chosen = {"max_iter": budget.max_iter, "learning_rate": budget.learning_rate, **params}
    kind = HistGradientBoostingClassifier if plan.task == "classification" else HistGradientBoostingRegressor
    estimator = kind(
        **chosen,
        # scikit-learn's own early stopping would take its rows from the training side.
        early_stopping=held_out is not None,
        n_iter_no_change=budget.patience,
        random_state=plan.seed,
    )
    return grow(estimator, train, held_out, plan.checkpoints)


def _fit_linear(
    plan: Plan,
    params: Mapping[str, Value],
    train: tuple[Floats, Floats],
    held_out: tuple[Floats, Floats] | None,
) -> BaseEstimator:
    """Fit one model per strength of the preset (or the one asked for) and keep the best on the held-out side."""
    asked = params.get("regularization")
    strengths = (float(asked),) if asked is not None else PRESETS[plan.preset].strengths
    # Nothing to choose by: take the middle one.
    if held_out is None:
        strengths = strengths[len(strengths) // 2 :][:1]
    fitted = [_linear(plan, strength).fit(*train) for strength in strengths]
    if len(fitted) == 1 or held_out is None:
        return fitted[0]
    return min(fitted, key=lambda model: _held_out_loss(model, *held_out))


def _linear(plan: Plan, strength: float) -> BaseEstimator:
    if plan.task == "classification":
        # C is the inverse of what the option is called; 100 iterations, the default, often do not converge.
        return LogisticRegression(C=1.0 / strength, max_iter=1000, random_state=plan.seed)
    return Ridge(alpha=strength, random_state=plan.seed)


def _held_out_loss(model: BaseEstimator, features: Floats, target: Floats) -> float:
    if hasattr(model, "predict_proba"):
        return float(log_loss(target, model.predict_proba(features), labels=model.classes_))
    return float(mean_squared_error(target, model.predict(features)))
