"""What a ranking by score is worth at every threshold: ROC, precision over recall, gain.

Each curve has one line per class: of two classes the second's, of more those of the most frequent.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from .labels import Label, label_text
from .metrics import Floats
from .vega import MAX_POINTS, Spec, spec, spread

MOST_CLASSES = 5
type Points = tuple[Floats, Floats]


def ranking_curves(truth: Floats, scores: Floats, classes: Sequence[Label]) -> dict[str, Spec]:
    """Return the three curves of scores of shape (rows, classes) for codes of shape (rows,)."""
    curves = {
        "roc": (_roc, "ROC on the judged rows", "false positive rate", "true positive rate"),
        "pr": (_precision, "Precision over recall on the judged rows", "recall", "precision"),
        "gain": (
            _gain,
            "Gain: who is found by looking at the best scores first",
            "share looked at",
            "share found",
        ),
    }
    ranked = list(_ranked(truth, scores, classes))
    return {
        name: _draw(ranked, points, title, (x_title, y_title))
        for name, (points, title, x_title, y_title) in curves.items()
    }


def _ranked(truth: Floats, scores: Floats, classes: Sequence[Label]) -> Iterator[tuple[str, Floats, Floats]]:
    """Yield (class, hits, misses), both cumulated down the ranking; rows of equal score are passed together."""
    codes = [1] if len(classes) == 2 else _frequent(truth, len(classes))
    for code in codes:
        order = np.argsort(-scores[:, code], kind="stable")
        ends = np.append(np.flatnonzero(np.diff(scores[order, code])), len(order) - 1)
        hits = np.cumsum(truth[order] == code)[ends].astype(np.float64)
        yield label_text(classes[code]), np.append(0.0, hits), np.append(0.0, ends + 1 - hits)


def _frequent(truth: Floats, classes: int) -> list[int]:
    counts = np.bincount(truth.astype(np.int64), minlength=classes)
    return sorted(int(code) for code in np.argsort(-counts, kind="stable")[:MOST_CLASSES])


def _draw(
    ranked: Sequence[tuple[str, Floats, Floats]],
    points: Callable[[Floats, Floats], Points],
    title: str,
    axes: tuple[str, str],
) -> Spec:
    values = []
    for name, hits, misses in ranked:
        x, y = points(hits, misses)
        values += [
            {"x": round(float(x[p]), 4), "y": round(float(y[p]), 4), "class": name}
            for p in spread(len(x), MAX_POINTS // max(len(ranked), 1))
        ]
    drawn = spec(title, "line", {"field": "x", "title": axes[0]}, {"field": "y", "title": axes[1]}, values)
    # Of equal x the order of the points is the curve's own.
    drawn["encoding"]["order"] = {"field": "x"}
    drawn["encoding"]["color"] = {"field": "class", "type": "nominal", "title": "class"}
    return drawn


def _roc(hits: Floats, misses: Floats) -> Points:
    return misses / max(misses[-1], 1.0), hits / max(hits[-1], 1.0)


def _precision(hits: Floats, misses: Floats) -> Points:
    # Of nobody looked at, precision is undefined: the curve begins with the first who is.
    looked = (hits + misses)[1:]
    return hits[1:] / max(hits[-1], 1.0), hits[1:] / looked


def _gain(hits: Floats, misses: Floats) -> Points:
    looked = hits + misses
    return looked / max(looked[-1], 1.0), hits / max(hits[-1], 1.0)
