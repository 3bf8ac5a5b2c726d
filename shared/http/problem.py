"""RFC 9457 problem details, the one shape of every error."""

from http import HTTPStatus
from typing import Any

import msgspec
from chalice.app import Response

from shared.errors import FieldError, HeadraceError, InvalidBody

DOCS = "/problems/"  # a page each on the same origin
MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error answer; ``errors`` names each wrong place of a request body."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    request_id: str | None = None
    errors: tuple[FieldError, ...] = ()


def problem_of(error: HeadraceError) -> Problem:
    """Return the problem for a deliberate error; 5xx say nothing of the inside."""
    detail = str(error) if error.status < 500 else "The service could not answer. Try again in a moment."
    errors = error.errors if isinstance(error, InvalidBody) else ()
    return make_problem(error.status, error.title, detail, errors)


def make_problem(status: int, title: str, detail: str, errors: tuple[FieldError, ...] = ()) -> Problem:
    """Return a problem whose ``type`` is the page of its *title*."""
    slug = title.lower().replace(" ", "-")
    return Problem(type=f"{DOCS}{slug}", title=title, status=status, detail=detail, errors=errors)


def problem_response(problem: Problem, *, instance: str, request_id: str) -> Response:
    """Return the HTTP answer for *problem*; 429 and 503 say when to come back."""
    filled = msgspec.structs.replace(problem, instance=instance, request_id=request_id)
    headers: dict[str, Any] = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}
    if problem.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        headers["Retry-After"] = "1"
    return Response(msgspec.json.encode(filled).decode(), headers, problem.status)
