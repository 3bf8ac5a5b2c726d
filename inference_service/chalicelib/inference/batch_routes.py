"""The routes of batch predictions."""

from collections.abc import Callable
from typing import Any

import msgspec
from chalice.app import Response
from chalicelib.inference import batch_views
from chalicelib.inference.batch_rows import ENDED
from chalicelib.inference.workflow import batches
from chalicelib.inference.workflow.batches import Batching

from shared.http.api import Api
from shared.http.idempotency import wish_of
from shared.http.request import Request

_PATH = "/v1/batch-predictions/{pipeline}"


def register(api: Api, adapters: Callable[[], Batching]) -> None:
    """Add the routes to *api*; *adapters* is asked when the first request comes."""

    @api.route(
        "POST",
        _PATH,
        scope="predict",
        body=batch_views.NewBatch,
        response=batch_views.BatchView,
        status=202,
        idempotent=True,
    )
    def create_batch(request: Request, pipeline: str) -> Response:
        """Predict all records of a file with what is live: one that will be uploaded, or one in our data bucket."""
        wish = wish_of("POST", request)
        view = batches.create(adapters(), pipeline, request.body, request.caller.token_id, wish=wish)
        return _accepted(request.path, view)

    @api.route("GET", _PATH, scope="read", response=batch_views.BatchList)
    def list_batches(request: Request, pipeline: str) -> batch_views.BatchList:
        """List a pipeline's batches, newest first."""
        return batches.show_all(adapters(), pipeline, request.limit())

    @api.route("GET", _PATH + "/{id}", scope="read", response=batch_views.BatchView)
    def get_batch(_: Request, pipeline: str, id: str) -> batch_views.BatchView:
        """Say how far a batch is, with links to its result once it is there."""
        return batches.show(adapters(), pipeline, id)

    _register_steps(api, adapters)


def _register_steps(api: Api, adapters: Callable[[], Batching]) -> None:
    """Add what moves a batch that is there."""

    @api.route(
        "POST",
        _PATH + "/{id}/start",
        scope="predict",
        response=batch_views.BatchView,
        status=202,
        idempotent=True,
    )
    def start_batch(request: Request, pipeline: str, id: str) -> Response:
        """Begin with a batch whose file was uploaded; one that has begun goes on."""
        view = batches.start(adapters(), pipeline, id)
        return _accepted(request.path.removesuffix(f"/{id}/start"), view)

    @api.route(
        "POST",
        _PATH + "/{id}/stop",
        scope="predict",
        response=batch_views.BatchView,
        status=202,
        idempotent=True,
    )
    def stop_batch(request: Request, pipeline: str, id: str) -> Response:
        """Stop a batch, and the transform job that works for it: 200 where it has ended already."""
        view = batches.stop(adapters(), pipeline, id)
        return _accepted(request.path.removesuffix(f"/{id}/stop"), view)


def _accepted(path: str, view: batch_views.BatchView) -> Response:
    # The path as clients know it: the API's own stage name in it is CloudFront's business.
    location = f"{path[path.index('/v1/') :]}/{view.id}"
    headers: dict[str, Any] = {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Location": location,
    }
    return Response(msgspec.json.encode(view).decode(), headers, 200 if view.state in ENDED else 202)
