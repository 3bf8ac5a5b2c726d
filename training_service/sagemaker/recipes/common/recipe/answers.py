"""How scores and values of a model are written as predictions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .labels import Label, label_text
from .metrics import Floats
from .signature import Signature


def to_predictions(signature: Signature, answers: Floats) -> list[dict[str, Any]]:
    """Return one dict per row: the value in the type of the data, and for classes their scores."""
    if signature.classes is None:
        return [{"value": value} for value in answers.tolist()]
    names = [label_text(label) for label in signature.classes]
    best = answers.argmax(axis=1).tolist()
    return [
        {"value": signature.classes[place], "scores": dict(zip(names, row, strict=True))}
        for place, row in zip(best, answers.tolist(), strict=True)
    ]


def to_table(signature: Signature, predictions: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return the same as rows of a CSV, the header first."""
    names = [label_text(label) for label in signature.classes or ()]
    rows: list[list[Any]] = [["value", *(f"score_{name}" for name in names)]]
    for answer in predictions:
        value = label_text(answer["value"]) if names else answer["value"]
        rows.append([value, *answer.get("scores", {}).values()])
    return rows


def align_scores(scores: Floats, own: Sequence[Label], classes: Sequence[Label]) -> Floats:
    """Return one column per class asked for: 0 for a class that is none of the model's own."""
    places = {label: place for place, label in enumerate(own)}
    none = np.zeros(len(scores))
    return np.column_stack([scores[:, places[c]] if c in places else none for c in classes])
