"""What the sums and the sample of a version say of drift, and whether it is an alarm: pure.

An alarm is by the estimated effect. Distributions move with every season and most moves cost nothing: on a year of flights the PSI
of the temperature passes 0.2 in each of 11 months while the AUC rises.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from chalicelib.inference.drift_index import Profile, psi, psi_of_shares
from chalicelib.inference.drift_views import AnswerDrift, ClassShare, ColumnDrift, Loss
from chalicelib.inference.quality import spelled
from chalicelib.inference.tally import Tally

from shared.entities.training import ModelVersion

# PSI of two samples of the same has a mean of about bins / rows: with fewer rows it would cry wolf.
MIN_ROWS = 200
# What a loss may be above the promised one; much of the difference between two months is chance.
LOSS_LIMIT = 1.1
_Z90 = 1.645  # one-sided 95 %
# By task: what is promised, and the figure at release that the mean expectation is held against.
_LOSSES = {
    "classification": ("log_loss", "log_loss"),
    "text": ("log_loss", "log_loss"),
    "image": ("log_loss", "log_loss"),
    "regression": ("mae", "interval_width"),
}


class Signal(msgspec.Struct, frozen=True, kw_only=True):
    """What passed its limit."""

    name: str
    value: float
    limit: float
    detail: str


def loss_of(model: ModelVersion, tally: Tally) -> Loss | None:
    """Return the loss of a version, None where its task or its evaluation has no figure for it."""
    metric, base = _LOSSES.get(model.task, ("", ""))
    promised, per_row = model.metrics.get(metric), model.metrics.get(base)
    if not promised or not per_row:
        return None
    scale = promised / per_row
    estimated, spread = _mean(tally)
    labelled, measured = _measured(metric, tally)
    return Loss(
        metric=metric,
        promised=promised,
        rows=tally.estimated,
        estimated=None if estimated is None else estimated * scale,
        at_least=None if estimated is None else (estimated - _Z90 * spread) * scale,
        labelled=labelled,
        measured=measured if labelled >= MIN_ROWS else None,
    )


def answers_of(model: ModelVersion, tally: Tally, profile: Profile) -> AnswerDrift | None:
    """Return how the answered classes differ from the trained ones; None where there are none to compare."""
    trained = _trained(model, profile)
    if not trained or tally.estimated < MIN_ROWS or not tally.shares:
        return None
    answered = sum(tally.shares.values())
    # The shares are by place: of the classes in order, as the scores were when they were added up.
    classes = [
        ClassShare(name=name, trained=trained[name], answered=tally.shares.get(place, 0) / answered)
        for place, name in enumerate(sorted(trained))
    ]
    index = psi_of_shares([one.trained for one in classes], [one.answered for one in classes])
    return AnswerDrift(psi=index, classes=classes)


def columns_of(
    model: ModelVersion, profile: Profile, records: Sequence[Mapping[str, Any]], limit: float
) -> list[ColumnDrift]:
    """Return the drift of each input, what moved most first."""
    found: list[ColumnDrift] = []
    for taken in model.inputs.get("inputs", ()):
        column = profile.column(taken["name"])
        index = psi(column, [record.get(taken["name"]) for record in records]) if column else None
        found.append(ColumnDrift(name=taken["name"], psi=index, drifted=index is not None and index > limit))
    return sorted(found, key=lambda one: (-1.0 if one.psi is None else one.psi, one.name), reverse=True)


def loss_signal(loss: Loss | None) -> Signal | None:
    """Return that the loss is well above the promised one; what labels measure comes before what answers expect."""
    if loss is None:
        return None
    if loss.measured is not None:
        detail = f"{loss.metric}: {loss.promised:.4g} promised, {loss.measured:.4g} measured on {loss.labelled} labels"
        return _beyond("measured_loss", loss.measured / loss.promised, LOSS_LIMIT, detail)
    if loss.at_least is None or loss.rows < MIN_ROWS:
        return None
    detail = f"{loss.metric}: {loss.promised:.4g} promised, at least {loss.at_least:.4g} expected of {loss.rows} rows"
    return _beyond("estimated_loss", loss.at_least / loss.promised, LOSS_LIMIT, detail)


def psi_signal(answers: AnswerDrift | None, columns: Sequence[ColumnDrift], limit: float) -> Signal | None:
    """Return that a distribution moved further than *limit*: the one that moved most."""
    indices = {f"column {one.name}": one.psi for one in columns if one.psi is not None}
    if answers:
        indices["the answers"] = answers.psi
    if not indices:
        return None
    what = max(indices, key=lambda name: indices[name])
    return _beyond("psi", indices[what], limit, f"{what}: psi {indices[what]:.3g}, the limit is {limit:g}")


def _trained(model: ModelVersion, profile: Profile) -> dict[str, float]:
    """Return how often each class was in the training data; nothing where that is not known."""
    target = profile.column((model.inputs.get("target") or {}).get("name", ""))
    counts = {top.value: top.count for top in target.top} if target else {}
    found = {name: counts.get(name, 0) for name in map(spelled, model.inputs.get("classes") or ())}
    total = sum(found.values())
    return {name: count / total for name, count in found.items()} if total else {}


def _beyond(name: str, value: float, limit: float, detail: str) -> Signal | None:
    return Signal(name=name, value=value, limit=limit, detail=detail) if value > limit else None


def _mean(tally: Tally) -> tuple[float | None, float]:
    """Return the mean expectation, and its standard error."""
    count = tally.estimated
    if not count:
        return None, 0.0
    mean = tally.expected / count
    variance = max(tally.expected_squares / count - mean * mean, 0.0)
    return mean, math.sqrt(variance / count)


def _measured(metric: str, tally: Tally) -> tuple[int, float | None]:
    count, total = (
        (tally.scored, tally.log_loss) if metric == "log_loss" else (tally.measured, tally.absolute_error)
    )
    return count, total / count if count else None
