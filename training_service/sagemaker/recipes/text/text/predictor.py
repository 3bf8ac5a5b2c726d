"""A model of texts with its signature: from columns to probabilities."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from recipe.answers import align_scores
from recipe.columns import Columns, row_count
from recipe.labels import Label
from recipe.metrics import Floats
from recipe.signature import Signature
from sklearn.pipeline import Pipeline

from .features import lay_out


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """What answers, in training and in the endpoint alike."""

    pipeline: Pipeline
    signature: Signature

    @property
    def texts(self) -> list[int]:
        """The places of the text columns in the matrix."""
        return sorted(
            {p for _, _, p in self.pipeline.named_steps["features"].transformers_ if isinstance(p, int)}
        )

    def predict(self, columns: Columns) -> Floats:
        """Return probabilities of shape (rows, classes) in the signature's order."""
        matrix = lay_out(columns, self.signature.fields, self.texts)
        # The codes 0 … k-1 are in order and all were taught, so the columns are too.
        return np.asarray(self.pipeline.predict_proba(matrix), dtype=np.float64)

    def scores_for(self, columns: Columns, classes: Sequence[Label] | None) -> Floats:
        """Return what `predict` does, with one score per asked class: 0 for a class this model never met."""
        own = self.signature.classes or ()
        answers = self.predict(columns) if row_count(columns) else np.empty((0, len(own)))
        return align_scores(answers, own, classes or own)
