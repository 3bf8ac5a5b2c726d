"""A model of tastes: from what somebody took to what they may take next, best first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from recipe.metrics import Floats
from recipe.signature import Signature
from scipy.sparse import csr_matrix

from .ids import Codes, Id, Ids
from .ratings import Ratings

# Scores of so many users and items are held at once.
MOST_CELLS = 8_000_000


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Items as codes and their scores, both of shape (users, k); -1 where there are no more items."""

    item: Codes
    score: Floats


@dataclass(frozen=True, kw_only=True)
class Recommender:
    """What answers, in training, as champion and in the endpoint alike.

    `taken` is what every known user took, of shape (users, items); `neighbours` has the similarities of items.
    """

    signature: Signature
    users: Ids
    items: Ids
    taken: csr_matrix
    neighbours: csr_matrix
    popularity: Codes
    ratings: Ratings | None

    @cached_property
    def user_codes(self) -> Mapping[Id, int]:
        """The row of each known user."""
        return {user: code for code, user in enumerate(self.users)}

    @cached_property
    def item_codes(self) -> Mapping[Id, int]:
        """The column of each known item."""
        return {item: code for code, item in enumerate(self.items)}

    @cached_property
    def most_popular(self) -> Codes:
        """All items, those that most users took first."""
        return np.argsort(-self.popularity, kind="stable")

    def histories_of(self, users: Sequence[Id | None]) -> csr_matrix:
        """Return what they took, of shape (users, items); nothing for a user that is not known."""
        codes = np.array([self.user_codes.get(user, -1) if user is not None else -1 for user in users])
        known = codes >= 0
        # A row of zeros for everybody else.
        place = csr_matrix(
            (np.ones(known.sum(), np.float32), (np.flatnonzero(known), codes[known])),
            shape=(len(codes), len(self.users)),
        )
        return csr_matrix(place @ self.taken)

    def rank(self, histories: csr_matrix, hidden: csr_matrix, k: int) -> Ranking:
        """Return the k items that are likeliest next; after those with a score, and for a stranger, the most popular.

        Parameters
        ----------
        histories
            What is known of each user, of shape (users, items).
        hidden
            What may not be recommended, of the same shape.
        """
        count = histories.shape[0]
        items, scores = np.full((count, k), -1, dtype=np.int64), np.zeros((count, k))
        step = max(1, MOST_CELLS // max(len(self.items), 1))
        for start in range(0, count, step):
            block = csr_matrix(histories[start : start + step] @ self.neighbours)
            for row in range(block.shape[0]):
                best, score = self._best(block, hidden, (row, start + row), k)
                items[start + row, : len(best)], scores[start + row, : len(score)] = best, score
        return Ranking(item=items, score=scores)

    def _best(
        self, block: csr_matrix, hidden: csr_matrix, place: tuple[int, int], k: int
    ) -> tuple[Codes, Floats]:
        row, user = place
        found = block.indices[block.indptr[row] : block.indptr[row + 1]]
        score = block.data[block.indptr[row] : block.indptr[row + 1]].astype(np.float64)
        taken = hidden.indices[hidden.indptr[user] : hidden.indptr[user + 1]]
        free = ~_among(found, taken)
        found, score = found[free], score[free]
        # Of equal scores the more popular, then the earlier item: the same answer every time.
        order = np.lexsort((found, -self.popularity[found], -score))[:k]
        best, score = found[order], score[order]
        if len(best) < k:
            best = np.append(best, self._popular(k, taken, best))
        return best, score

    def _popular(self, k: int, taken: Codes, best: Codes) -> Codes:
        out = np.append(taken, best)
        head = self.most_popular[: k + len(out)]
        return head[~_among(head, out)][: k - len(best)]


def _among(values: Codes, others: Codes) -> npt.NDArray[np.bool_]:
    return np.isin(values, others) if len(others) else np.zeros(len(values), dtype=bool)
