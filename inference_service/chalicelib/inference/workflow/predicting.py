"""One prediction request: route, check, ask, record; and its record read again."""

from datetime import timedelta

import msgspec
from chalicelib.inference.answers import split_prediction_id
from chalicelib.inference.attempts import Attempt
from chalicelib.inference.laps import Laps
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.views import Predictions, Provenance, predictions_view
from chalicelib.inference.workflow.answering import answer
from chalicelib.inference.workflow.context import Asked, Predicting

from shared.clock import to_text
from shared.entities.serving import PredictionLog
from shared.errors import NotFound, QuotaExceeded, Unavailable


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
    attempt = answer(adapters, asked, laps)
    _record(adapters, asked, attempt)
    adapters.copies.finish()
    laps.end("log")
    shown = predictions_view(asked.request_id, attempt.version, attempt.answers, attempt.fitted)
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


def _place(about: PredictionLog, row: int, count: int) -> int | None:
    """Return where the answer to a request's *row* stands, None where it was not answered."""
    if about.places is None:
        return row if row < count else None
    return about.places.index(row) if row in about.places else None


def _record(adapters: Predicting, asked: Asked, attempt: Attempt) -> None:
    """Write the request down; a prediction that was made is answered even where that fails."""
    now = adapters.clock()
    fitted, answers = attempt.fitted, attempt.answers
    about = PredictionLog(
        request_id=asked.request_id,
        chunk=0,
        first_row=0,
        row_count=len(answers),
        pipeline=asked.pipeline,
        model_version=attempt.version,
        endpoint=endpoint_name(adapters.stage, asked.pipeline, attempt.version),
        at=to_text(now),
        expires_at_s=int((now + timedelta(days=adapters.ttl_days)).timestamp()),
        latency_ms=round(attempt.latency_ms, 3),
        places=None if fitted.places is None else tuple(fitted.places),
        body=b"",
    )
    try:
        adapters.recorder.write(about, fitted.records, answers)
    except (Unavailable, QuotaExceeded):
        adapters.log.exception("prediction not recorded")
