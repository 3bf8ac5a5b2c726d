"""One side of a split, as a model is fitted on it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, kw_only=True)
class Side[Features]:
    """Features of shape (rows, …), class codes or values of shape (rows,)."""

    features: Features
    target: npt.NDArray[Any]

    def take(self, rows: npt.NDArray[np.int64] | slice) -> "Side[Features]":
        """Return the rows at these positions."""
        # Every kind of features that there is (matrices, sparse ones) is cut by rows like this.
        chosen: Any = self.features
        return Side(features=chosen[rows], target=self.target[rows])
