"""Endpoints, releases and predictions of Headrace: the routes and event handlers of the inference service."""

import os
from typing import Any

import msgspec
from chalice.app import Chalice, Response
from chalicelib.inference import (
    attempts,
    batch_routes,
    drift_views,
    exchange,
    formats,
    naming,
    oip_routes,
    truth_views,
    views,
)
from chalicelib.inference.batch_invocations import BatchOrder
from chalicelib.inference.settings import Settings
from chalicelib.inference.wiring import Wiring, logger
from chalicelib.inference.workflow import (
    batch_work,
    batches,
    deleting,
    monitoring,
    observing,
    predicting,
    reading,
    requests,
    rollout,
    tidying,
    truth,
    writing,
)

from shared import log, metrics
from shared.events import ModelVersionApproved, PipelineDeleted, source
from shared.http.api import Api
from shared.http.authorizer import register_authorizer
from shared.http.middleware import guard
from shared.http.request import Request

app = Chalice(app_name="headrace-inference")
settings = Settings.from_env(os.environ)
wiring = Wiring(settings)
guard(app, lambda: wiring.origin_secret.values())  # noqa: PLW0108 - the client is made at the first request
bearer = register_authorizer(app, lambda: wiring.tokens)
api = Api(app, bearer, logger, lambda: wiring.replies)

batch_routes.register(api, lambda: wiring.batching)
oip_routes.register(api, lambda: wiring.predicting, lambda: wiring.releasing)
# What the slowest portion of a batch takes, with all retries.
LAST_MS = 120_000

APPROVALS = {
    "source": [source(settings.stage, "training")],
    "detail-type": [ModelVersionApproved.__name__],
}
DELETIONS = {
    "source": [source(settings.stage, "ingest")],
    "detail-type": [PipelineDeleted.__name__],
}
ENDPOINT_CHANGES = {
    "source": ["aws.sagemaker"],
    "detail-type": ["SageMaker Endpoint State Change"],
    "detail": {"EndpointName": [{"prefix": naming.stage_prefix(settings.stage)}]},
}
TRANSFORM_ENDS = {
    "source": ["aws.sagemaker"],
    "detail-type": ["SageMaker Transform Job State Change"],
    "detail": {
        "TransformJobName": [{"prefix": naming.stage_prefix(settings.stage)}],
        "TransformJobStatus": ["Completed", "Failed", "Stopped"],
    },
}


@app.on_cw_event(APPROVALS, name="on_model_version_approved")
def on_model_version_approved(event: Any) -> None:
    """Release an approved model version."""
    approved = ModelVersionApproved.from_detail(event.detail)
    correlation_id = event.detail.get("metadata", {}).get("correlation_id", "")
    log.start(correlation_id=correlation_id, pipeline=approved.pipeline, version=approved.version)
    requests.on_model_approved(wiring.releasing, approved)


@app.on_cw_event(DELETIONS, name="on_pipeline_deleted")
def on_pipeline_deleted(event: Any) -> None:
    """A pipeline is gone: say that nothing of it serves any more."""
    deleted = PipelineDeleted.from_detail(event.detail)
    log.start(pipeline=deleted.pipeline)
    deleting.take_down(wiring.releasing, deleted.pipeline)


@app.on_cw_event(ENDPOINT_CHANGES, name="on_endpoint_state_change")
def on_endpoint_state_change(event: Any) -> None:
    """Go on with the release that waits for an endpoint; what the event says is asked of SageMaker again."""
    name = str(event.detail.get("EndpointName", ""))
    log.start(endpoint=name)
    rollout.on_endpoint_changed(wiring.releasing, name)


@app.on_cw_event(TRANSFORM_ENDS, name="on_transform_job_state_change")
def on_transform_job_state_change(event: Any) -> None:
    """Go on with the batch that waits for a transform job; how the job ended is asked of SageMaker again."""
    log.start(transform_job=str(event.detail.get("TransformJobName", "")))
    batch_work.on_job_ended(wiring.batching, event.detail)


@app.schedule("rate(1 minute)", name="reconcile")
def reconcile(event: Any) -> None:
    """Go on with what was left, hear what was lost, delete what serves nobody."""
    log.start(scheduled_at=str(event.time))
    # First, so that those of deleted pipelines end as stopped, not for want of an endpoint.
    batches.stop_deleted(wiring.batching)
    tidying.reconcile(wiring.releasing)
    batch_work.go_on(wiring.batching)
    metrics.tell_alive(settings.stage, "inference")


@app.schedule("rate(1 minute)", name="monitor")
def monitor(event: Any) -> None:
    """Look at the drift of each pipeline whose time has come."""
    log.start(scheduled_at=str(event.time))
    monitoring.check_all(wiring.monitoring)


@app.lambda_function(name="shadow")
def shadow(event: Any, _: Any) -> None:
    """Put a copy of an answered request to the shadow of its pipeline."""
    copy = attempts.copy_of(event)
    log.start(pipeline=copy.pipeline, version=copy.version, request_id=copy.request_id)
    observing.observe(wiring.predicting, copy)


@app.lambda_function(name="prediction_log")
def write_prediction_log(event: Any, _: Any) -> None:
    """Bring lines of this service's log that tell of predictions into the table."""
    log.start()
    writing.write(wiring.logging, writing.messages_of(event))


@app.lambda_function(name="batch")
def work_on_batch(event: Any, context: Any) -> None:
    """Work on a batch until it has ended or the time is nearly over."""
    order = msgspec.convert(event, BatchOrder)
    log.start(pipeline=order.pipeline, batch=order.id)
    batch_work.work(
        wiring.batching, order.pipeline, order.id, lambda: context.get_remaining_time_in_millis() > LAST_MS
    )


