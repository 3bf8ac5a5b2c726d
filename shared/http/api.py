"""Routes of one Chalice app: a decorator that checks, parses, answers and documents.

Stages of a request: origin secret and request id (middleware) → scope and pipeline → body → the answer given
before under its Idempotency-Key, if any → view → answer.
Chalice turns an error raised in a view into a 500 before middleware sees it, so views are wrapped here.
"""

import functools
import logging
from collections.abc import Callable
from typing import Any

import msgspec
from chalice.app import Chalice, CORSConfig, Response

from shared import log
from shared.errors import HeadraceError, InvalidBody, PayloadTooLarge, UnsupportedMediaType
from shared.http.answer import JSON, json_answer, text_answer
from shared.http.idempotency import KEY_HEADER, REPLAYED_HEADER, Replies
from shared.http.problem import make_problem, problem_of, problem_response
from shared.http.request import Request, authorise, caller_of, public_path
from shared.parsing import decode

MAX_BODY_BYTES = 3 * 1024 * 1024


class _Cors(CORSConfig):
    """Joins and sorts its names once, not for every answer."""

    @functools.cached_property
    def _headers(self) -> dict[str, str]:
        return super().get_access_control_headers()

    def get_access_control_headers(self) -> dict[str, str]:
        """Return the headers of an answer."""
        return self._headers


CORS = _Cors(
    allow_origin="*",
    allow_headers=["Authorization", "Content-Type", "If-Match", "If-None-Match", KEY_HEADER],
    expose_headers=[
        "ETag",
        "Link",
        "Location",
        "Retry-After",
        "Server-Timing",
        "X-Model-Version",
        "X-Request-Id",
        REPLAYED_HEADER,
    ],
    max_age=600,
)
JSON_TYPES = (JSON,)

View = Callable[..., Any]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One documented route.

    ``reads`` is the model of a body that the view parses itself, which may be absent or of another type.
    ``idempotent``: it honours an Idempotency-Key.
    """

    method: str
    path: str
    name: str
    summary: str
    scope: str | None
    body: Any = None
    reads: Any = None
    response: Any = None
    status: int = 200
    content_types: tuple[str, ...] = JSON_TYPES
    query: dict[str, str] = {}
    idempotent: bool = False
    response_types: tuple[str, ...] = JSON_TYPES


class Api:
    """The routes of one app. ``operations`` is what its part of the OpenAPI document is made of."""

    def __init__(
        self,
        app: Chalice,
        authorizer: Any,
        logger: logging.Logger,
        replies: Callable[[], Replies] | None = None,
    ) -> None:
        self._app = app
        # All is text here. Chalice would look for each of its twenty binary types in every request and answer.
        app.api.binary_types = []
        self._replies = replies
        self._authorizer = authorizer
        self._log = logger
        self.operations: list[Operation] = []

    def route(
        self, method: str, path: str, *, scope: str | None, **documented: Any
    ) -> Callable[[View], View]:
        """Register a view as ``method path`` for tokens with *scope* (None: open to all).

        The view gets the :class:`Request` and the path parameters by name; it returns a struct, a
        :class:`chalice.app.Response` or raises a deliberate error. ``documented`` are the further fields
        of :class:`Operation`: ``body`` and ``response`` models, ``status``, ``content_types``, ``query``,
        ``idempotent``, and a ``name`` where a view answers at several paths.
        """

        def register(view: View) -> View:
            told = {"name": view.__name__, "summary": (view.__doc__ or "").strip().split("\n")[0]}
            operation = Operation(method=method, path=path, scope=scope, **(told | documented))
            self.operations.append(operation)
            options: dict[str, Any] = {"methods": [method], "cors": CORS}
            if scope is not None:
                options["authorizer"] = self._authorizer
            if method in {"POST", "PUT", "PATCH"}:
                options["content_types"] = list(operation.content_types)
            self._app.route(path, **options)(self._answering(operation, view))
            return view

        return register

    def _answering(self, operation: Operation, view: View) -> View:
        """Wrap *view*: parse before it, shape what it returns or raises."""

        @functools.wraps(view)
        def answer(**path: str) -> Response:
            current: Any = self._app.current_request
            request_id = current.context.get("requestId", "-")
            log.start(request_id=request_id, route=f"{operation.method} {operation.path}", **path)
            wait_s: int | None = None
            try:
                return self._answer(operation, view, path)
            except HeadraceError as error:
                if error.status >= 500:
                    self._log.exception("request failed")
                told = _reason_of(error, current.headers.get("content-encoding", ""))
                problem, wait_s = problem_of(told), told.retry_after_s
            except Exception:  # noqa: BLE001
                # The supervisor of every view: what no one foresaw is logged whole and told as nothing.
                self._log.exception("request crashed")
                problem = make_problem(500, "Internal error", "The service could not answer.")
            instance = public_path(current.context, operation.path)
            return problem_response(problem, instance=instance, request_id=request_id, retry_after_s=wait_s)

        return answer

    def _answer(self, operation: Operation, view: View, path: dict[str, str]) -> Response:
        request = self._request(operation, path)
        if operation.idempotent and KEY_HEADER.lower() in request.headers and self._replies is not None:
            replies = self._replies()
            return replies.once(operation.method, request, lambda: _success(operation, view(request, **path)))
        return _success(operation, view(request, **path))

    def _request(self, operation: Operation, path: dict[str, str]) -> Request:
        current: Any = self._app.current_request
        caller = caller_of(current.context)
        if operation.scope is not None:
            authorise(caller, operation.scope, path.get("pipeline"))
        raw = bytes(current.raw_body or b"")
        if len(raw) > MAX_BODY_BYTES:
            raise PayloadTooLarge(f"the body has {len(raw)} bytes; the limit is {MAX_BODY_BYTES}")
        return Request(
            id=current.context.get("requestId", "-"),
            path=public_path(current.context, operation.path),
            caller=caller,
            body=decode(raw, operation.body) if operation.body is not None else None,
            raw_body=raw,
            query=dict(current.query_params) if current.query_params else {},
            # As Chalice keeps them: a mapping that looks names up in any case.
            headers=current.headers,
        )


def _reason_of(error: HeadraceError, encoding: str) -> HeadraceError:
    """Return *error*, or why the body could not be read: API Gateway hands packed bytes on as text, and most are lost."""
    if not isinstance(error, InvalidBody) or encoding.strip().lower() in {"", "identity"}:
        return error
    return UnsupportedMediaType(f"send the body as it is, not packed (Content-Encoding: {encoding[:20]!r})")


def _success(operation: Operation, result: Any) -> Response:
    """Return what the view made as an HTTP answer; structs become JSON."""
    if isinstance(result, Response):
        return result
    if result is None:
        return text_answer(b"", JSON, operation.status)
    return json_answer(result, operation.status)
