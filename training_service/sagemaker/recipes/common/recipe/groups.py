"""Cut the judged rows into groups by one column: its most frequent values, or quarters of its range."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from .columns import Column, Columns, is_missing
from .parameters import Field

type Mask = npt.NDArray[np.bool_]
type Groups = list[tuple[str, Mask]]

MOST_VALUES = 12
QUARTERS = (0.25, 0.5, 0.75)
LEAST_ROWS = 50  # of fewer, a metric is mostly chance


def cut_columns(columns: Columns, fields: Sequence[Field]) -> Iterator[tuple[str, Groups]]:
    """Yield each column that can be cut, with its groups of enough rows; times and bytes are not cut."""
    for field in fields:
        if field.name in columns and field.type not in ("datetime", "date", "binary"):
            groups = cut(columns[field.name], field.type)
            if groups:
                yield field.name, groups


def cut(values: Column, kind: str) -> Groups:
    """Return the groups of one column by name; none where a single group would be everything."""
    gone = is_missing(values)
    split = (
        _by_quarter if kind in ("number", "integer") and _distinct(values[~gone]) > MOST_VALUES else _by_value
    )
    groups = [*split(values, gone), ("missing", gone)]
    large = [(name, mask) for name, mask in groups if int(mask.sum()) >= LEAST_ROWS]
    return [] if any(mask.all() for _, mask in large) else large


def _by_value(values: Column, gone: Mask) -> Groups:
    known, counts = np.unique(values[~gone].astype(str), return_counts=True)
    frequent = known[np.argsort(-counts, kind="stable")][:MOST_VALUES]
    spelled = values.astype(str)
    return [(_name(value), (spelled == value) & ~gone) for value in frequent]


def _name(value: str) -> str:
    # Numbers and booleans are floats here: 3.0 is what a person calls 3.
    return value.removesuffix(".0")


def _by_quarter(values: Column, gone: Mask) -> Groups:
    numbers = values.astype(np.float64)
    edges = np.unique(np.quantile(numbers[~gone], QUARTERS))
    bounds = [-np.inf, *edges, np.inf]
    return [
        (_range(low, high), (numbers > low) & (numbers <= high) & ~gone) for low, high in pairwise(bounds)
    ]


def _range(low: float, high: float) -> str:
    if np.isinf(low):
        return f"<= {high:g}"
    return f"> {low:g}" if np.isinf(high) else f"> {low:g} and <= {high:g}"


def _distinct(values: Column) -> int:
    return len(np.unique(values))
