"""One prediction request: route, check, ask, record; and its record read again."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
from chalicelib.inference.answers import Answer, prediction_id, split_prediction_id
from chalicelib.inference.formats import Records, to_json
from chalicelib.inference.naming import endpoint_name, is_version
from chalicelib.inference.ports import Runtime
from chalicelib.inference.routing import choose
from chalicelib.inference.views import Predictions, Provenance, prediction_view

from shared import metrics
from shared.clock import Clock, to_text
from shared.entities.serving import PredictionLog
from shared.errors import Conflict, HeadraceError, InvalidRequest, NotFound, QuotaExceeded, Unavailable
from shared.readers import Pipelines


class Predicting(msgspec.Struct, frozen=True, kw_only=True):
    """The adapters of the prediction routes; ``draw`` gives a uniform number from [0, 1)."""

    stage: str
    ttl_days: int
    pipelines: Pipelines
    router: Any
    runtime: Runtime
    records: Any
    clock: Clock
    draw: Callable[[], float]
    log: Any


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One request: its id, the records as they came, and the version the caller insists on."""

    request_id: str
    pipeline: str
    records: Records
    version: str | None = None


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
    served = adapters.router.served(asked.pipeline, _version(adapters, asked))
    began = time.perf_counter()
    rows = 0
    failed = False
    try:
        records = to_json(asked.records, served.validator.inputs)
        rows = served.validator.check(records)
        answers = _ask(adapters, asked, served.version, records, rows)
        latency_ms = (time.perf_counter() - began) * 1000
        _record(adapters, asked, served.version, records, answers, latency_ms)
    except HeadraceError as error:
        failed = error.status >= 500
        raise
    finally:
        _measure(adapters, asked, served.version, rows, failed, (time.perf_counter() - began) * 1000)
    return Predictions(
        model_version=served.version,
        predictions=[
            prediction_view(prediction_id(asked.request_id, row), answer)
            for row, answer in enumerate(answers)
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


def _ask(adapters: Predicting, asked: Asked, version: str, records: bytes, rows: int) -> list[Answer]:
    try:
        return adapters.runtime.invoke(endpoint_name(adapters.stage, asked.pipeline, version), records, rows)
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
    records: bytes,
    answers: list[Answer],
    latency_ms: float,
) -> None:
    """Write the request to the log; a prediction that was made is answered even where that fails."""
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
        body=b"",
    )
    try:
        adapters.records.write(about, records, answers)
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
