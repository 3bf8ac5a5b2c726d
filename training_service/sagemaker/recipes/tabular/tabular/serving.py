"""How the models of this family are loaded and asked: a regression answers with intervals."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from recipe.columns import Columns
from recipe.row_serving import answer as answer_rows
from recipe.row_serving import serve_rows
from recipe.row_serving import tabulate as tabulate_rows

from .predictor import Predictor
from .state import DIFFICULTY_FILE, INTERVALS_FILE, load


def answer(model: Predictor, columns: Columns) -> list[dict[str, Any]]:
    """Return one prediction per row."""
    predictions = answer_rows(model, columns)
    half_widths = model.half_widths(columns)
    if half_widths is None:
        return predictions
    return [
        one | {"interval": [one["value"] - half, one["value"] + half]}
        for one, half in zip(predictions, half_widths.tolist(), strict=True)
    ]


def tabulate(model: Predictor, predictions: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Return the predictions as rows of a CSV, the header first."""
    rows = tabulate_rows(model, predictions)
    if model.intervals is None:
        return rows
    header, *cells = rows
    ends = [one["interval"] for one in predictions]
    return [[*header, "low", "high"], *([*row, *pair] for row, pair in zip(cells, ends, strict=True))]


SERVING = replace(
    serve_rows(Predictor),
    optional=(INTERVALS_FILE, DIFFICULTY_FILE),
    load=load,
    answer=answer,
    tabulate=tabulate,
)
