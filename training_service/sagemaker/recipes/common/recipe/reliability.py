"""How far a classifier's confidence is from how often it is right."""

from dataclasses import replace

import numpy as np

from .metrics import Floats, Measure, ratio
from .supervised import Answered

BINS = 10


def calibration_error(truth: Floats, scores: Floats) -> Measure:
    """Prepare the expected calibration error (Guo et al. 2017), in bins of equally many rows.

    Parameters
    ----------
    truth
        Codes of the classes, of shape (rows,).
    scores
        Probabilities of shape (rows, classes); the best one of a row is its confidence.
    """
    confidence = scores.max(axis=1)
    gaps = confidence - (scores.argmax(axis=1) == truth)
    bins = np.empty(len(truth), dtype=np.int64)
    # By rank: bins of equal width are mostly empty for a confident model.
    bins[np.argsort(confidence, kind="stable")] = np.arange(len(truth)) * BINS // max(len(truth), 1)
    return lambda weights: ratio(np.abs(np.bincount(bins, weights * gaps, BINS)).sum(), weights.sum())


def with_reliability(judged: Answered) -> Answered:
    """Return the judged rows measured by `calibration_error`, too."""
    measures = {
        name: {**own, "calibration_error": calibration_error(judged.truth, judged.answers[name])}
        for name, own in judged.measures.items()
    }
    return replace(judged, measures=measures)
