"""Ground truth as it is sent, and what it says of the versions: live quality by version and window."""

import math
import re
from datetime import timedelta

from chalicelib.inference.answers import split_prediction_id
from chalicelib.inference.labels import Decision, Label, Result
from chalicelib.inference.quality import Truth
from chalicelib.inference.truth_views import (
    EndpointMetrics,
    GivenLabel,
    LabelResults,
    results_view,
    version_view,
)
from chalicelib.inference.windows import begin_of_slot
from chalicelib.inference.workflow.context import Logging
from chalicelib.inference.workflow.labelling import settle

from shared.clock import to_text
from shared.entities.pipeline import seconds
from shared.errors import InvalidRequest

LONGEST_WINDOW_S = 30 * 86_400
_WINDOW = re.compile(r"[1-9][0-9]{0,6}[smhd]")
# What DynamoDB holds as a number: 38 digits, up to 1e125. No measured value comes near.
_LARGEST = 1e30


def take(adapters: Logging, pipeline: str, given: list[GivenLabel]) -> LabelResults:
    """Join labels to their predictions and say of each what became of it.

    Raises
    ------
    NotFound
        There is no such pipeline.
    Unavailable
        Others kept writing the same labels.
    """
    adapters.pipelines.get(pipeline)
    now = to_text(adapters.clock())
    read = [_label(pipeline, one, now) for one in given]
    settled = iter(settle(adapters, pipeline, [one for one in read if isinstance(one, Label)]))
    decisions = [next(settled) if isinstance(one, Label) else one for one in read]
    return results_view(pipeline, [one.id for one in given], decisions)


def measure(adapters: Logging, pipeline: str, window: str | None) -> EndpointMetrics:
    """Return what each version did in the *window* that ends now, such as 1h.

    Raises
    ------
    NotFound
        There is no such pipeline.
    InvalidRequest
        The window is not spelled so, or longer than the record is kept.
    """
    window_s = window_seconds(window or "1h")
    adapters.pipelines.get(pipeline)
    now = adapters.clock()
    since = begin_of_slot(now - timedelta(seconds=window_s))
    tallies = adapters.windows.tallies(pipeline, since, now)
    versions = sorted(tallies, key=lambda version: (len(version), version), reverse=True)
    shown = [version_view(version, tallies[version]) for version in versions]
    return EndpointMetrics(pipeline=pipeline, since=to_text(since), until=to_text(now), versions=shown)


def _label(pipeline: str, given: GivenLabel, now: str) -> Label | Decision:
    parts = split_prediction_id(given.id)
    if parts is None:
        return Decision(result=Result.INVALID, detail="the id is not that of a prediction")
    if not _can_be_stored(given.value):
        return Decision(result=Result.INVALID, detail="the value has a number beyond 1e30")
    observed_at = to_text(given.observed_at) if given.observed_at else now
    return Label(
        request_id=parts[0], row=parts[1], pipeline=pipeline, value=given.value, observed_at=observed_at
    )


def _can_be_stored(value: Truth) -> bool:
    parts = value if isinstance(value, tuple) else (value,)
    numbers = [part for part in parts if isinstance(part, int | float)]
    return all(math.isfinite(number) and abs(number) <= _LARGEST for number in numbers)


def window_seconds(window: str) -> int:
    """Return a window such as 15m in seconds; InvalidRequest where it is not spelled so."""
    if not _WINDOW.fullmatch(window) or seconds(window) > LONGEST_WINDOW_S:
        raise InvalidRequest(f"window={window[:20]!r} is not a time such as 15m, 1h or 7d, at most 30d")
    return seconds(window)
