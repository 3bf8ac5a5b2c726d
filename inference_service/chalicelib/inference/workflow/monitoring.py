"""Drift of what is live: measured when somebody asks, looked at as often as the pipeline wants, told while it is an alarm.

sums of the window: what the answers expect, what labels measured; captured records, a sample, beside the training data's profile;
verdict by the pipeline's ``monitor``; event, row, metrics.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
from chalicelib.inference import drifting
from chalicelib.inference.checks import Check
from chalicelib.inference.drift_index import Profile
from chalicelib.inference.drift_views import DriftView
from chalicelib.inference.drifting import MIN_ROWS, Signal
from chalicelib.inference.tally import Tally
from chalicelib.inference.verdict import age_s
from chalicelib.inference.windows import begin_of_slot
from chalicelib.inference.workflow.truth import window_seconds

from shared import metrics
from shared.clock import Clock, to_text
from shared.entities.monitoring import Monitor, psi_limit
from shared.entities.pipeline import seconds
from shared.entities.training import ModelVersion
from shared.events import DriftDetected
from shared.readers import Models, Pipelines

# Where `every` saw too few rows: what is rarely asked is judged over a longer time, and not at all by less.
_LONGER_S = (86_400, 7 * 86_400, 30 * 86_400)
_REQUESTS, _RECORDS, _AT_A_TIME = 200, 10_000, 8


class Monitoring(msgspec.Struct, frozen=True, kw_only=True):
    """The adapters of the monitor."""

    stage: str
    pipelines: Pipelines
    models: Models
    releases: Any
    windows: Any
    inputs: Any
    baselines: Any
    checks: Any
    bus: Any
    clock: Clock
    log: Any


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A version in a window."""

    model: ModelVersion
    since: datetime
    until: datetime
    tally: Tally


def show(adapters: Monitoring, pipeline: str, window: str | None) -> DriftView:
    """Return the drift of what is live over *window*, such as 1h; over what the pipeline's monitor takes where it is None.

    Raises
    ------
    NotFound
        There is no such pipeline.
    InvalidRequest
        The window is not spelled so.
    """
    asked_s = window_seconds(window) if window else None
    return _measure(adapters, pipeline, asked_s)[0]


def check_all(adapters: Monitoring) -> None:
    """Look at each pipeline whose time has come."""
    for pipeline in adapters.pipelines.names():
        try:
            check(adapters, pipeline)
        # A supervisor: what goes wrong with one pipeline stays with it, the next minute looks again.
        except Exception:
            adapters.log.exception("drift not looked at", extra={"pipeline": pipeline})


def check(adapters: Monitoring, pipeline: str) -> None:
    """Look at a pipeline if its time has come, and tell of an alarm, again at each look while it lasts."""
    release = adapters.releases.current(pipeline)
    if release is None or release.live is None:
        return
    now, last = adapters.clock(), adapters.checks.last(pipeline)
    monitor = adapters.pipelines.definition(pipeline).monitor
    if last is None or last.version != release.live:
        last = Check(checked_at="", version=release.live)
    elif age_s(last.checked_at, now) < seconds(monitor.every):
        return
    view, signal = _measure(adapters, pipeline, None)
    _emit(adapters, view)
    if signal:
        _announce(adapters, view, signal)
    # Last: who crashed before it is looked after in a minute, and a fact told twice is one fact.
    adapters.checks.write(pipeline, _seen(view, last, to_text(now)))


def _seen(view: DriftView, last: Check, at: str) -> Check:
    """Return what is noted of a look."""
    since = (last.alarm_since or at) if view.alarm else None
    return Check(checked_at=at, version=last.version, alarm_since=since, because=view.because)


def _measure(adapters: Monitoring, pipeline: str, window_s: int | None) -> tuple[DriftView, Signal | None]:
    monitor = adapters.pipelines.definition(pipeline).monitor
    now = adapters.clock()
    release = adapters.releases.current(pipeline)
    if release is None or release.live is None:
        return _nothing(pipeline, now, psi_limit(monitor.drift)), None
    model = adapters.models.get(pipeline, release.live)
    seen = _look(adapters, model, [window_s] if window_s else [seconds(monitor.every), *_LONGER_S])
    profile = adapters.baselines.of(model)
    return _judge(adapters, monitor, seen, profile)


def _look(adapters: Monitoring, model: ModelVersion, windows_s: list[int]) -> _Seen:
    """Return the first of the windows with rows enough, else the last."""
    now = adapters.clock()
    for window_s in windows_s:
        since = begin_of_slot(now - timedelta(seconds=window_s))
        tally = adapters.windows.tallies(model.pipeline, since, now).get(model.version, Tally())
        if tally.rows >= MIN_ROWS:
            break
    return _Seen(model=model, since=since, until=now, tally=tally)


