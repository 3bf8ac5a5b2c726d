"""Who took what, as codes into sorted ids: the form in which interactions are counted."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from recipe.columns import Column, Columns, concatenate, is_missing, row_count
from recipe.metrics import Floats
from scipy.sparse import csr_matrix

from .ids import Codes, Ids, to_id, to_matrix
from .roles import Roles


@dataclass(frozen=True, kw_only=True)
class Interactions:
    """Each pair of a user and an item once, the oldest first; `user` and `item` are codes into the ids.

    `rating` has NaN where a pair has none, and is None where the data has no ratings at all.
    """

    users: Ids
    items: Ids
    user: Codes
    item: Codes
    rating: Floats | None

    def matrix(self) -> csr_matrix:
        """Return ones, of shape (users, items)."""
        return to_matrix(self.user, self.item, (len(self.users), len(self.items)))

    def popularity(self) -> Codes:
        """Return how many users took each item."""
        return np.bincount(self.item, minlength=len(self.items))


def read_interactions(sides: Sequence[Columns], roles: Roles, time: str | None) -> Interactions:
    """Return the pairs of all sides; of a pair that happened several times the last one counts."""
    columns = in_order(concatenate(sides), time)
    known = ~(is_missing(columns[roles.user.name]) | is_missing(columns[roles.item.name]))
    user, users = encode(columns[roles.user.name][known], roles.user.type)
    item, items = encode(columns[roles.item.name][known], roles.item.type)
    rating = columns[roles.rating.name][known].astype(np.float64) if roles.rating else None
    # The last of equal pairs: the first of them in reverse order.
    _, from_end = np.unique((user * len(items) + item)[::-1], return_index=True)
    kept = np.sort(len(user) - 1 - from_end)
    return Interactions(
        users=users,
        items=items,
        user=user[kept],
        item=item[kept],
        rating=None if rating is None else rating[kept],
    )


def in_order(columns: Columns, time: str | None) -> Columns:
    """Return the rows by time, those without one first; without a time column as they are."""
    if time is None or not row_count(columns):
        return columns
    times = columns[time].astype(np.int64)
    order = np.argsort(times, kind="stable")
    return {name: values[order] for name, values in columns.items()}


def encode(values: Column, kind: str) -> tuple[Codes, Ids]:
    """Return codes into the sorted distinct ids, in the type of the data."""
    codes, found = pd.factorize(values, sort=True)
    return codes.astype(np.int64), tuple(to_id(value, kind) for value in found.tolist())


def newest(interactions: Interactions, most: int) -> Interactions:
    """Return at most that many pairs of every user, the newest ones."""
    total = len(interactions.user)
    from_end = np.arange(total)[::-1]
    # Of each user the rank of a pair, 0 for the newest.
    order = np.lexsort((from_end, interactions.user))
    starts = np.flatnonzero(np.diff(interactions.user[order], prepend=-1))
    lengths = np.diff(np.append(starts, total))
    rank = np.empty(total, dtype=np.int64)
    rank[order] = np.arange(total) - np.repeat(starts, lengths)
    kept = rank < most
    rating = interactions.rating
    return replace(
        interactions,
        user=interactions.user[kept],
        item=interactions.item[kept],
        rating=None if rating is None else rating[kept],
    )
