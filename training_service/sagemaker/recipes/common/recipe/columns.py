"""Rows as columns of numpy arrays in canonical types, alike in training and in the endpoint.

float64 with NaN for numbers and booleans, object with None for strings, datetime64[us] with NaT for times.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

type Column = npt.NDArray[np.generic]
type Columns = dict[str, Column]


def row_count(columns: Columns) -> int:
    """Return the number of rows."""
    return len(next(iter(columns.values())))


def take_rows(columns: Columns, rows: npt.NDArray[np.generic]) -> Columns:
    """Return the chosen rows, by a boolean mask or by positions."""
    return {name: values[rows] for name, values in columns.items()}


def concatenate(parts: Iterable[Columns]) -> Columns:
    """Return the rows of all parts, which have the same columns."""
    first, *rest = parts
    return {name: np.concatenate([first[name], *(part[name] for part in rest)]) for name in first}


def is_missing(values: Column) -> npt.NDArray[np.bool_]:
    """Tell for each value whether it is missing."""
    if values.dtype == object:
        return np.array([value is None for value in values], dtype=bool)
    return np.isnat(values) if values.dtype.kind == "M" else np.isnan(values)
