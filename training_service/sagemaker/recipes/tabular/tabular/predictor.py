"""A model with its signature: from columns to probabilities or values."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.pipeline import Pipeline

from .artifact import MODEL_FILE, SIGNATURE_FILE, load_pipeline
from .columns import Columns, row_count
from .features import to_matrix
from .labels import Label
from .signature import Signature, parse_signature

type Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """What answers, in training and in the endpoint alike."""

    pipeline: Pipeline
    signature: Signature

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

    def scores_for(self, columns: Columns, classes: Sequence[Label] | None) -> Floats:
        """Return what `predict` does, with one score per asked class: 0 for a class this model never met."""
        answers = self.predict(columns) if row_count(columns) else self._no_rows()
        if classes is None or self.signature.classes is None:
            return answers
        places = {label: place for place, label in enumerate(self.signature.classes)}
        none = np.zeros(len(answers))
        return np.column_stack([answers[:, places[c]] if c in places else none for c in classes])

    def _no_rows(self) -> Floats:
        return np.empty(0) if self.signature.classes is None else np.empty((0, len(self.signature.classes)))


def load_predictor(folder: Path) -> Predictor:
    """Load the model in a folder, as the endpoint has it; raise `ModelRefusedError` when it is not safe."""
    signature = parse_signature((folder / SIGNATURE_FILE).read_bytes())
    return Predictor(pipeline=load_pipeline((folder / MODEL_FILE).read_bytes()), signature=signature)
