"""The routes of KServe's Open Inference Protocol v2."""

from collections.abc import Callable
from typing import Any

from chalicelib.inference import oip
from chalicelib.inference.workflow import serving
from chalicelib.inference.workflow.context import Predicting, Releasing

from shared.http.api import Api
from shared.http.request import Request

_MODEL = "/v2/models/{pipeline}"


def register(api: Api, predicting: Callable[[], Predicting], releasing: Callable[[], Releasing]) -> None:
    """Add the routes to *api*; the adapters are asked for when the first request comes."""
    _register_server(api)

    @_on_model_and_version(api, "GET", "", response=oip.ModelMetadata)
    def get_served_model(_: Request, pipeline: str, version: str | None = None) -> oip.ModelMetadata:
        """Say which tensors a pipeline's model takes and answers."""
        return serving.describe(predicting(), pipeline, version)

    @_on_model_and_version(api, "GET", "/ready", response=oip.ModelReady)
    def get_served_model_ready(_: Request, pipeline: str, version: str | None = None) -> oip.ModelReady:
        """Say that a pipeline's model answers; 409 while it does not."""
        return serving.check_ready(predicting(), releasing().endpoints, pipeline, version)

    @_on_model_and_version(api, "POST", "/infer", reads=oip.InferRequest, response=oip.InferResponse)
    def infer(request: Request, pipeline: str, version: str | None = None) -> oip.InferResponse:
        """Answer tensors (JSON) with a pipeline's model."""
        return serving.infer(predicting(), request.id, pipeline, version, oip.read_infer(request))


def _register_server(api: Api) -> None:
    """Add what is said of the server itself."""

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
    api: Api, method: str, action: str, **documented: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a view under both addresses of a model: of what is live, and of one version."""

    def register_both(view: Callable[..., Any]) -> Callable[..., Any]:
        name = view.__name__
        api.route(method, _MODEL + action, scope="predict", **documented)(view)
        versioned = f"{_MODEL}/versions/{{version}}{action}"
        api.route(method, versioned, scope="predict", name=f"{name}_version", **documented)(view)
        return view

    return register_both
