"""Predictions as one table: a row per record, or per point or item where a record has several."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from chalicelib.inference.answers import Item
from chalicelib.inference.tensors import Table
from chalicelib.inference.views import Prediction


def to_table(predictions: Sequence[Prediction]) -> Table:
    """Return the table that fits the task of the first answered record; all are of one model.

    Records that were not answered have a row without an id, their ``error`` in the last column.
    """
    answered = [one for one in predictions if not one.errors]
    columns = _columns(answered[0])
    table = Table(columns=columns, rows=[row for one in answered for row in _rows(one, columns)])
    if len(answered) == len(predictions):
        return table
    return _with_errors(predictions, columns)


def to_csv(predictions: Sequence[Prediction]) -> str:
    """Return the table as CSV with a header."""
    table = to_table(predictions)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([_spelled(cell) for cell in row] for row in table.rows)
    return out.getvalue()


def _columns(first: Prediction) -> list[str]:
    if first.points is not None:
        return ["id", "time", "value", "low", "high"]
    if first.items is not None:
        rated = ["rating"] if any(item.rating is not None for item in first.items) else []
        return ["id", "rank", "item", "score", *rated]
    ends = ["low", "high"] if first.interval else []
    return ["id", "value", *(f"score_{name}" for name in sorted(first.scores or ())), *ends]


def _rows(one: Prediction, columns: list[str]) -> Iterable[list[Any]]:
    if one.points is not None:
        return [[one.id, point.time, point.value, *(point.interval or (None, None))] for point in one.points]
    if one.items is not None:
        return [_item_row(one.id, *place)[: len(columns)] for place in enumerate(one.items, start=1)]
    return [_value_row(one, columns)]


def _item_row(name: str | None, rank: int, item: Item) -> list[Any]:
    return [name, rank, item.item, item.score, item.rating]


def _value_row(one: Prediction, columns: list[str]) -> list[Any]:
    scores = one.scores or {}
    names = [column.removeprefix("score_") for column in columns if column.startswith("score_")]
    return [one.id, one.value, *(scores.get(name) for name in names), *(one.interval or ())]


def _with_errors(predictions: Sequence[Prediction], columns: list[str]) -> Table:
    rows: list[list[Any]] = []
    for one in predictions:
        if one.errors:
            rows.append([None] * len(columns) + ["; ".join(f"{e.pointer}: {e.detail}" for e in one.errors)])
        else:
            rows += [[*row, None] for row in _rows(one, columns)]
    return Table(columns=[*columns, "error"], rows=rows)


def _spelled(cell: object) -> object:
    # JSON's spelling of true and false, not Python's.
    return str(cell).lower() if isinstance(cell, bool) else cell
