"""Predictions as CSV: a row per record, or per point or item where a record has several."""

import csv
import io
from collections.abc import Sequence
from typing import Any

from chalicelib.inference.views import Prediction


def to_csv(predictions: Sequence[Prediction]) -> str:
    """Return the table that fits the task of the first prediction; all are of one model."""
    first = predictions[0]
    rows = _points(predictions) if first.points is not None else None
    rows = _items(predictions) if first.items is not None else rows
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows if rows is not None else _values(predictions))
    return out.getvalue()


def _values(predictions: Sequence[Prediction]) -> list[list[Any]]:
    """Return id, value and, for classes, one ``score_<class>`` column each, or the ends of an interval."""
    names = sorted(predictions[0].scores or ())
    ends = ["low", "high"] if predictions[0].interval else []
    rows: list[list[Any]] = [["id", "value", *(f"score_{name}" for name in names), *ends]]
    for one in predictions:
        scores = one.scores or {}
        # JSON's spelling of true and false, not Python's.
        value = str(one.value).lower() if isinstance(one.value, bool) else one.value
        rows.append([one.id, value, *(scores.get(name, "") for name in names), *(one.interval or ())])
    return rows


def _points(predictions: Sequence[Prediction]) -> list[list[Any]]:
    rows: list[list[Any]] = [["id", "time", "value", "low", "high"]]
    for one in predictions:
        for point in one.points or ():
            rows.append([one.id, point.time, point.value, *(point.interval or ("", ""))])
    return rows


def _items(predictions: Sequence[Prediction]) -> list[list[Any]]:
    rows: list[list[Any]] = [["id", "rank", "item", "score"]]
    for one in predictions:
        for rank, item in enumerate(one.items or (), start=1):
            rows.append([one.id, rank, item.item, "" if item.score is None else item.score])
    return rows
