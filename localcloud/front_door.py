"""The ASGI application on the one port: health, the one origin, and AWS."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from localcloud import distribution
from localcloud.calls import Calls
from localcloud.requests import ORIGIN_HOSTS, Request, is_aws_call, needs_body

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

HEALTH_PATH = "/_localcloud/health"
# A door for tests: metrics and alarms live some time in the blink of an eye; nothing else notices.
CLOCK_PATH = "/_localcloud/clock"
_MAX_ADVANCE_S = 7 * 86_400
_HTTPS = (b"x-forwarded-proto", b"https")


class FrontDoor:
    """Sends each request where it belongs."""

    def __init__(
        self,
        aws: Application,
        health: Callable[[], dict[str, Any]],
        calls: Calls,
        advance: Callable[[float], dict[str, float]],
    ) -> None:
        self._aws = aws
        self._health = health
        self._calls = calls
        self._advance = advance

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection event (ASGI)."""
        if scope["type"] != "http":
            await self._aws(scope, receive, send)
        # Before routing: whoever waits for the start must not depend on a distribution or on signatures.
        elif scope["path"] == HEALTH_PATH:
            await _send_json(send, self._health())
        elif scope["path"] == CLOCK_PATH and scope["method"] == "POST":
            await self._skip(receive, send)
        else:
            with self._calls.count(scope["method"]):
                await self._route(scope, receive, send)

    async def _skip(self, receive: Receive, send: Send) -> None:
        """Answer `{"advance_s": n}`: alarms are judged for every minute of it."""
        try:
            seconds = float(json.loads(await _read(receive))["advance_s"])
        except (ValueError, KeyError, TypeError):
            seconds = -1.0
        if 0 <= seconds <= _MAX_ADVANCE_S:
            await _send_json(send, self._advance(seconds))
        else:
            told = f'send {{"advance_s": seconds}}, 0 to {_MAX_ADVANCE_S}'
            await _send_json(send, {"message": told}, status=400)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = _request(scope)
        front = distribution.for_origin() if request.host in ORIGIN_HOSTS else None
        if front is None:
            await self._aws(_over_https(scope), receive, send)
            return
        buckets = distribution.bucket_names()
        if is_aws_call(request, buckets):
            await self._aws(_over_https(scope), receive, send)
            return
        # The message channel can be read once: from here on the body has to be handed on.
        body = await _read(receive)
        if needs_body(request) and is_aws_call(request, buckets, body):
            await self._aws(_over_https(scope), _replay(body, receive), send)
            return
        client = (scope.get("client") or ("127.0.0.1",))[0]
        found = await distribution.answer(front, request, body, client)
        await distribution.send(send, found, head=request.method == "HEAD")


def _request(scope: Scope) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope.get("headers", []):
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        separator = "; " if name == "cookie" else ", "
        headers[name] = headers[name] + separator + value if name in headers else value
    query = scope.get("query_string", b"").decode("latin-1")
    raw_path = scope["raw_path"].decode("latin-1")
    return Request(
        method=scope["method"], path=scope["path"], raw_path=raw_path, query=query, headers=headers
    )


def _over_https(scope: Scope) -> Scope:
    """Say that the request came over TLS, as every request to AWS does: TLS-only policies then hold."""
    headers = scope.get("headers", [])
    if any(name == _HTTPS[0] for name, _value in headers):
        return scope
    return {**scope, "headers": [*headers, _HTTPS]}


async def _read(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a channel that delivers the body once more, then what really comes."""
    pending = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return pending.pop() if pending else await receive()

    return again


async def _send_json(send: Send, value: dict[str, Any], status: int = 200) -> None:
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(value).encode()})
