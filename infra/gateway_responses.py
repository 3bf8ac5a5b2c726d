"""What API Gateway itself answers, before any of our code runs, in the one error shape of the product."""

import hashlib
from typing import Any

import msgspec

from shared.errors import QuotaExceeded, TimedOut, Unavailable
from shared.http.problem import MEDIA_TYPE, make_problem

# response type: status, title, detail. All that a REST API knows, so that the two DEFAULT_… never decide
# the status of a known one; `…` docs: API Gateway developer guide, "Gateway response types".
_RESPONSES: dict[str, tuple[int, str, str]] = {
    "ACCESS_DENIED": (403, "Forbidden", "This token may not do that."),
    "API_CONFIGURATION_ERROR": (500, "Internal error", "The service could not answer."),
    "AUTHORIZER_CONFIGURATION_ERROR": (500, "Internal error", "The service could not answer."),
    "AUTHORIZER_FAILURE": (
        503,
        "Service unavailable",
        "The token could not be checked. Try again in a moment.",
    ),
    "BAD_REQUEST_BODY": (400, "Invalid request", "The request could not be read."),
    "BAD_REQUEST_PARAMETERS": (400, "Invalid request", "The request could not be read."),
    "DEFAULT_4XX": (400, "Invalid request", "The request could not be read."),
    "DEFAULT_5XX": (500, "Internal error", "The service could not answer."),
    "EXPIRED_TOKEN": (401, "Unauthorized", "Send a valid token: Authorization: Bearer hr_..."),
    "INTEGRATION_FAILURE": (
        503,
        "Service unavailable",
        "The service could not answer. Try again in a moment.",
    ),
    "INTEGRATION_TIMEOUT": (504, "Timeout", "The service took longer than 29 seconds."),
    "INVALID_API_KEY": (403, "Forbidden", "The request was refused."),
    "INVALID_SIGNATURE": (401, "Unauthorized", "Send a valid token: Authorization: Bearer hr_..."),
    # What API Gateway says of a route it does not have.
    "MISSING_AUTHENTICATION_TOKEN": (404, "Not found", "There is no such route, or it has no such method."),
    "QUOTA_EXCEEDED": (429, "Too many requests", "The quota is used up. Try again later."),
    "REQUEST_TOO_LARGE": (413, "Payload too large", "The body is over the limit of 3 MiB."),
    "RESOURCE_NOT_FOUND": (404, "Not found", "There is no such resource."),
    "THROTTLED": (429, "Too many requests", "Too many requests at once. Try again in a moment."),
    "UNAUTHORIZED": (401, "Unauthorized", "Send a valid token: Authorization: Bearer hr_..."),
    "UNSUPPORTED_MEDIA_TYPE": (415, "Unsupported media type", "The Content-Type is not accepted here."),
}
_WAIT_S = {kind.status: kind.retry_after_s for kind in (QuotaExceeded, Unavailable, TimedOut)}
_REQUEST_ID = "$context.requestId"


def gateway_responses() -> list[dict[str, Any]]:
    """Return the requests of PutGatewayResponse, without the API's id."""
    return [_response(kind, *texts) for kind, texts in _RESPONSES.items()]


def digest() -> str:
    """Return what names this set of responses, to recognise a deployment that has them."""
    return hashlib.sha256(msgspec.json.encode(gateway_responses(), order="sorted")).hexdigest()[:16]


def _response(kind: str, status: int, title: str, detail: str) -> dict[str, Any]:
    # Nothing of the request goes into the body: API Gateway inserts its variables without JSON escapes.
    problem = make_problem(status, title, detail)
    # `error` for the clients of /v2; API Gateway cannot tell which path it refuses.
    problem = msgspec.structs.replace(problem, request_id=_REQUEST_ID, error=detail)
    headers = {
        "Content-Type": MEDIA_TYPE,
        "Cache-Control": "no-store",
        **({"Retry-After": str(_WAIT_S[status])} if status in _WAIT_S else {}),
        **({"WWW-Authenticate": "Bearer"} if status == 401 else {}),
    }
    return {
        "responseType": kind,
        "statusCode": str(status),
        "responseParameters": {
            f"gatewayresponse.header.{name}": f"'{value}'" for name, value in headers.items()
        },
        # The only template API Gateway looks at, whatever the request accepts; the header above names the type.
        "responseTemplates": {"application/json": msgspec.json.encode(problem).decode()},
    }
