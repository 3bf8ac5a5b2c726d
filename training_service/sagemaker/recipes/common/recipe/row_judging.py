"""How models are judged that answer each row by itself, beside who knows only the training targets."""

from collections.abc import Mapping
from typing import Any

from .columns import take_rows
from .data import Data
from .golden import sample_records
from .parameters import Parameters
from .reliability import with_reliability
from .slices import Mask
from .supervised import Answered, Scorer, answer_rows, find_targets, naive_baseline


def judge_rows(parameters: Parameters, data: Data, rows: Mask, models: Mapping[str, Scorer]) -> Answered:
    """Let the models and the naive baseline answer the chosen rows of the test side."""
    targets = find_targets(data, parameters)
    baseline = naive_baseline(targets.train, len(targets.classes or ()))
    return answer_rows(take_rows(data.test, rows), parameters, models, baseline)


def judge_calibrated(
    parameters: Parameters, data: Data, rows: Mask, models: Mapping[str, Scorer]
) -> Answered:
    """Do the same, and measure how far confidence can be believed."""
    return with_reliability(judge_rows(parameters, data, rows, models))


def sample_rows(
    parameters: Parameters, data: Data, judged: Answered, _challenger: Scorer
) -> list[dict[str, Any]]:
    """Return judged rows as a client would send them, or training rows where none was judged."""
    return sample_records(judged.columns if judged.rows else data.train, parameters.features)
