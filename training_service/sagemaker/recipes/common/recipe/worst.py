"""Where a model is worst: of each column the slice with the worst primary metric, beside champion and baseline."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .columns import Columns, row_count
from .evaluate import Judged
from .groups import LEAST_ROWS, Mask, cut_columns
from .metrics import Measure
from .parameters import Parameters


def find_worst(
    judged: Judged, parameters: Parameters, primary: str, higher_is_better: bool
) -> dict[str, Any]:
    """Return what `evaluation.json` says under `slices`, the column with the worst slice first.

    The worst of many slices is partly bad luck: the figures are for people, no gate reads them.
    """
    found = []
    for column, groups in cut_columns(_columns(judged), _fields(judged, parameters)):
        rated = [_rate(judged.measures, column, name, mask, primary) for name, mask in groups]
        known = [slice_ for slice_ in rated if np.isfinite(slice_["value"])]
        if known:
            found.append((min if higher_is_better else max)(known, key=lambda each: each["value"]))
    found.sort(key=lambda each: each["value"], reverse=not higher_is_better)
    return {"metric": primary, "least_rows": LEAST_ROWS, "columns": found}


def _columns(judged: Judged) -> Columns:
    columns = judged.columns if judged.slice_by is None else judged.slice_by
    # Where users or steps of time are judged instead of rows, only the family knows what cuts them.
    return columns if columns and row_count(columns) == judged.trial.units else {}


def _fields(judged: Judged, parameters: Parameters) -> Any:
    # What the model may not look at can still tell where it fails; the answer itself and names of rows cannot.
    hidden = {parameters.target, parameters.key}
    fields = [f for f in parameters.fields if f.name not in hidden and not f.is_number_of_nothing]
    return fields if judged.slice_by is None else [f for f in fields if f.name in judged.slice_by]


def _rate(
    measures: Mapping[str, Mapping[str, Measure]], column: str, name: str, mask: Mask, primary: str
) -> dict[str, Any]:
    weights = mask.astype(np.float64)
    values = {who: own[primary](weights) for who, own in measures.items()}
    return {
        "column": column,
        "slice": name,
        "rows": int(mask.sum()),
        "value": values["challenger"],
        "champion": values.get("champion"),
        "baseline": values.get("baseline"),
    }
