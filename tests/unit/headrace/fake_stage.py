"""A stage's REST API in memory: what is behind the client's one door to the network."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from headrace.client.transport import HttpAnswer, HttpRequest
from headrace.failures import Unreachable

URL = "http://127.0.0.1:4577"
TOKEN = "hr_test"


def ok(body: Any, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status=status, body=json.dumps(body).encode())


def problem(status: int, title: str, detail: str, **more: Any) -> HttpAnswer:
    return ok({"type": "/problems/x", "title": title, "status": status, "detail": detail, **more}, status)


NOT_FOUND = problem(404, "Not found", "no such thing")


class FakeStage:
    """Answers by method and path; of several answers each is given once, and the last for ever."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = {
            route: list(given) if isinstance(given, list) else [given] for route, given in answers.items()
        }
        self.requests: list[HttpRequest] = []
        self.bodies: list[bytes] = []

    def send(self, request: HttpRequest) -> HttpAnswer:
        self.requests.append(request)
        body = request.body
        self.bodies.append(body if isinstance(body, bytes) else b"".join(body or ()))
        parts = urlsplit(request.url)
        route = f"{request.method} {parts.path.removeprefix('/v1')}"
        left = self._answers.get(route)
        if left is None:
            return NOT_FOUND
        answer = left.pop(0) if len(left) > 1 else left[0]
        if callable(answer):
            answer = answer(self)
        return answer if isinstance(answer, HttpAnswer) else ok(answer)

    def asked(self, route: str) -> list[bytes]:
        """Return the bodies of the requests to a route."""
        method, path = route.split(" ")
        return [
            body
            for request, body in zip(self.requests, self.bodies, strict=True)
            if request.method == method and urlsplit(request.url).path == f"/v1{path}"
        ]


class Nobody:
    """A network at whose other end nobody is."""

    def send(self, request: HttpRequest) -> HttpAnswer:
        raise Unreachable("nothing answers at http://127.0.0.1:4577: Connection refused")
