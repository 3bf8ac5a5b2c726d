"""Every error Headrace raises on purpose.

HeadraceError                     500
├── InvalidRequest                400  the caller must change the request
│   ├── InvalidBody               422  fields of the body are wrong; carries one entry per field
│   ├── PayloadTooLarge           413
│   └── UnsupportedMediaType      415
├── InvalidDataset                422  the uploaded data cannot become a dataset version
├── Unauthorized                  401
├── Forbidden                     403
├── NotFound                      404
├── NotAcceptable                 406  Accept names no format the route has
├── Conflict                      409  the state does not allow it (now)
│   ├── ConditionFailed           409  a conditional write lost; re-read the row and decide again
│   └── InProgress                409  the same request is being answered at this moment
├── PreconditionFailed            412  If-Match names an older revision
├── QuotaExceeded                 429  an account limit is reached; waiting is normal, not a failure
├── Broken                        500  AWS refuses the service itself, and would again; an operator must act
└── Unavailable                   503  a dependency throttles or fails; the only retryable branch
    ├── BadGateway                502  a model server failed, or what it said is not of the contract
    └── TimedOut                  504  a dependency did not answer in time
"""

import msgspec


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One wrong place in a request body: an RFC 6901 JSON pointer and what is wrong there."""

    pointer: str
    detail: str


class HeadraceError(Exception):
    """Base of all deliberate errors: ``status`` is its HTTP status, ``retryable`` steers event handlers.

    ``retry_after_s`` is what the caller is told to wait, None where waiting does not help. ``public`` is what a
    5xx tells instead of its message, which may name what is inside.
    """

    status = 500
    title = "Internal error"
    retryable = False
    retry_after_s: int | None = None
    public = "The service could not answer. Try again in a moment."


class InvalidRequest(HeadraceError):
    """The caller must change the request."""

    status = 400
    title = "Invalid request"


class InvalidBody(InvalidRequest):
    """Fields of the body are wrong; ``errors`` has one entry for each that was found."""

    status = 422
    title = "Invalid body"

    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.errors = errors


class PayloadTooLarge(InvalidRequest):
    """The body or its number of records is over a stated limit."""

    status = 413
    title = "Payload too large"


class UnsupportedMediaType(InvalidRequest):
    """The Content-Type is none of those the route accepts."""

    status = 415
    title = "Unsupported media type"


class InvalidDataset(HeadraceError):
    """The uploaded data cannot become a dataset version; ``reason`` is a documented code."""

    status = 422
    title = "Invalid dataset"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class Unauthorized(HeadraceError):
    """The token is missing or unknown."""

    status = 401
    title = "Unauthorized"


class Forbidden(HeadraceError):
    """The token is known but lacks the scope."""

    status = 403
    title = "Forbidden"


class NotFound(HeadraceError):
    """The named resource does not exist, or the caller may not know that it does."""

    status = 404
    title = "Not found"


class NotAcceptable(HeadraceError):
    """The Accept header names no format in which the route can answer."""

    status = 406
    title = "Not acceptable"


class Conflict(HeadraceError):
    """The state does not allow it now."""

    status = 409
    title = "Conflict"


class ConditionFailed(Conflict):
    """A conditional write lost against another writer."""


class InProgress(Conflict):
    """A request with the same Idempotency-Key is being answered at this moment."""

    retry_after_s = 1


class PreconditionFailed(HeadraceError):
    """If-Match names a revision that is no longer the newest, or an immutable object exists already."""

    status = 412
    title = "Precondition failed"


class QuotaExceeded(HeadraceError):
    """An account limit is reached; the work waits for its turn."""

    status = 429
    title = "Too many requests"
    retry_after_s = 1


class Broken(HeadraceError):
    """AWS refuses the service itself, and would again: a permission, a key or a bucket is missing, or the call is wrong.

    Never the caller's fault, and its message, which may name roles and keys, never the caller's business.
    """


class Unavailable(HeadraceError):
    """A dependency throttles or fails; the same call may succeed later."""

    status = 503
    title = "Service unavailable"
    retryable = True
    retry_after_s = 1


class BadGateway(Unavailable):
    """The model server failed, or broke its contract; another try may meet a healthy one."""

    status = 502
    title = "Bad gateway"
    public = "The model server failed on this request. Try again in a moment."


class TimedOut(Unavailable):
    """A dependency did not answer in time."""

    status = 504
    title = "Timeout"
    retry_after_s = 5
    public = "The model did not answer in time. Send fewer records, or try again in a moment."
