"""Make a linear classifier's probabilities honest on rows that did not teach it, at no cost when serving.

A temperature and a shift per class, after the idea of Platt (1999) and Guo et al. (2017), are chosen by the held-out
likelihood and then folded into the coefficients: the model stays a plain `LogisticRegression`. A normal prior keeps
few rows from moving much. This is also what undoes the bias of a model that was fitted with balanced classes.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import spmatrix
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from .metrics import Floats

MIN_ROWS = 50
type Codes = npt.NDArray[np.int64]
type Features = Floats | spmatrix


def calibrate(model: LogisticRegression, features: Features, truth: Codes) -> LogisticRegression:
    """Fold temperature and shifts into the model, which is changed; fewer than `MIN_ROWS` rows change nothing.

    Parameters
    ----------
    features
        Held-out rows, of shape (rows, features).
    truth
        Codes of their classes, of shape (rows,).
    """
    if len(truth) < MIN_ROWS:
        return model
    slope, shifts = _most_likely(logits_of(model, features), truth)
    model.coef_ = (model.coef_ * slope).astype(model.coef_.dtype)
    # Of two classes scikit-learn keeps one row of coefficients, the second class's lead over the first.
    own = shifts[1:] - shifts[:1] if len(shifts) == 2 else shifts
    model.intercept_ = (model.intercept_ * slope + own).astype(model.intercept_.dtype)
    return model


def logits_of(model: LogisticRegression, features: Features) -> Floats:
    """Return unnormalised log-probabilities of shape (rows, classes)."""
    scores = np.asarray(model.decision_function(features), dtype=np.float64)
    return np.column_stack([np.zeros(len(scores)), scores]) if scores.ndim == 1 else scores


def held_out_loss(model: LogisticRegression, features: Features, truth: Codes) -> float:
    """Return the mean negative log-likelihood."""
    chances = log_softmax(logits_of(model, features), axis=1)
    return float(-chances[np.arange(len(truth)), truth].mean())


def _most_likely(logits: Floats, truth: Codes) -> tuple[float, Floats]:
    classes = logits.shape[1]
    hits = np.eye(classes)[truth]

    def loss(unknowns: Floats) -> tuple[float, Floats]:
        """Return the penalised loss of (log slope, shifts) and its gradient."""
        slope, shifts = np.exp(unknowns[0]), unknowns[1:]
        chances = log_softmax(slope * logits + shifts, axis=1)
        surplus = np.exp(chances) - hits
        gradient = np.append(slope * (surplus * logits).sum(), surplus.sum(axis=0)) + unknowns
        return float(-(chances * hits).sum() + unknowns @ unknowns / 2), gradient

    found = minimize(loss, np.zeros(classes + 1), jac=True, method="L-BFGS-B", options={"maxiter": 200})
    return float(np.exp(found.x[0])), found.x[1:]
