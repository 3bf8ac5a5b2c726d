"""One prediction request: route, check, ask, record; and its record read again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from chalicelib.inference.answers import Answer, split_prediction_id
from chalicelib.inference.fitting import Fitted, Rules, fit
from chalicelib.inference.formats import Records
from chalicelib.inference.laps import Laps
from chalicelib.inference.naming import endpoint_name, is_version
from chalicelib.inference.ports import Recorder, Runtime
from chalicelib.inference.routing import choose
from chalicelib.inference.views import Predictions, Provenance, predictions_view

from shared import metrics
from shared.clock import Clock, to_text
from shared.entities.serving import PredictionLog
from shared.errors import (
    BadGateway,
    Conflict,
    HeadraceError,
    InvalidRequest,
    NotFound,
    QuotaExceeded,
    TimedOut,
    Unavailable,
)
from shared.readers import Pipelines

# Within it a second try, at worst as slow as the client allows one to be, still ends before API Gateway's 29 s.
RETRY_WITHIN_S = 2.0
RETRY_PAUSE_S = 0.1


class Predicting(msgspec.Struct, frozen=True, kw_only=True):
    """The adapters of the prediction routes; ``draw`` gives a uniform number from [0, 1), ``pause`` waits seconds."""

    stage: str
    ttl_days: int
    pipelines: Pipelines
    router: Any
    runtime: Runtime
    recorder: Recorder
    records: Any
    clock: Clock
    draw: Callable[[], float]
    pause: Callable[[float], None]
    seconds: Callable[[], float]
    log: Any


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request: its id, the records as they came, how they are judged, and the version the caller insists on."""

    request_id: str
    pipeline: str
    records: Records
    rules: Rules = Rules()
    version: str | None = None


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """The answers, and how long each hop took (``Server-Timing``)."""

    predictions: Predictions
    timing: str


def predict(adapters: Predicting, asked: Asked) -> Answered:
    """Answer the records with the version that the release routes them to.

    Raises
    ------
    NotFound
        There is no such pipeline or version.
    Conflict
        Nothing is live yet, or the wanted version has no endpoint now.
    InvalidBody
        The records do not fit the model's inputs.
    BadGateway, TimedOut, Unavailable
        The endpoint failed, was too slow, or throttles.
    """
    laps = Laps(adapters.seconds)
    served = adapters.router.served(asked.pipeline, _version(adapters, asked))
    laps.end("route")
    rows = 0
    failed = False
    try:
        fitted = fit(asked.records, served.validator, asked.rules)
        rows = fitted.count
        laps.end("validate")
        answers = _ask(adapters, asked, served.version, fitted)
        laps.end("endpoint")
        _record(adapters, asked, served.version, fitted, answers, laps.total_ms())
        laps.end("log")
    except HeadraceError as error:
        failed = error.status >= 500
        raise
    finally:
        _measure(adapters, asked, served.version, rows, failed, laps.total_ms())
    shown = predictions_view(asked.request_id, served.version, answers, fitted)
    return Answered(predictions=shown, timing=laps.header())


def find_prediction(adapters: Predicting, pipeline: str, text: str) -> Provenance:
    """Return one prediction with where it came from.

    Raises
    ------
    NotFound
        No such prediction of this pipeline is on record (any more).
    """
    missing = NotFound(f"pipeline {pipeline!r} has no prediction {text[:80]!r} on record")
    parts = split_prediction_id(text)
    logged = adapters.records.find(parts[0]) if parts else None
    if parts is None or logged is None or logged.about.pipeline != pipeline:
        raise missing
    row = _place(logged.about, parts[1], len(logged.predictions))
    if row is None:
        raise missing
    served = adapters.router.served(pipeline, logged.about.model_version)
    answer = logged.predictions[row]
    return Provenance(
        id=text,
        pipeline=pipeline,
        record=logged.records[row],
        value=answer.value,
        scores=answer.scores,
        interval=answer.interval,
        points=answer.points,
        items=answer.items,
        model_version=served.version,
        job_id=served.job_id,
        dataset_versions=served.dataset_versions,
        endpoint=logged.about.endpoint,
        at=logged.about.at,
    )