def _judge(
    adapters: Monitoring, monitor: Monitor, seen: _Seen, profile: Profile | None
) -> tuple[DriftView, Signal | None]:
    limit = psi_limit(monitor.drift)
    loss = drifting.loss_of(seen.model, seen.tally)
    answers = drifting.answers_of(seen.model, seen.tally, profile) if profile else None
    records = _records(adapters, seen) if profile and monitor.inputs == "full" else []
    is_enough = len(records) >= MIN_ROWS
    columns = drifting.columns_of(seen.model, profile, records, limit) if profile and is_enough else []
    by_loss, by_psi = drifting.loss_signal(loss), drifting.psi_signal(answers, columns, limit)
    chosen = {"estimated_loss": by_loss, "drift": by_psi}.get(monitor.alarm_on)
    view = DriftView(
        pipeline=seen.model.pipeline,
        model_version=seen.model.version,
        since=to_text(seen.since),
        until=to_text(seen.until),
        rows=seen.tally.rows,
        alarm=chosen is not None,
        because=_because(monitor, chosen, by_psi, seen.tally.rows),
        limit=limit,
        loss=loss,
        answers=answers,
        columns=columns,
        sampled_rows=len(records),
        notes=_notes(monitor, profile, len(records), has_loss=loss is not None),
    )
    return view, chosen


def _because(monitor: Monitor, chosen: Signal | None, by_psi: Signal | None, rows: int) -> str:
    if chosen:
        return chosen.detail
    if rows < MIN_ROWS:
        return f"{rows} rows; a verdict takes {MIN_ROWS}"
    if by_psi and monitor.alarm_on == "estimated_loss":
        return f"{by_psi.detail}; no loss is above what was promised, so it is no alarm"
    return "nothing beyond its limit" if monitor.alarm_on != "nothing" else "the pipeline wants no alarm"


def _notes(monitor: Monitor, profile: Profile | None, records: int, *, has_loss: bool) -> list[str]:
    notes: list[str] = []
    if profile is None:
        notes.append("the profile of the training data is gone: no distribution can be compared")
    if monitor.inputs != "full":
        notes.append(
            f"monitor.inputs is {monitor.inputs}: columns are compared only where records are captured (full)"
        )
    elif records < MIN_ROWS:
        notes.append(f"{records} captured records in the window; columns are compared from {MIN_ROWS} on")
    if not has_loss:
        notes.append("answers of this task say nothing of the loss that they expect")
    return notes


def _records(adapters: Monitoring, seen: _Seen) -> list[dict[str, Any]]:
    """Return captured records of a sample of requests, the newest first."""
    model = seen.model
    ids = adapters.windows.sample(model.pipeline, model.version, seen.since, seen.until)
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        kept = pool.map(lambda one: adapters.inputs.captured(model.pipeline, one) or [], ids[:_REQUESTS])
        return list(islice((record for records in kept for record in records), _RECORDS))


def _nothing(pipeline: str, now: datetime, limit: float) -> DriftView:
    at = to_text(now)
    return DriftView(
        pipeline=pipeline,
        model_version=None,
        since=at,
        until=at,
        rows=0,
        alarm=False,
        because="nothing is live",
        limit=limit,
    )


def _announce(adapters: Monitoring, view: DriftView, signal: Signal) -> None:
    event = DriftDetected(
        pipeline=view.pipeline,
        version=str(view.model_version),
        signal=signal.name,
        value=round(signal.value, 4),
        limit=signal.limit,
        detail=signal.detail,
    )
    adapters.bus.announce(event)
    of_service = {"stage": adapters.stage, "service": "inference"}
    properties = {"pipeline": view.pipeline, "detail": signal.detail}
    metrics.emit({"DriftDetected": (1, "Count")}, dimensions=of_service, properties=properties)
    adapters.log.warning("drift", extra={"pipeline": view.pipeline, "because": signal.detail})


def _emit(adapters: Monitoring, view: DriftView) -> None:
    values: dict[str, tuple[float, str]] = {}
    indices = [one.psi for one in view.columns if one.psi is not None]
    if view.answers:
        indices.append(view.answers.psi)
    if indices:
        values["drift_psi"] = (round(max(indices), 4), "None")
    if view.loss and view.loss.estimated is not None:
        values["estimated_loss_ratio"] = (round(view.loss.estimated / view.loss.promised, 4), "None")
    if values:
        dimensions = {"stage": adapters.stage, "pipeline": view.pipeline, "service": "inference"}
        metrics.emit(values, dimensions=dimensions, properties={"version": view.model_version})
