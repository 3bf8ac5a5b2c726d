"""Turn typed columns into the matrix a model sees, and the matrix into numbers.

Two steps, so that serving needs neither pandas nor names: `to_matrix` lays columns out in a fixed order
(numbers first, categories last, a datetime as three calendar numbers), and a scikit-learn
`ColumnTransformer` learns imputation, scaling and encodings from that matrix.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from .columns import Column, Columns, row_count
from .failure import UserError
from .metrics import Floats
from .parameters import Field

CALENDAR = ("month", "weekday", "hour")
# A linear model gets a column per category.
MAX_CATEGORIES = 50
LARGEST = 1e100
NOTHING_TO_LEARN = "Every column is empty in the training rows; there is nothing to learn from."
type Matrix = npt.NDArray[np.object_]


def to_matrix(columns: Columns, fields: Sequence[Field]) -> Matrix:
    """Return an object matrix of shape (rows, `feature_count`): numbers as floats, missing as NaN."""
    numbers = to_numbers(columns, fields)
    names = [f.name for f in fields if f.type == "string"]
    matrix = np.empty((row_count(columns), numbers.shape[1] + len(names)), dtype=object)
    matrix[:, : numbers.shape[1]] = numbers
    for position, name in enumerate(names, start=numbers.shape[1]):
        values = columns[name]
        matrix[:, position] = np.where(values == None, np.nan, values)  # noqa: E711 - elementwise
    return matrix


def to_numbers(columns: Columns, fields: Sequence[Field]) -> Floats:
    """Return the part of the matrix that is numbers, of shape (rows, `number_count`); missing ones as NaN."""
    numbers: list[Column] = []
    for column in (f for f in fields if f.type != "string"):
        values = columns[column.name]
        numbers += _calendar(values) if column.type in ("datetime", "date") else [values]
    if not numbers:
        return np.empty((row_count(columns), 0))
    # Scaling squares what it sees, and the square of 1e300 is infinite.
    return np.clip(np.column_stack(numbers).astype(np.float64, copy=False), -LARGEST, LARGEST)


def number_count(fields: Sequence[Field]) -> int:
    """Return how many of the matrix's columns are numbers."""
    return sum(len(CALENDAR) if f.type in ("datetime", "date") else f.type != "string" for f in fields)


def matrix_columns(fields: Sequence[Field]) -> list[str]:
    """Return the name of the field behind each column of the matrix."""
    numbers = [f for f in fields if f.type != "string"]
    names = [n for f in numbers for n in [f.name] * (len(CALENDAR) if f.type in ("datetime", "date") else 1)]
    return names + [f.name for f in fields if f.type == "string"]


def preprocessing(
    matrix: Matrix, fields: Sequence[Field], max_categories: int = MAX_CATEGORIES
) -> ColumnTransformer:
    """Build the unfitted transformer from the training matrix's layout to plain floats for a linear model.

    Numbers get medians, indicators of what was missing and scaling; categories a column each, the rare ones and those
    never seen one together. Columns without any value in training are left out: they can teach nothing.
    """
    first_name = number_count(fields)
    usable = [place for place in range(matrix.shape[1]) if not _is_empty(matrix[:, place])]
    if not usable:
        raise UserError(NOTHING_TO_LEARN)
    numbers, names = [p for p in usable if p < first_name], [p for p in usable if p >= first_name]
    steps = _linear_steps(max_categories)
    chosen = [
        (label, step, places) for (label, step), places in zip(steps, (numbers, names), strict=True) if places
    ]
    return ColumnTransformer(chosen, sparse_threshold=0.0)


def _is_empty(values: Matrix) -> bool:
    return all(isinstance(value, float) and math.isnan(value) for value in values)


def _linear_steps(most: int) -> list[tuple[str, object]]:
    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=most, sparse_output=False)
    return [("numbers", make_pipeline(imputer, StandardScaler())), ("categories", encoder)]


def known_categories(transformer: ColumnTransformer, fields: Sequence[Field]) -> dict[str, list[str]]:
    """Return the categories a fitted transformer saw, sorted, for each string field that had any."""
    names = matrix_columns(fields)
    found: dict[str, list[str]] = {}
    for label, step, places in transformer.transformers_:
        if label == "categories":
            for place, values in zip(places, step.categories_, strict=True):
                found[names[place]] = [str(c) for c in values if isinstance(c, str)]
    return found


def _calendar(values: Column) -> list[Column]:
    days = values.astype("datetime64[D]")
    month = values.astype("datetime64[M]").astype(np.int64) % 12 + 1
    # 1 January 1970 was a Thursday; Monday is 0.
    weekday = (days.astype(np.int64) + 3) % 7
    hour = (values - days) / np.timedelta64(1, "h")
    missing = np.isnat(values)
    return [np.where(missing, np.nan, part) for part in (month, weekday, hour)]