def _version(adapters: Predicting, asked: Asked) -> str:
    """Return the version that shall answer."""
    if asked.version is not None:
        if not is_version(asked.version):
            raise InvalidRequest(f"version={asked.version[:20]!r} is not spelled like v3")
        return asked.version
    # No check that the pipeline exists before: that would cost a read for every prediction.
    release = adapters.router.release(asked.pipeline)
    chosen = choose(release, asked.records.routing_key, adapters.draw()) if release else None
    if chosen is None:
        adapters.pipelines.get(asked.pipeline)
        raise Conflict(
            f"nothing is live yet: pipeline {asked.pipeline!r} has not released a model version; "
            f"GET /v1/endpoints/{asked.pipeline} says how far it is"
        )
    return chosen


def _place(about: PredictionLog, row: int, count: int) -> int | None:
    """Return where the answer to a request's *row* stands, None where it was not answered."""
    if about.places is None:
        return row if row < count else None
    return about.places.index(row) if row in about.places else None


def _ask(adapters: Predicting, asked: Asked, version: str, fitted: Fitted) -> list[Answer]:
    name = endpoint_name(adapters.stage, asked.pipeline, version)
    began = adapters.seconds()
    try:
        return _invoke(adapters, asked, version, name, fitted)
    except (BadGateway, TimedOut):
        # The records reached the model: they would fail or take as long once more.
        raise
    except Unavailable:
        if adapters.seconds() - began > RETRY_WITHIN_S:
            raise
    # Throttled, or a connection that broke: a prediction changes nothing, so it may be asked for twice.
    adapters.pause(RETRY_PAUSE_S * (0.5 + adapters.draw()))
    return _invoke(adapters, asked, version, name, fitted)


def _invoke(adapters: Predicting, asked: Asked, version: str, endpoint: str, fitted: Fitted) -> list[Answer]:
    try:
        return adapters.runtime.invoke(endpoint, fitted.records, fitted.count)
    except NotFound:
        if asked.version is None:
            # Live by the row, absent at SageMaker: the reconciler or a person must look, the caller may retry.
            raise Unavailable(
                f"{version} of {asked.pipeline} is live but its endpoint is not there"
            ) from None
        raise Conflict(f"{version} of pipeline {asked.pipeline!r} has no endpoint in service now") from None


def _record(
    adapters: Predicting,
    asked: Asked,
    version: str,
    fitted: Fitted,
    answers: list[Answer],
    latency_ms: float,
) -> None:
    """Write the request down; a prediction that was made is answered even where that fails."""
    now = adapters.clock()
    about = PredictionLog(
        request_id=asked.request_id,
        chunk=0,
        first_row=0,
        row_count=len(answers),
        pipeline=asked.pipeline,
        model_version=version,
        endpoint=endpoint_name(adapters.stage, asked.pipeline, version),
        at=to_text(now),
        expires_at_s=int((now + timedelta(days=adapters.ttl_days)).timestamp()),
        latency_ms=round(latency_ms, 3),
        places=None if fitted.places is None else tuple(fitted.places),
        body=b"",
    )
    try:
        adapters.recorder.write(about, fitted.records, answers)
    except (Unavailable, QuotaExceeded):
        adapters.log.exception("prediction not recorded")


def _measure(
    adapters: Predicting, asked: Asked, version: str, rows: int, failed: bool, latency_ms: float
) -> None:
    metrics.emit(
        {
            "requests": (1, "Count"),
            "rows": (rows, "Count"),
            "latency_ms": (round(latency_ms, 3), "Milliseconds"),
            "errors": (int(failed), "Count"),
        },
        dimensions={"stage": adapters.stage, "pipeline": asked.pipeline, "service": "inference"},
        properties={"version": version, "request_id": asked.request_id},
    )
