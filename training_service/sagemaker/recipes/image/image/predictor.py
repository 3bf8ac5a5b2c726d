"""A model of pictures with its signature: from picture files to probabilities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from recipe.answers import align_scores
from recipe.columns import Column, Columns
from recipe.failure import UserError
from recipe.labels import Label
from recipe.metrics import Floats
from recipe.signature import Signature
from sklearn.pipeline import Pipeline

from .failure import PictureError
from .features import Features, describe_pictures
from .pictures import MAX_PIXELS, Shape, pixel_count, read_picture


@dataclass(frozen=True, kw_only=True)
class Predictor:
    """What answers, in training and in the endpoint alike."""

    pipeline: Pipeline
    signature: Signature
    shape: Shape

    @property
    def column(self) -> str:
        """The column that holds the pictures."""
        return self.signature.inputs[0].name

    def answer(self, features: Features) -> Floats:
        """Return probabilities of shape (rows, classes) in the signature's order."""
        own = len(self.signature.classes or ())
        # The codes 0 … k-1 are in order and all were taught, so the columns are too.
        return np.asarray(self.pipeline.predict_proba(features)) if len(features) else np.empty((0, own))

    def scores_for(self, columns: Columns, classes: Sequence[Label] | None) -> Floats:
        """Return one score per asked class: 0 for a class this model never met."""
        own = self.signature.classes or ()
        answers = self.answer(see(columns[self.column], self.shape, refuse_in("judged")))
        return align_scores(np.asarray(answers, dtype=np.float64), own, classes or own)


def refuse_in(rows: str) -> Callable[[str], Exception]:
    """Return what makes a sentence on a picture into the error of a job, which says in which rows it is."""
    return lambda text: UserError(f"{text.removesuffix('.')}, in the {rows} rows.")


def see(
    pictures: Column, shape: Shape, refuse: Callable[[str], Exception], most: int | None = None
) -> Features:
    """Return the features of picture files.

    Parameters
    ----------
    refuse
        Makes the exception for a sentence that names the picture by its place.
    most
        How many pixels all of them may have together; None: only each is limited.
    """
    left = MAX_PIXELS if most is None else most
    seen = []
    for place, content in enumerate(pictures):
        try:
            if most is not None:
                left -= pixel_count(content or b"")
            if left < 0:
                raise PictureError(f"is one too many: the pictures have more than {most:,} pixels together")
            if content is None:
                raise PictureError("is missing")
            seen.append(read_picture(content, shape))
        except PictureError as error:
            raise refuse(f"The picture {place} {error}.") from error
    return describe_pictures(seen, shape)
