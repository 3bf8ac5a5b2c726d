"""RFC 9457 problem details, the one shape of every error."""

import msgspec
from chalice.app import Response

from shared.errors import FieldError, HeadraceError, InvalidBody
from shared.http.answer import text_answer

DOCS = "/problems/"  # a page each on the same origin
MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error answer; ``errors`` names each wrong place of a request body.

    ``error`` is the detail once more, for the clients of ``/v2``: the Open Inference Protocol knows only that.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    request_id: str | None = None
    errors: tuple[FieldError, ...] = ()
    error: str | None = None


def problem_of(error: HeadraceError) -> Problem:
    """Return the problem for a deliberate error; 5xx say nothing of the inside."""
    detail = str(error) if error.status < 500 else error.public
    errors = error.errors if isinstance(error, InvalidBody) else ()
    return make_problem(error.status, error.title, detail, errors)


def make_problem(status: int, title: str, detail: str, errors: tuple[FieldError, ...] = ()) -> Problem:
    """Return a problem whose ``type`` is the page of its *title*."""
    slug = title.lower().replace(" ", "-")
    return Problem(type=f"{DOCS}{slug}", title=title, status=status, detail=detail, errors=errors)


def problem_response(
    problem: Problem, *, instance: str, request_id: str, retry_after_s: int | None = None
) -> Response:
    """Return the HTTP answer for *problem*."""
    error = problem.detail if instance.startswith("/v2") else None
    filled = msgspec.structs.replace(problem, instance=instance, request_id=request_id, error=error)
    wait = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return text_answer(msgspec.json.encode(filled), MEDIA_TYPE, problem.status, wait)
