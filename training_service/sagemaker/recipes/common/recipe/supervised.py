"""Judging models that answer every row by itself: with a score per class, or with a value."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .columns import Column, Columns
from .data import Data
from .evaluate import Judged
from .failure import UserError
from .labels import Label, encode_labels, find_classes, find_extra
from .metrics import Floats, Measure, classification_measures, regression_measures
from .parameters import Parameters
from .signature import Signature
from .slices import Mask


class Scorer(Protocol):
    """A model of classes or values."""

    @property
    def signature(self) -> Signature:
        """What it takes and gives."""
        ...

    def scores_for(self, columns: Columns, classes: Sequence[Label] | None) -> Floats:
        """Return scores of shape (rows, classes), 0 for a class it never met, or values of shape (rows,)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Answered(Judged):
    """The judged rows with everybody's answers.

    `truth` holds codes into `classes` or values; each answer has shape (rows, classes) or (rows,).
    """

    truth: Floats
    classes: tuple[Label, ...] | None
    answers: dict[str, Floats]


@dataclass(frozen=True, kw_only=True)
class Targets:
    """What is to be predicted: codes into the classes, or values where these are None.

    A class that only validation has cannot be scored by a model that never met it: `known` says, per validation row,
    that it is none of those, and `validation` has the targets of the known rows only.
    """

    classes: tuple[Label, ...] | None
    train: Floats
    validation: Floats
    known: Mask


def find_targets(data: Data, parameters: Parameters) -> Targets:
    """Return the targets of the training and the validation side."""
    target = parameters.target_field
    train, validation = data.train[target.name], data.validation[target.name]
    if parameters.task != "regression":
        classes = find_classes(train, target)
        codes = encode_labels(validation, classes)
        known = ~np.isnan(codes)
        return Targets(
            classes=classes, train=encode_labels(train, classes), validation=codes[known], known=known
        )
    if target.type not in ("integer", "number"):
        raise UserError(
            f"The target '{target.name}' is {target.type}; regression needs an integer or a number."
        )
    _check_values(train, target.name)
    every = np.ones(len(validation), dtype=bool)
    return Targets(
        classes=None, train=train.astype(np.float64), validation=validation.astype(np.float64), known=every
    )


def _check_values(values: Column, target: str) -> None:
    """Refuse a target that never changes, as a single class is refused: nothing could beat who says just that."""
    if len(values) and (values == values[0]).all():
        raise UserError(
            f"The target '{target}' has only the value {values[0]:g} in the training rows; there is nothing to learn."
        )


def answer_rows(
    columns: Columns,
    parameters: Parameters,
    models: Mapping[str, Scorer],
    baseline: Callable[[int], Floats],
) -> Answered:
    """Let every model and the baseline answer the judged rows.

    Parameters
    ----------
    models
        By the name they have in the evaluation; `challenger` must be one of them.
    baseline
        Returns its answers for a number of rows: it knows nothing about any of them.
    """
    values = columns[parameters.target]
    classes = models["challenger"].signature.classes
    if classes is not None:
        # A class that is new in the judged rows counts against every model: none can have scored it.
        classes = classes + find_extra(values, classes, parameters.target_field)
    truth = encode_labels(values, classes) if classes else values.astype(np.float64)
    answers = {name: model.scores_for(columns, classes) for name, model in models.items()}
    answers["baseline"] = _widen(baseline(len(values)), len(classes) if classes else None)
    return Answered(
        columns=columns,
        rows=len(truth),
        measures={name: measures_of(truth, given) for name, given in answers.items()},
        truth=truth,
        classes=classes,
        answers=answers,
    )


def measures_of(truth: Floats, answers: Floats) -> dict[str, Measure]:
    """Prepare the metrics of scores of shape (rows, classes), or of values of shape (rows,)."""
    if answers.ndim == 1:
        return regression_measures(truth, answers)
    return classification_measures(truth.astype(np.int64), answers)


def naive_baseline(target: Floats, class_count: int) -> Callable[[int], Floats]:
    """Return what somebody says who saw only the training targets: the class shares, or the mean."""
    if not class_count:
        mean = float(target.mean())
        return lambda rows: np.full(rows, mean)
    shares = np.bincount(target.astype(np.int64), minlength=class_count) / len(target)
    return lambda rows: np.tile(shares, (rows, 1))


def _widen(answers: Floats, classes: int | None) -> Floats:
    if classes is None or answers.shape[1] == classes:
        return answers
    return np.pad(answers, ((0, 0), (0, classes - answers.shape[1])))
