"""What the REST API takes and gives about ground truth and live quality."""

import math
from datetime import datetime
from typing import Annotated

import msgspec
from chalicelib.inference.answers import Value
from chalicelib.inference.labels import Decision, Result, StoredLabel
from chalicelib.inference.quality import Truth
from chalicelib.inference.tally import Tally, percentile
from msgspec import Meta

MAX_LABELS = 1000
_Text = Annotated[str, Meta(max_length=1024)]


class GivenLabel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The truth about one prediction; ``observed_at`` is when it was known, now if absent.

    Of a forecast it is a list of numbers, one for each point (null where unknown), of a recommendation the item that
    was taken, or a list of them.
    """

    id: Annotated[str, Meta(min_length=1, max_length=200)]
    value: bool | int | float | _Text | Annotated[tuple[Value, ...], Meta(min_length=1, max_length=1000)]
    observed_at: Annotated[datetime, Meta(tz=True)] | None = None


class GroundTruth(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Labels of predictions, by the ids that the predictions were answered with."""

    labels: Annotated[list[GivenLabel], Meta(min_length=1, max_length=MAX_LABELS)]


class LabelResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one label: joined, replaced, unchanged, superseded, waiting or invalid, with the reason."""

    id: str
    result: Result
    detail: str = ""


class LabelResults(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each label, in their order, and how many of each ``count``."""

    pipeline: str
    counts: dict[str, int]
    results: list[LabelResult]


class LabelView(msgspec.Struct, frozen=True, kw_only=True):
    """The truth about a prediction, as far as it is known."""

    value: Truth
    observed_at: str
    received_at: str


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Quantiles in milliseconds of the answered requests that met a warm version, to within 9 %."""

    p50: float | None
    p95: float | None
    p99: float | None


class VersionMetrics(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model version in the window; quality is of the ``labelled`` rows among those predicted in it.

    ``accuracy`` of a recommendation says how often a taken item was among the recommended. ``error_rate``: requests
    that the version could not answer, whoever did instead.
    """

    model_version: str
    requests: int
    rows: int
    errors: int
    error_rate: float | None
    latency_ms: Latency
    labelled: int
    accuracy: float | None = None
    log_loss: float | None = None
    mae: float | None = None
    rmse: float | None = None


class EndpointMetrics(msgspec.Struct, frozen=True, kw_only=True):
    """What each version did from ``since`` to ``until``; the log behind it is some seconds late."""

    pipeline: str
    since: str
    until: str
    versions: list[VersionMetrics]


def results_view(pipeline: str, ids: list[str], decisions: list[Decision]) -> LabelResults:
    """Return what became of labels as the API shows it."""
    results = [
        LabelResult(id=name, result=decision.result, detail=decision.detail)
        for name, decision in zip(ids, decisions, strict=True)
    ]
    found = [result.result for result in results]
    counts = {str(kind): found.count(kind) for kind in Result if kind in found}
    return LabelResults(pipeline=pipeline, counts=counts, results=results)


def label_view(label: StoredLabel) -> LabelView:
    """Return a label as the API shows it."""
    return LabelView(value=label.value, observed_at=label.observed_at, received_at=label.received_at)


def version_view(version: str, tally: Tally) -> VersionMetrics:
    """Return what was counted of *version* as the API shows it."""
    quantiles = (percentile(tally.latencies, share) for share in (0.5, 0.95, 0.99))
    p50, p95, p99 = (round(ms, 1) if ms is not None else None for ms in quantiles)
    squared = _ratio(tally.squared_error, tally.measured)
    return VersionMetrics(
        model_version=version,
        requests=tally.requests,
        rows=tally.rows,
        errors=tally.errors,
        error_rate=_ratio(tally.errors, tally.requests),
        latency_ms=Latency(p50=p50, p95=p95, p99=p99),
        labelled=tally.labelled,
        accuracy=None if tally.measured else _ratio(tally.correct, tally.labelled),
        log_loss=_ratio(tally.log_loss, tally.scored),
        mae=_ratio(tally.absolute_error, tally.measured),
        rmse=None if squared is None else math.sqrt(squared),
    )


def _ratio(part: float, whole: int) -> float | None:
    return part / whole if whole else None
