"""Fit one scikit-learn `Pipeline`: n-grams and other columns, then a calibrated logistic regression.

A preset says which candidates compete: ways to cut texts, strengths, with or without balanced classes. They are
judged on the validation side, which never teaches a coefficient. `best` has many candidates and finds the good ones
on few rows first (successive halving).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from recipe.calibration import MIN_ROWS, calibrate, held_out_loss
from recipe.features import Matrix
from recipe.options import Option, check_options
from recipe.parameters import Field
from recipe.search import Search, decide
from recipe.sides import Side
from scipy.sparse import csr_matrix
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from .features import drop_lookups, fit_features
from .ngrams import Grams

OPTIONS = {
    "regularization": Option(kind=float, low=1e-6, high=1e6),
    "max_terms": Option(kind=int, low=100, high=500_000),
}
type Codes = npt.NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What a preset tries: every combination of its lists, the first one where nothing can choose."""

    grams: tuple[Grams, ...]
    strengths: tuple[float, ...]
    balanced: tuple[bool, ...] = (False,)
    rounds: int = 1


_SHORT = Grams(words=(1, 2), characters=(2, 3), most=20_000)
_LONG = Grams(words=(1, 2), characters=(2, 5), most=60_000)
PRESETS = {
    "fast": Budget(grams=(_SHORT,), strengths=(0.5,)),
    "good": Budget(grams=(_SHORT,), strengths=(0.5, 0.1, 0.2, 1.0, 2.0, 5.0), balanced=(False, True)),
    "best": Budget(
        grams=(_SHORT, _LONG, replace(_LONG, words=(1, 3))),
        strengths=(0.5, 0.05, 0.1, 0.2, 1.0, 2.0, 5.0, 10.0),
        balanced=(False, True),
        rounds=3,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything fitting depends on besides the rows; `texts` are the places of the text columns in the matrix."""

    preset: str
    params: Mapping[str, Any]
    seed: int
    search: Search
    fields: tuple[Field, ...]
    texts: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The texts cut in one way: the transformer and the features of both sides."""

    grams: Grams
    transformer: ColumnTransformer
    train: csr_matrix
    validation: csr_matrix | None


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One way to fit: the cut, and the inverse of `C`."""

    cut: Cut
    strength: float
    balanced: bool

    @property
    def settings(self) -> dict[str, Any]:
        """What it is, as the model's record has it."""
        return {**asdict(self.cut.grams), "regularization": self.strength, "balanced": self.balanced}


def fit_pipeline(plan: Plan, train: Side[Matrix], validation: Side[Matrix]) -> Pipeline:
    """Return the best candidate, fitted on the whole training side and calibrated on the validation side.

    Raises
    ------
    UserError
        A parameter is not one of the recipe's, or no text column has a text.
    """
    budget = _budget(plan, plan.preset)
    tried = plan.search.some(_combine(budget), _combine(_budget(plan, "best")))
    # Too few rows can neither choose nor calibrate: the first candidate is the one that does well in general.
    if len(validation.target) < MIN_ROWS:
        tried = tried[:1]
    cuts = {
        grams: _cut(plan, grams, train.features, validation.features)
        for grams in dict.fromkeys(t[0] for t in tried)
    }
    candidates = [
        Candidate(cut=cuts[grams], strength=strength, balanced=balanced)
        for grams, strength, balanced in tried
    ]
    truth = (train.target, validation.target)
    best = decide(
        plan.search,
        candidates,
        lambda one, rows: held_out_loss(_fit(plan, one, rows, truth), one.cut.validation, truth[1]),
        train.target,
        rounds=plan.search.rounds(budget.rounds),
        settings=lambda one: one.settings,
    )
    model = _fit(plan, best, np.arange(len(train.target)), truth)
    return Pipeline([("features", drop_lookups(best.cut.transformer)), ("model", model)])


def _combine(budget: Budget) -> list[tuple[Grams, float, bool]]:
    return list(product(budget.grams, budget.strengths, budget.balanced))


def _budget(plan: Plan, preset: str) -> Budget:
    asked = check_options("text", OPTIONS, plan.params)
    budget = PRESETS[preset]
    if "regularization" in asked:
        budget = replace(budget, strengths=(float(asked["regularization"]),))
    if "max_terms" in asked:
        most = int(asked["max_terms"])
        budget = replace(budget, grams=tuple(replace(one, most=most) for one in budget.grams))
    return budget


def _cut(plan: Plan, grams: Grams, train: Matrix, validation: Matrix) -> Cut:
    transformer, features = fit_features(train, plan.fields, plan.texts, grams)
    held_out = csr_matrix(transformer.transform(validation)) if len(validation) else None
    return Cut(grams=grams, transformer=transformer, train=features, validation=held_out)


def _fit(
    plan: Plan, candidate: Candidate, rows: npt.NDArray[np.int64], truth: tuple[Codes, Codes]
) -> LogisticRegression:
    model = LogisticRegression(
        C=1.0 / candidate.strength,
        class_weight="balanced" if candidate.balanced else None,
        max_iter=1000,
        random_state=plan.seed,
    )
    model.fit(candidate.cut.train[rows], truth[0][rows])
    return calibrate(model, candidate.cut.validation, truth[1])
