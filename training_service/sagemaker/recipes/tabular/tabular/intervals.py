"""Prediction intervals that hold the truth nine times in ten, whatever the model is: split conformal prediction.

Rows of the validation side that nothing else looked at measure how far the model errs (Vovk et al. 2005, Lei et al.
2018). Where errors differ, they are measured in units of a second model's guess of them, so that an easy row gets a narrow interval
and a hard one a wide one (normalised conformal prediction, Papadopoulos et al. 2008). The promise needs no such guess to be
good; it does need that rows to come are like those measured.
"""

from dataclasses import dataclass

import numpy as np
from recipe.growing import fill_empty
from recipe.metrics import Floats
from recipe.sides import Side
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor

CONFIDENCE = 0.9
# With fewer rows the highest of their errors would not be high enough.
LEAST_MEASURED = 9
MOST_MEASURED = 5_000
LEAST_TAUGHT = 500
MOST_TAUGHT = 20_000
# A guess may not be smaller than this share of the usual one: an interval of no width would be a promise of no error.
FLOOR = 0.1


@dataclass(frozen=True, kw_only=True)
class Intervals:
    """`width` in units of the guessed error, or of the target where there is no `difficulty`."""

    width: float
    floor: float
    difficulty: BaseEstimator | None

    def half_widths(self, features: Floats) -> Floats:
        """Return what to go up and down from each value, of shape (rows,)."""
        return self.width * guess(self.difficulty, self.floor, features)


def part_validation(held_out: Side[Floats], seed: int) -> tuple[Side[Floats], Side[Floats] | None]:
    """Return the rows that tune and those that measure errors: half of them, none where that were too few."""
    rows = len(held_out.target)
    measured = min(rows // 2, MOST_MEASURED)
    if measured < LEAST_MEASURED:
        return held_out, None
    order = np.random.default_rng(seed).permutation(rows)
    return held_out.take(np.sort(order[measured:])), held_out.take(np.sort(order[:measured]))


def with_intervals(
    model: BaseEstimator, taught: Side[Floats], tuning: Side[Floats], measuring: Side[Floats], seed: int
) -> Intervals:
    """Return the intervals of a fitted model: those with a guess of the error where the tuning rows find them narrower."""
    difficulty = _learn_difficulty(model, taught, seed)
    if difficulty is not None:
        usual = float(np.median(difficulty.predict(tuning.features)))
        floor = max(FLOOR * usual, np.finfo(np.float64).tiny)
        if _mean_width(model, difficulty, floor, tuning) < _mean_width(model, None, 1.0, tuning):
            return _measure(model, difficulty, floor, measuring)
    return _measure(model, None, 1.0, measuring)


def guess(difficulty: BaseEstimator | None, floor: float, features: Floats) -> Floats:
    """Return how large an error is to be expected, ones where nothing is known of it."""
    if difficulty is None:
        return np.ones(len(features))
    return np.maximum(difficulty.predict(features), floor)


def quantile(scores: Floats) -> float:
    """Return the score that a further one exceeds once in ten, the exact one for so many rows (Lei et al. 2018)."""
    rank = int(np.ceil((len(scores) + 1) * CONFIDENCE))
    return float(np.sort(scores)[min(rank, len(scores)) - 1])


def _learn_difficulty(model: BaseEstimator, taught: Side[Floats], seed: int) -> BaseEstimator | None:
    if len(taught.target) < LEAST_TAUGHT:
        return None
    rows = np.random.default_rng(seed).permutation(len(taught.target))[:MOST_TAUGHT]
    some = taught.take(rows)
    # Small and smooth: it only has to say where errors are larger, and errors in training are smaller everywhere.
    learner = HistGradientBoostingRegressor(
        max_iter=40, max_leaf_nodes=8, min_samples_leaf=max(20, len(rows) // 100), random_state=seed
    )
    return learner.fit(fill_empty(some.features), np.abs(some.target - model.predict(some.features)))


def _scores(
    model: BaseEstimator, difficulty: BaseEstimator | None, floor: float, side: Side[Floats]
) -> Floats:
    errors = np.abs(side.target - model.predict(side.features))
    return np.asarray(errors / guess(difficulty, floor, side.features))


def _mean_width(
    model: BaseEstimator, difficulty: BaseEstimator | None, floor: float, side: Side[Floats]
) -> float:
    return quantile(_scores(model, difficulty, floor, side)) * float(
        guess(difficulty, floor, side.features).mean()
    )


def _measure(
    model: BaseEstimator, difficulty: BaseEstimator | None, floor: float, side: Side[Floats]
) -> Intervals:
    return Intervals(
        width=quantile(_scores(model, difficulty, floor, side)), floor=floor, difficulty=difficulty
    )
