"""Whom a judged model is asked about, what it may not answer, and what would have been right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from .ids import Codes, Id, Ids, to_matrix
from .interactions import Interactions
from .predictor import Ranking, Recommender


@dataclass(frozen=True, kw_only=True)
class Question:
    """Who is asked about, what they are known to have taken and what they took then, of shape (users, items)."""

    users: Ids
    items: Mapping[Id, int]
    known: csr_matrix
    relevant: csr_matrix


def ask(
    known: Interactions, then: Interactions, catalogues: Sequence[Ids], draw: tuple[int, int]
) -> Question:
    """Return the users who took anything new.

    Parameters
    ----------
    catalogues
        What else may be recommended.
    draw
        How many users at most, and the seed by which they are drawn.
    """
    items: dict[Id, int] = {}
    for more in (known.items, then.items, *catalogues):
        for item in more:
            items.setdefault(item, len(items))
    shape = (len(then.users), len(items))
    before = _place(known, {user: row for row, user in enumerate(then.users)}, items, shape)
    took = to_matrix(then.user, _codes(then.items, items)[then.item], shape)
    fresh = csr_matrix(took - took.multiply(before))
    fresh.eliminate_zeros()
    asked = np.flatnonzero(np.diff(fresh.indptr))
    most, seed = draw
    if len(asked) > most:
        asked = np.sort(np.random.default_rng(seed).choice(asked, most, replace=False))
    fresh.sort_indices()
    return Question(
        users=tuple(then.users[row] for row in asked),
        items=items,
        known=csr_matrix(before[asked]),
        relevant=csr_matrix(fresh[asked]),
    )


def _place(
    interactions: Interactions, rows: Mapping[Id, int], items: Mapping[Id, int], shape: tuple[int, int]
) -> csr_matrix:
    """Return the interactions of those users, in the places that all share."""
    row = np.array([rows.get(user, -1) for user in interactions.users], dtype=np.int64)[interactions.user]
    column = _codes(interactions.items, items)[interactions.item]
    return to_matrix(row[row >= 0], column[row >= 0], shape)


def _codes(own: Ids, items: Mapping[Id, int]) -> Codes:
    return np.array([items[item] for item in own], dtype=np.int64)


def answer(model: Recommender, question: Question, k: int) -> Ranking:
    """Return the model's k best items for each user, in the places that all share."""
    own = _codes(model.items, question.items)
    hidden = csr_matrix(question.known[:, own])
    hidden.sort_indices()
    ranking = model.rank(model.histories_of(question.users), hidden, k)
    # The last place stands for no item.
    shared = np.append(own, -1)[ranking.item]
    return Ranking(item=shared, score=ranking.score)
