"""One prediction request: route, check, ask, record; and its record read again."""

from typing import Any

import msgspec
from chalicelib.inference.answers import split_prediction_id
from chalicelib.inference.labels import StoredLabel
from chalicelib.inference.laps import Laps
from chalicelib.inference.prediction_log import Logged
from chalicelib.inference.truth_views import label_view
from chalicelib.inference.views import Predictions, Provenance, predictions_view
from chalicelib.inference.workflow.answering import answer
from chalicelib.inference.workflow.context import Asked, Predicting
from chalicelib.inference.workflow.recording import record

from shared.entities.serving import PredictionLog
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
    logged, place, label = _on_record(adapters, pipeline, text)
    about = logged.about
    served = adapters.router.served(pipeline, about.model_version)
    answer = logged.predictions[place]
    return Provenance(
        id=text,
        pipeline=pipeline,
        record=_record(adapters, about, place),
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
        label=label_view(label) if label else None,
    )


def _on_record(adapters: Predicting, pipeline: str, text: str) -> tuple[Logged, int, StoredLabel | None]:
    """Return the request of the prediction id *text*, the place of its answer, and its label."""
    missing = NotFound(f"pipeline {pipeline!r} has no prediction {text[:80]!r} on record")
    parts = split_prediction_id(text)
    if parts is None:
        raise missing
    known = adapters.records.find(parts[0])
    place = known.logged.place(parts[1]) if known.logged else None
    if known.logged is None or place is None or known.logged.about.pipeline != pipeline:
        raise missing
    label = known.labels.get(parts[1])
    # What was told under another pipeline's name is nobody's label.
    return known.logged, place, label if label and label.pipeline == pipeline else None


def _record(adapters: Predicting, about: PredictionLog, place: int) -> dict[str, Any] | None:
    """Return the record of an answer, None where it was not captured."""
    if about.inputs != "full":
        return None
    captured = adapters.inputs.captured(about.pipeline, about.request_id)
    return captured[place] if captured and place < len(captured) else None
