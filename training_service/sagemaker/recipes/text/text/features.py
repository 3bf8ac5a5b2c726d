"""From typed columns to what the linear model sees: n-grams of the text columns beside the other columns.

The matrix is the one of every family (`recipe.features`). The transformer that reads it is put together from
fitted parts, since each n-gram vectorizer's features are needed for every candidate and are costly to count.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from recipe.columns import Columns
from recipe.failure import UserError
from recipe.features import Matrix, matrix_columns, preprocessing, to_matrix
from recipe.parameters import Field, Parameters
from scipy.sparse import csr_matrix, hstack
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator

from .ngrams import Grams, fit_vectorizers

type Part = tuple[str, BaseEstimator, int | list[int]]


def text_columns(parameters: Parameters) -> tuple[str, ...]:
    """Return the columns to read as texts; raise `UserError` for one that cannot be."""
    types = {f.name: f.type for f in parameters.features}
    names = tuple(parameters.task_options.get("text") or ())
    if not names:
        raise UserError("parameters.json names no text column; `text` lists at least one.")
    for name in names:
        if name not in types:
            raise UserError(f"The text column '{name}' is no column of the data that a model may look at.")
        if types[name] != "string":
            raise UserError(f"The text column '{name}' is {types[name]}, not a string.")
    return names


def lay_out(columns: Columns, fields: Sequence[Field], texts: Sequence[int]) -> Matrix:
    """Return the matrix with the places `texts` empty where there is no text: to a vectorizer it is the same."""
    matrix = to_matrix(columns, fields)
    for place in texts:
        values = matrix[:, place]
        # Only NaN differs from itself.
        matrix[values != values, place] = ""  # noqa: PLR0124
    return matrix


def places_of(names: Sequence[str], fields: Sequence[Field]) -> list[int]:
    """Return where the text columns are in the matrix."""
    columns = matrix_columns(fields)
    return [columns.index(name) for name in names]


def fit_features(
    matrix: Matrix, fields: Sequence[Field], texts: Sequence[int], grams: Grams
) -> tuple[ColumnTransformer, csr_matrix]:
    """Return the fitted transformer and the features of its training rows, of shape (rows, features).

    Raises
    ------
    UserError
        There is nothing in any text column.
    """
    parts: list[Part] = []
    blocks = []
    for place in texts:
        for kind, vectorizer, counted in fit_vectorizers(matrix[:, place], grams):
            parts.append((f"{kind}{place}", vectorizer, place))
            blocks.append(counted)
    if not parts:
        raise UserError("The text columns are empty in all training rows; there is nothing to learn from.")
    for part, numbers in _fit_others(matrix, fields, texts):
        parts.append(part)
        blocks.append(csr_matrix(numbers, dtype=np.float32))
    return _assemble(parts, matrix), hstack(blocks, format="csr")


def _fit_others(
    matrix: Matrix, fields: Sequence[Field], texts: Sequence[int]
) -> Iterator[tuple[Part, Matrix]]:
    names = matrix_columns(fields)
    places = [place for place in range(len(names)) if place not in texts]
    kept = matrix[:, places]
    # NaN differs from itself: a column of nothing else teaches nothing.
    if not (kept == kept).any():  # noqa: PLR0124
        return
    hidden = {names[place] for place in texts}
    step = preprocessing(kept, [f for f in fields if f.name not in hidden])
    yield ("others", step, places), step.fit_transform(kept)


def _assemble(parts: Sequence[Part], matrix: Matrix) -> ColumnTransformer:
    frozen = [(label, FrozenEstimator(step), place) for label, step, place in parts]
    transformer = ColumnTransformer(frozen, sparse_threshold=1.0)
    # Fitting frozen parts teaches nothing but the layout, which one row shows.
    transformer.fit(matrix[:1])
    # One short row may have been dense, and decided that for all.
    transformer.sparse_output_ = True
    return transformer


def part_of(transformer: ColumnTransformer, label: str) -> BaseEstimator | None:
    """Return a fitted part by its label, None where there is none."""
    found = {name: step for name, step, _ in transformer.transformers_}
    return found[label].estimator if label in found else None


def drop_lookups(transformer: ColumnTransformer) -> ColumnTransformer:
    """Take out what vectorizers make again from their terms when they are first asked.

    skops writes that dict term by term: loading a model would take seconds instead of milliseconds.
    """
    for _, step, _ in transformer.transformers_:
        # A column without any value is left out: its step is a word.
        if isinstance(step, FrozenEstimator):
            vars(step.estimator).pop("vocabulary_", None)
    return transformer
