"""What a model of texts has learnt, drawn: the words that tell most."""

from typing import Any

import numpy as np
from recipe.labels import label_text
from recipe.metrics import Floats
from recipe.vega import MAX_POINTS, Spec, spec
from sklearn.linear_model import LogisticRegression

from .features import part_of
from .predictor import Predictor

MOST_PER_CLASS = 20


def telling_words(model: Predictor) -> Spec:
    """Return, per class, the runs of words with the largest weights, over all text columns."""
    transformer, linear = model.pipeline.named_steps["features"], model.pipeline.named_steps["model"]
    classes = model.signature.classes or ()
    weights = class_weights(linear)
    values: list[dict[str, Any]] = []
    for place in model.texts:
        vectorizer = part_of(transformer, f"words{place}")
        if vectorizer is not None:
            own = weights[:, transformer.output_indices_[f"words{place}"]]
            values += _strongest(own, vectorizer.vocabulary, [label_text(c) for c in classes])
    values = sorted(values, key=lambda value: -value["weight"])[:MAX_POINTS]
    x = {"field": "weight", "title": "weight for the class"}
    y = {"field": "words", "type": "nominal", "sort": "-x", "title": None}
    drawn = spec("Words that tell most", "bar", x, y, values)
    drawn["encoding"]["row"] = {"field": "class", "type": "nominal", "title": None}
    drawn["resolve"] = {"scale": {"y": "independent"}}
    return drawn


def class_weights(linear: LogisticRegression) -> Floats:
    """Return the weights of shape (classes, features); of two classes one is the other's opposite."""
    weights = np.asarray(linear.coef_, dtype=np.float64)
    return np.vstack([-weights[0], weights[0]]) if len(weights) == 1 else weights


def _strongest(weights: Floats, terms: Floats, names: list[str]) -> list[dict[str, Any]]:
    most = max(1, min(MOST_PER_CLASS, MAX_POINTS // max(len(names), 1)))
    return [
        {"class": name, "words": str(terms[place]), "weight": round(float(own[place]), 4)}
        for name, own in zip(names, weights, strict=True)
        for place in np.argsort(-own, kind="stable")[:most]
        if own[place] > 0
    ]