@api.route("GET", "/v1/health", scope=None, response=views.Health)
def get_health(_: Request) -> views.Health:
    """Say that the service answers."""
    return views.Health(stage=settings.stage)


@api.route("GET", "/v1/endpoints", scope="read", response=views.EndpointList)
def list_endpoints(request: Request) -> views.EndpointList:
    """List what serves, of all pipelines the token may see."""
    return reading.list_endpoints(wiring.releasing, request.caller)


@api.route("GET", "/v1/endpoints/{pipeline}", scope="read", response=views.EndpointView)
def get_endpoint(_: Request, pipeline: str) -> views.EndpointView:
    """Say what serves a pipeline and what is on its way."""
    return reading.get_endpoint(wiring.releasing, pipeline)


@api.route(
    "GET",
    "/v1/endpoints/{pipeline}/history",
    scope="read",
    response=views.History,
    query={"at": "what was live at this time (RFC 3339)", "limit": "entries, 1 to 200"},
)
def get_history(request: Request, pipeline: str) -> views.History:
    """List every change of what serves and of what is released, newest first."""
    return reading.get_history(wiring.releasing, pipeline, request.query.get("at"), request.limit())


@api.route(
    "POST",
    "/v1/endpoints/{pipeline}/promote",
    scope="operate",
    body=views.PromoteRequest,
    response=views.EndpointView,
    status=202,
    idempotent=True,
)
def promote(request: Request, pipeline: str) -> Response:
    """Make an approved model version live; 202 while it is on its way."""
    wish = exchange.promotion_of(request, wiring.releasing.clock)
    release = requests.promote(
        wiring.releasing, pipeline, request.body.version, wish, force=request.body.force
    )
    return exchange.accepted(reading.view_of(wiring.releasing, release))


@api.route(
    "POST",
    "/v1/endpoints/{pipeline}/rollback",
    scope="operate",
    reads=views.ReasonRequest,
    response=views.EndpointView,
    idempotent=True,
)
def roll_back(request: Request, pipeline: str) -> Response:
    """Go back to the version before: 200 if it serves now, 202 while its endpoint is made again."""
    wish = exchange.wish_of(request, wiring.releasing.clock)
    release = requests.roll_back(wiring.releasing, pipeline, wish)
    return exchange.accepted(reading.view_of(wiring.releasing, release))


@api.route(
    "POST",
    "/v1/endpoints/{pipeline}/stop",
    scope="operate",
    reads=views.ReasonRequest,
    response=views.EndpointView,
    idempotent=True,
)
def stop_release(request: Request, pipeline: str) -> Response:
    """Give up what is being released; what is live stays so."""
    wish = exchange.wish_of(request, wiring.releasing.clock)
    release = requests.stop(wiring.releasing, pipeline, wish)
    return exchange.accepted(reading.view_of(wiring.releasing, release))


@api.route(
    "POST",
    "/v1/predictions/{pipeline}",
    scope="predict",
    reads=views.PredictionBody,
    response=views.Predictions,
    content_types=formats.CONTENT_TYPES,
    response_types=exchange.ANSWER_TYPES,
    query={
        "version": "ask this model version",
        "routing_key": "for CSV and NDJSON bodies",
        "on_error": "`row`: answer the good records and say in place what is wrong with the others",
        "unseen": "`refuse`: categories that training did not see are errors",
    },
)
def predict(request: Request, pipeline: str) -> Response:
    """Answer records with the live model version."""
    wanted = exchange.wanted_type(request)
    answered = predicting.predict(wiring.predicting, exchange.asked_of(request, pipeline))
    return exchange.predicted(answered, wanted)


@api.route("GET", "/v1/predictions/{pipeline}/{id}", scope="read", response=views.Provenance)
def get_prediction(_: Request, pipeline: str, id: str) -> views.Provenance:
    """Return one prediction with the model, job and data it came from."""
    return predicting.find_prediction(wiring.predicting, pipeline, id)


@api.route(
    "POST",
    "/v1/ground-truth/{pipeline}",
    scope="predict",
    body=truth_views.GroundTruth,
    response=truth_views.LabelResults,
)
def add_ground_truth(request: Request, pipeline: str) -> truth_views.LabelResults:
    """Take the truth about predictions by their ids; late, repeated and early labels are fine."""
    return truth.take(wiring.logging, pipeline, request.body.labels)


@api.route(
    "GET",
    "/v1/endpoints/{pipeline}/metrics",
    scope="read",
    response=truth_views.EndpointMetrics,
    query={"window": "such as 15m, 1h (the default) or 7d, at most 30d; in steps of five minutes"},
)
def get_metrics(request: Request, pipeline: str) -> truth_views.EndpointMetrics:
    """Return requests, errors, latency and, as far as labels came, quality of each version in a window."""
    return truth.measure(wiring.logging, pipeline, request.query.get("window"))


@api.route(
    "GET",
    "/v1/endpoints/{pipeline}/drift",
    scope="read",
    response=drift_views.DriftView,
    query={"window": "such as 15m, 1h or 7d, at most 30d; what the pipeline's monitor takes if absent"},
)
def get_drift(request: Request, pipeline: str) -> drift_views.DriftView:
    """Return how far what is asked and answered is from training, and whether that is an alarm."""
    return monitoring.show(wiring.monitoring, pipeline, request.query.get("window"))
