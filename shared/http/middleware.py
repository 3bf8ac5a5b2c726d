"""What every route goes through before and after its view."""

import hmac
import json
from collections.abc import Callable, Collection
from typing import Any

from chalice.app import Chalice, Response

from shared.http.problem import MEDIA_TYPE, make_problem, problem_response
from shared.http.request import public_path

ORIGIN_HEADER = "x-headrace-origin"
_TITLES = {
    400: ("Invalid request", "The request could not be read."),
    404: ("Not found", "There is no such resource."),
    405: ("Method not allowed", "The resource does not answer this method."),
    415: ("Unsupported media type", "The Content-Type is none of those this route accepts."),
}


def guard(app: Chalice, secrets: Callable[[], Collection[str]]) -> None:
    """Give *app* its middleware: the origin secret first, then the view, then the one error shape and the request id.

    ``secrets`` returns the values accepted now (two while the secret rotates). A request that did not come
    through CloudFront lacks the header and is refused, so WAF and throttles cannot be walked around.
    """

    @app.middleware("http")
    def at_the_edge(event: Any, get_response: Callable[[Any], Response]) -> Response:
        if _is_from_the_edge(event, secrets()):
            response = _in_one_shape(event, get_response(event))
        else:
            response = _respond(event, make_problem(403, "Forbidden", "Use the service's public address."))
        response.headers["X-Request-Id"] = event.context.get("requestId", "-")
        return response


def _is_from_the_edge(event: Any, secrets: Collection[str]) -> bool:
    sent = str(event.headers.get(ORIGIN_HEADER, "")).encode()
    # In constant time, so that the time of a refusal tells nothing of the secret.
    return any(hmac.compare_digest(sent, secret.encode()) for secret in secrets)


def _in_one_shape(event: Any, response: Response) -> Response:
    # Chalice answers unknown paths and methods in a shape of its own, before any view of ours.
    if response.status_code < 400 or response.headers.get("Content-Type") == MEDIA_TYPE:
        return response
    return _respond(event, _problem_of_chalice(response))


def _problem_of_chalice(response: Response) -> Any:
    """Return the problem for an error answer that Chalice made itself."""
    status = response.status_code
    title, detail = _TITLES.get(status, ("Internal error", "The service could not answer."))
    body = response.body if isinstance(response.body, dict) else _json(response.body)
    if status == 415 and isinstance(body.get("Message"), str):
        detail = body["Message"]
    return make_problem(status, title, detail)


def _json(body: object) -> dict[str, Any]:
    try:
        parsed = json.loads(body) if isinstance(body, str | bytes) else {}
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _respond(event: Any, problem: Any) -> Response:
    context = event.context
    return problem_response(problem, instance=public_path(context), request_id=context.get("requestId", "-"))
