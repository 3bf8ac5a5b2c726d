"""Between HTTP and the workflows: what a request asks for, and the answer's status and format."""

from collections.abc import Callable

import msgspec
from chalice.app import Response
from chalicelib.inference.fitting import Rules
from chalicelib.inference.formats import CSV, JSON, NDJSON, read_request
from chalicelib.inference.states import Request as Wish
from chalicelib.inference.tables import to_csv
from chalicelib.inference.views import EndpointView, Predictions, PromoteRequest, ReasonRequest
from chalicelib.inference.workflow.context import Asked
from chalicelib.inference.workflow.predicting import Answered

from shared.clock import Clock
from shared.errors import FieldError, InvalidBody, InvalidRequest, PayloadTooLarge
from shared.http.answer import json_answer, text_answer
from shared.http.api import MAX_BODY_BYTES
from shared.http.negotiation import negotiate
from shared.http.request import Request
from shared.parsing import decode

MAX_KEY_LENGTH = 256
ANSWER_TYPES = (JSON, CSV, NDJSON)
_ENCODERS: dict[str, Callable[[Predictions], bytes]] = {
    JSON: msgspec.json.encode,
    CSV: lambda predictions: to_csv(predictions.predictions).encode(),
    NDJSON: lambda predictions: msgspec.json.Encoder().encode_lines(predictions.predictions),
}


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


def wanted_type(request: Request) -> str:
    """Return the format of the answer; decided before a model is asked, since a 406 should cost nothing."""
    return negotiate(request.headers.get("accept", ""), ANSWER_TYPES)


def asked_of(request: Request, pipeline: str) -> Asked:
    """Return what is to be predicted."""
    key = request.query.get("routing_key")
    return Asked(
        request_id=request.id,
        pipeline=pipeline,
        records=read_request(
            request.raw_body, request.headers.get("content-type", ""), key[:MAX_KEY_LENGTH] if key else None
        ),
        rules=Rules(
            per_row=_choice(request, "on_error", "request", "row") == "row",
            only_seen=_choice(request, "unseen", "allow", "refuse") == "refuse",
        ),
        version=request.query.get("version"),
    )


def _choice(request: Request, name: str, *options: str) -> str:
    """Return a query parameter that has a few values, the first where it is absent."""
    given = request.query.get(name, options[0])
    if given not in options:
        raise InvalidRequest(f"{name}={given[:20]!r} is none of {', '.join(options)}")
    return given


def accepted(view: EndpointView) -> Response:
    """Answer 200 with what has happened, 202 with what is still on its way."""
    return json_answer(view, 202 if view.candidate else 200)


def predicted(answered: Answered, kind: str) -> Response:
    """Answer in the format *kind*; where the body cannot name the model version, a header does."""
    predictions = answered.predictions
    body = _ENCODERS[kind](predictions)
    # Many records of a model with many classes; Lambda would cut such an answer off with a 502.
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLarge(
            f"the answer has {len(body)} bytes; the limit is {MAX_BODY_BYTES}, send fewer records"
        )
    headers = {"X-Model-Version": predictions.model_version, "Server-Timing": answered.timing}
    return text_answer(body, kind if kind == JSON else f"{kind}; charset=utf-8", headers=headers)


def _wish(request: Request, why: str, clock: Clock) -> Wish:
    return Wish(who=request.caller.token_id, why=why, at=clock())
