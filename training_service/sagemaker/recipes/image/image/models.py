"""Fit one scikit-learn `Pipeline` on features of pictures: logistic regression, or boosting on principal components.

A preset says which candidates compete on the validation side, which never teaches; what a linear model says is then
calibrated on it. `best` lets linear and boosting compete and finds the good ones on few pictures first.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from recipe.calibration import MIN_ROWS, calibrate
from recipe.halving import Rows
from recipe.options import Option, Value, check_options
from recipe.search import Search, decide
from recipe.sides import Side
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from .features import Features

OPTIONS = {
    "linear": {"regularization": Option(kind=float, low=1e-6, high=1e9)},
    "boosting": {
        "learning_rate": Option(kind=float, low=1e-4, high=1.0),
        "max_iter": Option(kind=int, low=1, high=10_000),
        "components": Option(kind=int, low=2, high=500),
    },
}
STRENGTHS = {"fast": (100.0,), "good": (100.0, 10.0, 30.0, 300.0, 1000.0)}
COMPONENTS = 64
type Pictures = Side[Features]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything fitting depends on besides the pictures."""

    recipe: str
    preset: str
    params: Mapping[str, Any]
    search: Search
    seed: int


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to fit: the recipe, its parameters, and whether rare classes weigh as much as frequent ones."""

    recipe: str
    params: Mapping[str, Any]
    balanced: bool = False


def fit_pipeline(plan: Plan, train: Pictures, validation: Pictures) -> Pipeline:
    """Return the best candidate, fitted on the whole training side.

    Raises
    ------
    UserError
        A parameter is not one of the recipe's.
    """
    candidates = plan.search.some(_candidates(plan, plan.preset), _candidates(plan, "best"))
    # Too few pictures cannot choose: the first candidate is the one that does well in general.
    if len(validation.target) < MIN_ROWS:
        candidates = candidates[:1]

    def loss(one: Candidate, rows: Rows) -> float:
        """Return the loss on the validation side of what those training rows teach."""
        fitted = _fit(plan, one, train.take(rows), validation)
        scores = fitted.predict_proba(validation.features)
        return float(log_loss(validation.target, scores, labels=fitted.classes_))

    rounds = plan.search.rounds(3 if plan.preset == "best" else 1)
    best = decide(plan.search, candidates, loss, train.target, rounds=rounds, settings=asdict)
    return _fit(plan, best, train, validation)


def _candidates(plan: Plan, preset: str) -> list[Candidate]:
    if plan.recipe == "boosting":
        return [
            Candidate(recipe="boosting", params=check_options("boosting", OPTIONS["boosting"], plan.params))
        ]
    asked = check_options(plan.recipe, OPTIONS["linear"], plan.params)
    competes = preset == "best" and plan.recipe == "auto" and not asked
    return _linear_candidates(preset, asked) + [Candidate(recipe="boosting", params={})] * competes


def _linear_candidates(preset: str, asked: Mapping[str, Value]) -> list[Candidate]:
    strengths = tuple(asked.values()) or STRENGTHS.get(preset, STRENGTHS["good"])
    return [
        Candidate(recipe="linear", params={"regularization": strength}, balanced=balanced)
        for balanced in ((False,) if preset == "fast" else (False, True))
        for strength in strengths
    ]


def _fit(plan: Plan, candidate: Candidate, train: Pictures, validation: Pictures) -> Pipeline:
    fit = _fit_linear if candidate.recipe == "linear" else _fit_boosting
    return fit(plan, candidate, train, validation)


def _fit_linear(plan: Plan, candidate: Candidate, train: Pictures, validation: Pictures) -> Pipeline:
    scaler = StandardScaler().fit(train.features)
    model = LogisticRegression(
        C=1.0 / candidate.params["regularization"],
        class_weight="balanced" if candidate.balanced else None,
        max_iter=1000,
        random_state=plan.seed,
    )
    model.fit(scaler.transform(train.features), train.target)
    if len(validation.target):
        calibrate(model, scaler.transform(validation.features), validation.target)
    return Pipeline([("scale", scaler), ("model", model)])


def _fit_boosting(plan: Plan, candidate: Candidate, train: Pictures, validation: Pictures) -> Pipeline:
    """Add trees until the held-out loss does not improve; without a validation side, all of them."""
    params = dict(candidate.params)
    most = min(int(params.pop("components", COMPONENTS)), *train.features.shape)
    reducer = PCA(n_components=most, svd_solver="full", random_state=plan.seed).fit(train.features)
    model = HistGradientBoostingClassifier(
        **{"max_iter": 200, **params}, early_stopping=len(validation.target) > 0, random_state=plan.seed
    )
    held_out = reducer.transform(validation.features) if len(validation.target) else None
    target = validation.target if held_out is not None else None
    model.fit(reducer.transform(train.features), train.target, X_val=held_out, y_val=target)
    return Pipeline([("reduce", reducer), ("model", model)])
