"""Users and items by their ids, and by codes into lists of them."""

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

type Id = int | str
type Ids = tuple[Id, ...]
type Codes = npt.NDArray[np.int64]


def to_id(value: float | str, kind: str) -> Id:
    """Return an id as it is in the data: columns of whole numbers are read as floats."""
    return int(value) if kind == "integer" else str(value)


def to_matrix(rows: Codes, columns: Codes, shape: tuple[int, int]) -> csr_matrix:
    """Return ones at the distinct places, with sorted columns in every row."""
    matrix = csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)
    matrix.sum_duplicates()
    matrix.data[:] = 1.0
    return matrix
