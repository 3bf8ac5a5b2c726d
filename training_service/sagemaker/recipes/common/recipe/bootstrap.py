"""Tell by a paired bootstrap how sure the difference of two models is, judged on the same rows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .metrics import Floats, Measure

REPLICATES = 200
CONFIDENCE = 0.9


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Challenger minus other, with the ends of its interval; NaN where undefined."""

    estimate: float
    low: float
    high: float


def draw_weights(
    rows: int, seed: int, replicates: int = REPLICATES, blocks: npt.NDArray[np.int64] | None = None
) -> list[Floats]:
    """Return, per replicate, how often each row is drawn when `rows` rows are drawn with replacement.

    With `blocks`, a block number per row, whole blocks are drawn: neighbours in time err alike, and drawn one
    by one they would make the interval too narrow.
    """
    generator = np.random.default_rng(seed)
    if blocks is None:
        blocks = np.arange(rows)
    known, member = np.unique(blocks, return_inverse=True)
    return [
        np.bincount(generator.integers(0, len(known), len(known)), minlength=len(known))[member].astype(
            np.float64
        )
        for _ in range(replicates if rows else 0)
    ]


def replicate(measures: Mapping[str, Measure], draws: list[Floats]) -> dict[str, Floats]:
    """Return each metric's value in each replicate."""
    # A draw at a time: metrics of one ranking share what they find out of it.
    values = [[measure(weights) for measure in measures.values()] for weights in draws]
    by_metric = np.array(values, dtype=np.float64).reshape(len(draws), len(measures)).T
    return dict(zip(measures, by_metric, strict=True))


def compare(challenger: Floats, other: Floats, estimate: float, confidence: float = CONFIDENCE) -> Difference:
    """Return the percentile interval of the paired differences.

    Both arrays come from the same draws, so what the rows have in common cancels out.
    """
    differences = challenger - other
    # A replicate without one of the classes has no AUC; it is left out on both sides alike.
    differences = differences[~np.isnan(differences)]
    if not len(differences):
        return Difference(estimate=estimate, low=float("nan"), high=float("nan"))
    tail = (1 - confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail])
    return Difference(estimate=estimate, low=float(low), high=float(high))
