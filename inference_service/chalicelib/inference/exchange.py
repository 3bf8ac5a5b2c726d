"""Between HTTP and the workflows: what a request asks for, and the answer's status and format."""

from typing import Any

import msgspec
from chalice.app import Response
from chalicelib.inference.formats import CSV, read_request
from chalicelib.inference.states import Request as Wish
from chalicelib.inference.tables import to_csv
from chalicelib.inference.views import EndpointView, Predictions, PromoteRequest, ReasonRequest
from chalicelib.inference.workflow.context import Asked

from shared.clock import Clock
from shared.errors import FieldError, InvalidBody, PayloadTooLarge
from shared.http.api import MAX_BODY_BYTES
from shared.http.request import Request
from shared.parsing import decode

MAX_KEY_LENGTH = 256


def promotion_of(request: Request, clock: Clock) -> Wish:
    """Return who wants a promotion and why.

    Raises
    ------
    InvalidBody
        It is forced without a reason.
    """
    body: PromoteRequest = request.body
    if body.force and body.reason is None:
        wrong = FieldError(pointer="/reason", detail="is required with force: it goes into the history")
        raise InvalidBody("/reason is required with force", (wrong,))
    return _wish(request, body.reason or f"promote {body.version}", clock)


def wish_of(request: Request, clock: Clock) -> Wish:
    """Return who wants a rollback or a stop and why; in a hurry, the body may be empty."""
    body = decode(request.raw_body or b"{}", ReasonRequest)
    return _wish(request, body.reason or request.path.rpartition("/")[2], clock)


def asked_of(request: Request, pipeline: str) -> Asked:
    """Return what is to be predicted."""
    key = request.query.get("routing_key")
    return Asked(
        request_id=request.id,
        pipeline=pipeline,
        records=read_request(
            request.raw_body, request.headers.get("content-type", ""), key[:MAX_KEY_LENGTH] if key else None
        ),
        version=request.query.get("version"),
    )


def accepted(view: EndpointView) -> Response:
    """Answer 200 with what has happened, 202 with what is still on its way."""
    return _json(view, 202 if view.candidate else 200)


def predicted(answers: Predictions, accept: str) -> Response:
    """Answer in JSON, or in CSV to who asks for it."""
    if CSV not in accept.lower():
        return _within_limit(_json(answers, 200))
    headers: dict[str, Any] = {
        "Content-Type": f"{CSV}; charset=utf-8",
        "Cache-Control": "no-store",
        "X-Model-Version": answers.model_version,
    }
    return _within_limit(Response(to_csv(answers.predictions), headers, 200))


def _within_limit(response: Response) -> Response:
    # Many records of a model with many classes; Lambda would cut such an answer off with a 502.
    size = len(response.body.encode())
    if size > MAX_BODY_BYTES:
        raise PayloadTooLarge(
            f"the answer has {size} bytes; the limit is {MAX_BODY_BYTES}, send fewer records"
        )
    return response


def _wish(request: Request, why: str, clock: Clock) -> Wish:
    return Wish(who=request.caller.token_id, why=why, at=clock())


def _json(body: msgspec.Struct, status: int) -> Response:
    headers: dict[str, Any] = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(msgspec.json.encode(body).decode(), headers, status)
