"""How far the values of a column are from those of training: the population stability index (PSI).

``sum((q - p) ln(q / p))`` over bins, with the shares ``p`` in the dataset's profile and ``q`` now. Bins are the deciles of numbers and
the most frequent values of all else, with the rest; a missing value is a bin, since a column that stays away has drifted.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
from chalicelib.inference.quality import spelled

_LEAST_SHARE = 1e-4  # an empty bin would make the index infinite
# Of values that are nearly all different, such as identifiers, the most frequent ones say nothing.
_LEAST_KNOWN = 0.05
_DECILES = tuple(f"{10 * i}%" for i in range(1, 10))


class TopValue(msgspec.Struct, frozen=True):
    """A frequent value, as text, and how many rows have it."""

    value: str
    count: int


class Column(msgspec.Struct, frozen=True):
    """What a profile says of a column."""

    name: str
    type: str
    count: int
    missing: int = 0
    quantiles: dict[str, float] = {}
    top: list[TopValue] = []


class Profile(msgspec.Struct, frozen=True):
    """What is read of a ``profile.json``."""

    columns: list[Column]

    def column(self, name: str) -> Column | None:
        """Return the column *name*, None where there is none."""
        return next((column for column in self.columns if column.name == name), None)


def psi(column: Column, values: Sequence[Any]) -> float | None:
    """Return the index of *values*, None for missing ones; None where the profile says too little to compare."""
    if not values or not column.count:
        return None
    present = [value for value in values if value is not None]
    shares = _by_value(column, present) if column.top else _by_decile(column, present)
    if shares is None:
        return None
    old, new = column.missing / (column.count + column.missing), 1 - len(present) / len(values)
    before = [old, *((1 - old) * share for share in shares[0])]
    after = [new, *((1 - new) * share for share in shares[1])]
    return psi_of_shares(before, after)


def psi_of_shares(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the index of two distributions over the same bins."""
    pairs = [(max(p, _LEAST_SHARE), max(q, _LEAST_SHARE)) for p, q in zip(before, after, strict=True)]
    return sum((q - p) * math.log(q / p) for p, q in pairs)


def _by_value(column: Column, values: Sequence[Any]) -> tuple[list[float], list[float]] | None:
    known = {top.value: top.count / column.count for top in column.top}
    if sum(known.values()) < _LEAST_KNOWN:
        return None
    counts = Counter(spelled(value) for value in values)
    shares = [counts[name] / max(len(values), 1) for name in known]
    return [*known.values(), _rest(known.values())], [*shares, _rest(shares)]


def _by_decile(column: Column, values: Sequence[Any]) -> tuple[list[float], list[float]] | None:
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    ranks = _ranks(column)
    if not ranks or len(numbers) < len(values):
        return None
    edges, upper = list(ranks), list(ranks.values())
    counts = Counter(bisect_left(edges, number) for number in numbers)
    before = [high - low for low, high in zip([0.0, *upper], [*upper, 1.0], strict=True)]
    return before, [counts[place] / max(len(numbers), 1) for place in range(len(edges) + 1)]


def _ranks(column: Column) -> dict[float, float]:
    """Return the deciles in order, each with the share of values up to it; a value that fills several has the last."""
    found = {
        column.quantiles[name]: (i + 1) / 10 for i, name in enumerate(_DECILES) if name in column.quantiles
    }
    return dict(sorted(found.items()))


def _rest(shares: Any) -> float:
    return float(max(0.0, 1 - sum(shares)))
