"""Class labels in the type of the data, and their codes 0 … k-1 the model is fitted on."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .columns import Column, is_missing
from .failure import UserError
from .parameters import Field

MAX_CLASSES = 200
type Label = str | int | float | bool
FROM_FLOAT: dict[str, Callable[[Any], Label]] = {"boolean": bool, "integer": int, "number": float}


def find_classes(values: Column, target: Field) -> tuple[Label, ...]:
    """Return the sorted classes among the values; raise `UserError` unless there are 2 to `MAX_CLASSES`."""
    present = sorted(set(values[~is_missing(values)].tolist()))
    if len(present) < 2:
        only = f"only the class {_typed(present[0], target)!r}" if present else "no value"
        raise UserError(
            f"The target '{target.name}' has {only} in the training rows; two classes are needed."
        )
    if len(present) > MAX_CLASSES:
        advice = "is this a regression?" if target.type in ("integer", "number") else "join the rare ones."
        raise UserError(
            f"The target '{target.name}' has {len(present)} distinct values, more than {MAX_CLASSES} classes; {advice}"
        )
    return tuple(_typed(value, target) for value in present)


def encode_labels(values: Column, classes: Sequence[Label]) -> npt.NDArray[np.float64]:
    """Return the position of each value in the classes, NaN for a value that is none of them."""
    codes = {label: float(code) for code, label in enumerate(classes)}
    places, present = pd.factorize(values)
    # Missing values have the place -1, which is the last.
    known = [*(codes.get(value, np.nan) for value in present.tolist()), np.nan]
    return np.array(known, dtype=np.float64)[places]


def label_text(label: Label) -> str:
    """Return the label as a JSON object's key: strings as they are, others as JSON writes them."""
    if isinstance(label, bool):
        return "true" if label else "false"
    return str(label)


def _typed(value: Label, target: Field) -> Label:
    typed: Callable[[Any], Label] = FROM_FLOAT.get(target.type, str)
    return typed(value)


def find_extra(values: Column, classes: Sequence[Label], target: Field) -> tuple[Label, ...]:
    """Return the sorted labels among the values that are none of the classes."""
    present = sorted(set(values[~is_missing(values)].tolist()) - set(classes))
    return tuple(_typed(value, target) for value in present)
