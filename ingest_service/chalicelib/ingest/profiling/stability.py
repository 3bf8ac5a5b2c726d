"""Population stability index (PSI) of two profiles of a column: how far its distribution has moved.

``sum((q - p) ln(q / p))`` over bins with the shares ``p`` before and ``q`` after: Kullback and Leibler's divergence
in both directions. Numbers are compared on the deciles of the profile before, texts by their top values and the rest.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

from chalicelib.ingest.profiling.model import NUMERIC, ColumnProfile
from chalicelib.ingest.profiling.texts import TOP

_LEAST_SHARE = 1e-4  # an empty bin would make the index infinite
_DECILES = tuple(f"{10 * i}%" for i in range(1, 10))


def psi(before: ColumnProfile, after: ColumnProfile) -> float | None:
    """Return the index; None where the profiles do not say enough about the distribution."""
    if not before.count or not after.count:
        return None
    by_value = _shares_by_value(before, after)
    if by_value is not None:
        return psi_of_shares(*by_value)
    if before.type in NUMERIC and before.quantiles and after.quantiles:
        edges = _edges(before)
        return psi_of_shares(_shares(before, edges), _shares(after, edges))
    return None


def psi_of_shares(before: Sequence[float], after: Sequence[float]) -> float:
    """Return the index of two distributions over the same bins."""
    pairs = [(max(p, _LEAST_SHARE), max(q, _LEAST_SHARE)) for p, q in zip(before, after, strict=True)]
    return sum((q - p) * math.log(q / p) for p, q in pairs)


def _shares_by_value(before: ColumnProfile, after: ColumnProfile) -> tuple[list[float], list[float]] | None:
    """Return the shares of all values whose count is known on both sides, and of the rest."""
    old = {top.value: top.count for top in before.top}
    new = {top.value: top.count for top in after.top}
    ordered = _known_values(before, after)
    if not ordered:
        return None
    p = [old.get(value, 0) / before.count for value in ordered]
    q = [new.get(value, 0) / after.count for value in ordered]
    return [*p, max(0.0, 1 - sum(p))], [*q, max(0.0, 1 - sum(q))]


def _known_values(before: ColumnProfile, after: ColumnProfile) -> list[str]:
    """Return the values whose count is known on both sides, in order; of numbers all values or none."""
    if before.type in NUMERIC and not (_lists_all(before) and _lists_all(after)):
        return []
    old, new = {top.value for top in before.top}, {top.value for top in after.top}
    # A value that a complete list does not have occurs nowhere; of a list of the most frequent we cannot know.
    only_old = old if _lists_all(after) else set()
    only_new = new if _lists_all(before) else set()
    return sorted((old & new) | only_old | only_new)


def _lists_all(column: ColumnProfile) -> bool:
    if not column.top:
        return False
    if not column.distinct_is_approximate:
        return column.distinct == len(column.top)
    # Profiles of old have no methods: their lists were exact, and shorter only where there was no more.
    return not column.methods and len(column.top) < TOP


def _edges(column: ColumnProfile) -> list[float]:
    names = _DECILES if all(name in column.quantiles for name in _DECILES) else tuple(column.quantiles)
    return sorted({column.quantiles[name] for name in names})


def _shares(column: ColumnProfile, edges: Sequence[float]) -> list[float]:
    """Return the shares of values up to the first edge, between the edges, and above the last."""
    points = _distribution(column)
    cumulative = [0.0, *(_share_up_to(points, edge) for edge in edges), 1.0]
    return [max(0.0, high - low) for low, high in pairwise(cumulative)]


def _distribution(column: ColumnProfile) -> list[tuple[float, float]]:
    """Return points (value, share of values up to it) that the profile knows: quantiles and edges of bins."""
    points: dict[float, float] = {}
    for name, value in column.quantiles.items():
        points[value] = max(points.get(value, 0.0), float(name.rstrip("%")) / 100)
    if column.histogram:
        seen = 0
        for edge, count in zip(column.histogram.edges[1:], column.histogram.counts, strict=True):
            seen += count
            points[edge] = max(points.get(edge, 0.0), seen / column.count)
    rising, highest = [], 0.0
    for value in sorted(points):
        highest = max(highest, points[value])
        rising.append((value, highest))
    return rising


def _share_up_to(points: Sequence[tuple[float, float]], x: float) -> float:
    """Interpolate between the points around *x*."""
    if x < points[0][0]:
        return 0.0
    for (low, p), (high, q) in pairwise(points):
        if low <= x < high:
            return p + (q - p) * (x - low) / (high - low)
    return 1.0 if x > points[-1][0] else points[-1][1]
