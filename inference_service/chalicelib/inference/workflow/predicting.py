"""One prediction request: route, check, ask, record; and its record read again."""

import msgspec
from chalicelib.inference.answers import split_prediction_id
from chalicelib.inference.laps import Laps
from chalicelib.inference.truth_views import label_view
from chalicelib.inference.views import Predictions, Provenance, predictions_view
from chalicelib.inference.workflow.answering import answer
from chalicelib.inference.workflow.context import Asked, Predicting
from chalicelib.inference.workflow.recording import record

from shared.errors import NotFound


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
    record(adapters, asked, attempt)
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
    if parts is None:
        raise missing
    request_id, row = parts
    known = adapters.records.find(request_id)
    logged = known.logged
    place = logged.place(row) if logged else None
    if logged is None or place is None or logged.about.pipeline != pipeline:
        raise missing
    about = logged.about
    served = adapters.router.served(pipeline, about.model_version)
    captured = adapters.inputs.captured(pipeline, request_id) if about.inputs == "full" else None
    label = known.labels.get(row)
    answer = logged.predictions[place]
    return Provenance(
        id=text,
        pipeline=pipeline,
        record=captured[place] if captured and place < len(captured) else None,
        inputs=about.inputs,
        input_hash=logged.hashes[place] if place < len(logged.hashes) else None,
        value=answer.value,
        scores=answer.scores,
        interval=answer.interval,
        points=answer.points,
        items=answer.items,
        model_version=served.version,
        job_id=served.job_id,
        dataset_versions=served.dataset_versions,
        endpoint=about.endpoint,
        at=about.at,
        latency_ms=about.latency_ms,
        label=label_view(label) if label and label.pipeline == pipeline else None,
    )
