"""How good lists of recommendations are, as functions of weights per user.

A user's relevant items are those of the judged rows that the user had not taken before. `recall` is the share of them
among the first ten, `hit_rate` whether any is, `ndcg` and `map` whether they stand high (Järvelin and Kekäläinen 2002;
average precision as TREC defines it, over at most ten). `coverage` is the share of all items that are recommended to anybody.
"""

import numpy as np
import numpy.typing as npt
from recipe.metrics import Floats, Measure, mean_of, ratio
from scipy.sparse import csr_matrix

from .ids import Codes
from .predictor import Ranking

K = 10


def hits_of(ranking: Ranking, relevant: csr_matrix) -> npt.NDArray[np.bool_]:
    """Return which of the ranked items are relevant, of shape (users, k)."""
    count, items = relevant.shape
    wanted = np.repeat(np.arange(count), np.diff(relevant.indptr)) * items + relevant.indices
    asked = np.arange(count)[:, None] * items + ranking.item
    return np.isin(asked, wanted) & (ranking.item >= 0)


def measures_of(ranking: Ranking, relevant: csr_matrix, catalogue: int) -> dict[str, Measure]:
    """Prepare every metric of rankings.

    Parameters
    ----------
    relevant
        Ones at (user, item); at least one in each row.
    catalogue
        How many items could be recommended.
    """
    hits = hits_of(ranking, relevant)[:, :K].astype(np.float64)
    wanted = np.diff(relevant.indptr)
    discount = 1.0 / np.log2(np.arange(2, K + 2))
    ideal = np.append(0.0, np.cumsum(discount))[np.minimum(wanted, K)]
    precision = np.cumsum(hits, axis=1) / np.arange(1, K + 1)
    return {
        "recall_at_10": mean_of(hits.sum(axis=1) / np.maximum(wanted, 1)),
        "ndcg_at_10": mean_of((hits @ discount) / np.maximum(ideal, 1e-12)),
        "map_at_10": mean_of((precision * hits).sum(axis=1) / np.maximum(np.minimum(wanted, K), 1)),
        "hit_rate_at_10": mean_of((hits.sum(axis=1) > 0).astype(np.float64)),
        "coverage": _coverage(ranking.item[:, :K], catalogue),
    }


def _coverage(items: Codes, catalogue: int) -> Measure:
    def measure(weights: Floats) -> float:
        """Return the share of items that a user of any weight gets."""
        shown = items[weights > 0]
        return (
            ratio(float(len(np.unique(shown[shown >= 0]))), float(catalogue)) if len(items) else float("nan")
        )

    return measure


def rating_measure(user: Codes, squares: Floats, users: int) -> Measure:
    """Prepare the root mean square error of ratings, each of a judged user."""
    sums = np.bincount(user, squares, users)
    counts = np.bincount(user, minlength=users).astype(np.float64)
    return lambda weights: float(np.sqrt(ratio(weights @ sums, weights @ counts)))
