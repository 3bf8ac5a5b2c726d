"""Which class is taken for which."""

import numpy as np

from .labels import label_text
from .supervised import Answered
from .vega import Spec, spec

# Fourteen squared is about what a plot of ours may hold.
MOST_CLASSES = 13
OTHER = "(other)"


def confusion(judged: Answered) -> Spec:
    """Return a heat map of the challenger's answers over the true classes; rare classes are taken together."""
    names = [label_text(label) for label in judged.classes or ()]
    truth = judged.truth.astype(np.int64)
    frequent = np.argsort(-np.bincount(truth, minlength=len(names)), kind="stable")[:MOST_CLASSES]
    # Codes of what is not shown by itself all lead to the last place.
    place = np.full(len(names), len(frequent))
    place[np.sort(frequent)] = np.arange(len(frequent))
    shown = [names[code] for code in np.sort(frequent)] + ([OTHER] if len(names) > len(frequent) else [])
    best = judged.answers["challenger"].argmax(axis=1)
    counts = np.bincount(place[truth] * len(shown) + place[best], minlength=len(shown) ** 2)
    values = [
        {"truth": true, "answer": given, "rows": int(counts[row * len(shown) + column])}
        for row, true in enumerate(shown)
        for column, given in enumerate(shown)
    ]
    x = {"field": "answer", "type": "nominal", "sort": shown, "title": "answered"}
    y = {"field": "truth", "type": "nominal", "sort": shown, "title": "true class"}
    drawn = spec("Confusion on the judged rows", "rect", x, y, values)
    drawn["encoding"]["color"] = {"field": "rows", "type": "quantitative", "title": "rows"}
    return drawn
