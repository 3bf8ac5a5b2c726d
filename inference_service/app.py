"""Endpoints, releases and predictions of Headrace: the routes and event handlers of the inference service."""

import os
from collections.abc import Callable
from typing import Any

import msgspec
from chalice.app import Chalice, Response
from chalicelib.inference import (
    attempts,
    batch_routes,
    exchange,
    formats,
    naming,
    oip,
    truth_views,
    views,
)
from chalicelib.inference.batch_invocations import BatchOrder
from chalicelib.inference.settings import Settings
from chalicelib.inference.wiring import Wiring, logger
from chalicelib.inference.workflow import (
    batch_work,
    observing,
    predicting,
    reading,
    requests,
    rollout,
    serving,
    tidying,
    truth,
    writing,
)

from shared import log, metrics
from shared.events import ModelVersionApproved, source
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
# What the slowest portion of a batch takes, with all retries.
LAST_MS = 120_000

APPROVALS = {
    "source": [source(settings.stage, "training")],
    "detail-type": [ModelVersionApproved.__name__],
}
ENDPOINT_CHANGES = {
    "source": ["aws.sagemaker"],
    "detail-type": ["SageMaker Endpoint State Change"],
    "detail": {"EndpointName": [{"prefix": naming.stage_prefix(settings.stage)}]},
}


@app.on_cw_event(APPROVALS, name="on_model_version_approved")
def on_model_version_approved(event: Any) -> None:
    """Release an approved model version."""
    approved = ModelVersionApproved.from_detail(event.detail)
    correlation_id = event.detail.get("metadata", {}).get("correlation_id", "")
    log.start(correlation_id=correlation_id, pipeline=approved.pipeline, version=approved.version)
    requests.on_model_approved(wiring.releasing, approved)


@app.on_cw_event(ENDPOINT_CHANGES, name="on_endpoint_state_change")
def on_endpoint_state_change(event: Any) -> None:
    """Go on with the release that waits for an endpoint; what the event says is asked of SageMaker again."""
    name = str(event.detail.get("EndpointName", ""))
    log.start(endpoint=name)
    rollout.on_endpoint_changed(wiring.releasing, name)


@app.schedule("rate(1 minute)", name="reconcile")
def reconcile(event: Any) -> None:
    """Go on with what was left, hear what was lost, delete what serves nobody."""
    log.start(scheduled_at=str(event.time))
    tidying.reconcile(wiring.releasing)
    batch_work.go_on(wiring.batching)
    metrics.tell_alive(settings.stage, "inference")


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


@api.route("GET", "/v2", scope="predict", response=oip.ServerMetadata)
def get_server(_: Request) -> oip.ServerMetadata:
    """Say what this server of the Open Inference Protocol is."""
    return oip.ServerMetadata()


@api.route("GET", "/v2/health/live", scope="predict", response=oip.ServerLive)
def get_server_live(_: Request) -> oip.ServerLive:
    """Say that the server answers."""
    return oip.ServerLive()


@api.route("GET", "/v2/health/ready", scope="predict", response=oip.ServerReady)
def get_server_ready(_: Request) -> oip.ServerReady:
    """Say that the server takes requests."""
    return oip.ServerReady()


def _on_model_and_version(
    method: str, action: str, **documented: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a view under both addresses of a model: of what is live, and of one version."""

    def register(view: Callable[..., Any]) -> Callable[..., Any]:
        name, path = view.__name__, "/v2/models/{pipeline}"
        api.route(method, path + action, scope="predict", **documented)(view)
        path += "/versions/{version}"
        api.route(method, path + action, scope="predict", name=f"{name}_version", **documented)(view)
        return view

    return register


@_on_model_and_version("GET", "", response=oip.ModelMetadata)
def get_served_model(_: Request, pipeline: str, version: str | None = None) -> oip.ModelMetadata:
    """Say which tensors a pipeline's model takes and answers."""
    return serving.describe(wiring.predicting, pipeline, version)


@_on_model_and_version("GET", "/ready", response=oip.ModelReady)
def get_served_model_ready(_: Request, pipeline: str, version: str | None = None) -> oip.ModelReady:
    """Say that a pipeline's model answers; 409 while it does not."""
    endpoints = wiring.releasing.endpoints
    return serving.check_ready(wiring.predicting, endpoints, pipeline, version)


@_on_model_and_version("POST", "/infer", reads=oip.InferRequest, response=oip.InferResponse)
def infer(request: Request, pipeline: str, version: str | None = None) -> oip.InferResponse:
    """Answer tensors (JSON) with a pipeline's model."""
    asked = oip.read_infer(request)
    return serving.infer(wiring.predicting, request.id, pipeline, version, asked)
