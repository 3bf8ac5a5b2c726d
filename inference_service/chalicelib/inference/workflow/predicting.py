"""One prediction request: route, check, ask, record; and its record read again."""

from datetime import timedelta

from chalicelib.inference.answers import prediction_id, split_prediction_id
from chalicelib.inference.attempts import Attempt
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.views import Predictions, Provenance, prediction_view
from chalicelib.inference.workflow.answering import answer
from chalicelib.inference.workflow.context import Asked, Predicting

from shared.clock import to_text
from shared.entities.serving import PredictionLog
from shared.errors import NotFound, QuotaExceeded, Unavailable


def predict(adapters: Predicting, asked: Asked) -> Predictions:
    """Answer the records with the version that the release routes them to.

    Raises
    ------
    NotFound
        There is no such pipeline or version.
    Conflict
        Nothing is live yet, or the wanted version has no endpoint now.
    InvalidBody
        The records do not fit the model's inputs.
    """
    answered, _, _ = answer(adapters, asked)
    _record(adapters, asked, answered)
    return Predictions(
        model_version=answered.version,
        predictions=[
            prediction_view(prediction_id(asked.request_id, row), one)
            for row, one in enumerate(answered.answers)
        ],
    )


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
    row = parts[1]
    if row >= len(logged.predictions):
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


def _record(adapters: Predicting, asked: Asked, answered: Attempt) -> None:
    """Write the request to the log; a prediction that was made is answered even where that fails."""
    now = adapters.clock()
    about = PredictionLog(
        request_id=asked.request_id,
        chunk=0,
        first_row=0,
        row_count=len(answered.answers),
        pipeline=asked.pipeline,
        model_version=answered.version,
        endpoint=endpoint_name(adapters.stage, asked.pipeline, answered.version),
        at=to_text(now),
        expires_at_s=int((now + timedelta(days=adapters.ttl_days)).timestamp()),
        latency_ms=round(answered.latency_ms, 3),
        body=b"",
    )
    try:
        adapters.records.write(about, answered.records, answered.answers)
    except (Unavailable, QuotaExceeded):
        adapters.log.exception("prediction not recorded")
