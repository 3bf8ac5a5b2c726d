"""Headrace's REST API: JSON in, JSON out, problems as failures with the right exit code."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from headrace.client.credentials import Credentials
from headrace.client.problems import failure_of
from headrace.client.transport import HttpAnswer, HttpRequest, Transport
from headrace.failures import Failure, Missing, Unreachable

# Throttling and what a gateway says while nobody is behind it. Not 500: that answer would come again.
RETRIED = frozenset({429, 502, 503, 504})
ATTEMPTS = 4
# Somebody is waiting at a terminal: a longer Retry-After is better told than slept through.
MAX_WAIT_S = 10.0
PAGE = 100

Json = dict[str, Any]


class Api:
    """One stage's API."""

    def __init__(
        self, credentials: Credentials, transport: Transport, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.credentials = credentials
        self.transport = transport
        self._sleep = sleep

    def get(self, *path: str, **query: str | int | None) -> Json:
        """Return a resource; throttling and short outages are waited out."""
        return self._patiently(self._request("GET", path, query))

    def find(self, *path: str, **query: str | int | None) -> Json | None:
        """Return a resource, None when it does not exist (yet)."""
        try:
            return self.get(*path, **query)
        except Missing:
            return None

    def post(self, *path: str, body: Any = None, **query: str | int | None) -> Json:
        """Ask for something to be done once; short outages are waited out under one Idempotency-Key."""
        # Some routes need no body, yet every POST says it is JSON.
        content = msgspec.json.encode(body if body is not None else {})
        request = self._request("POST", path, query, content)
        # A new key for every call: whoever runs a command twice wants it done twice.
        headers = {**request.headers, "Idempotency-Key": uuid.uuid4().hex}
        return self._patiently(msgspec.structs.replace(request, headers=headers))

    def ask(self, *path: str, body: Any, **query: str | int | None) -> Json:
        """Ask by POST for what may be done twice without harm; waited for like a resource."""
        return self._patiently(self._request("POST", path, query, msgspec.json.encode(body)))

    def delete(self, *path: str, **query: str | int | None) -> Json:
        """Remove a resource; never repeated, since the second time it would not be found."""
        return _decode(self._send(self._request("DELETE", path, query)))

    def put(self, *path: str, body: Any) -> Json:
        """Create or replace a resource; never repeated, since another's change may have come between."""
        return _decode(self._send(self._request("PUT", path, {}, msgspec.json.encode(body))))

    def every(self, field: str, *path: str, **query: str | int | None) -> Iterator[Json]:
        """Yield the elements of a list resource, page after page."""
        cursor: str | None = None
        while True:
            page = self.get(*path, limit=PAGE, cursor=cursor, **query)
            yield from page.get(field, [])
            cursor = page.get("next")
            if not cursor:
                return

    def _request(
        self, method: str, path: tuple[str, ...], query: Mapping[str, Any], body: bytes | None = None
    ) -> HttpRequest:
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        where = "/".join(quote(part, safe="") for part in path)
        headers = {"Authorization": f"Bearer {self.credentials.token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self.credentials.url}/v1/{where}{'?' if asked else ''}{asked}"
        return HttpRequest(method=method, url=url, headers=headers, body=body)

    def _patiently(self, request: HttpRequest) -> Json:
        for attempt in range(1, ATTEMPTS):
            answer = self._send(request)
            if answer.status not in RETRIED:
                return _decode(answer)
            self._sleep(_wait_s(answer.headers, attempt))
        return _decode(self._send(request))

    def _send(self, request: HttpRequest) -> HttpAnswer:
        try:
            return self.transport.send(request)
        except Unreachable as error:
            if self.credentials.stage == "local":
                raise Unreachable(f"{error.message}; start it with `headrace up`") from error
            raise


def _decode(answer: HttpAnswer) -> Json:
    if answer.status >= 300:
        raise failure_of(answer)
    if not answer.body:
        return {}
    try:
        return msgspec.json.decode(answer.body, type=Json)
    except msgspec.DecodeError as error:
        raise Failure("the answer is no JSON object: does HEADRACE_URL point to a Headrace stage?") from error


def _wait_s(headers: Mapping[str, str], attempt: int) -> float:
    """Return how long to wait: what the server asks for within reason, else 1, 2, 4 seconds."""
    asked = headers.get("retry-after", "")
    return min(MAX_WAIT_S, float(asked)) if asked.isascii() and asked.isdigit() else 2.0 ** (attempt - 1)
