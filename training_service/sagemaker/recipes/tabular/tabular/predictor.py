"""A model with its signature: from columns to probabilities or values."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from recipe.answers import align_scores
from recipe.columns import Columns, row_count
from recipe.features import to_matrix
from recipe.labels import Label
from recipe.metrics import Floats
from recipe.signature import Signature
from sklearn.pipeline import Pipeline

from .intervals import Intervals


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """What answers, in training and in the endpoint alike."""

    pipeline: Pipeline
    signature: Signature
    intervals: Intervals | None = None

    def predict(self, columns: Columns) -> Floats:
        """Return probabilities of shape (rows, classes) in the signature's order, or values of shape (rows,)."""
        matrix = to_matrix(columns, self.signature.fields)
        if self.signature.classes is None:
            return np.asarray(self.pipeline.predict(matrix), dtype=np.float64)
        answers = np.zeros((row_count(columns), len(self.signature.classes)))
        # The model knows classes by their codes, and may have met fewer than there are.
        codes = self.pipeline.classes_.astype(np.int64)
        answers[:, codes] = self.pipeline.predict_proba(matrix)
        return answers

    def half_widths(self, columns: Columns) -> Floats | None:
        """Return half the width of each row's interval, None for a model without intervals."""
        if self.intervals is None:
            return None
        if not row_count(columns):
            return np.empty(0)
        matrix = to_matrix(columns, self.signature.fields)
        return self.intervals.half_widths(self.pipeline[:-1].transform(matrix).astype(np.float64))

    def scores_for(self, columns: Columns, classes: Sequence[Label] | None) -> Floats:
        """Return what `predict` does, with one score per asked class: 0 for a class this model never met."""
        answers = self.predict(columns) if row_count(columns) else self._no_rows()
        if classes is None or self.signature.classes is None:
            return answers
        return align_scores(answers, self.signature.classes, classes)

    def _no_rows(self) -> Floats:
        return np.empty(0) if self.signature.classes is None else np.empty((0, len(self.signature.classes)))
