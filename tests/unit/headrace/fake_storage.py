"""The routes of multipart uploads and the S3 behind them, in memory: parts are kept only when their hash is right."""

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from headrace.client.transport import HttpAnswer, HttpRequest
from tests.unit.headrace.fake_stage import NOT_FOUND, URL, ok, problem

KEY = "incoming/flights/year.csv"
UPLOADS = "/v1/datasets/flights/uploads"
# Called with the number of a part and the number of the try, before S3 looks at it.
Fault = Callable[[int, int], HttpAnswer | None]


def s3_error(status: int, code: str) -> HttpAnswer:
    return HttpAnswer(status=status, body=f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode())


class FakeStorage:
    def __init__(self, part_size_bytes: int = 300_000, fault: Fault = lambda *_: None) -> None:
        self.part_size_bytes = part_size_bytes
        self.fault = fault
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.begun = 0
        self.put: list[int] = []
        self.permitted: list[str] = []
        self.completed: list[bytes] = []
        self.aborted: list[str] = []
        self.tokens: list[str | None] = []
        self._lock = threading.Lock()

    def send(self, request: HttpRequest) -> HttpAnswer:
        body = request.body if isinstance(request.body, bytes) else b"".join(request.body or ())
        parts = urlsplit(request.url)
        with self._lock:
            if parts.path.startswith("/bucket/"):
                self.tokens.append(request.headers.get("Authorization"))
                return self._put(request, parse_qs(parts.query), body)
            return self._route(request.method, parts.path.removeprefix(UPLOADS).strip("/"), body)

    def _route(self, method: str, path: str, body: bytes) -> HttpAnswer:
        if method == "GET" and path.startswith("v1/datasets"):
            return ok({"versions": [], "next": None})
        asked = json.loads(body) if body else {}
        if method == "POST" and not path:
            return self._begin()
        upload_id, _, action = path.partition("/")
        if upload_id not in self.uploads:
            return NOT_FOUND
        here = self.uploads[upload_id]
        if method == "DELETE":
            self.aborted.append(upload_id)
            del self.uploads[upload_id]
            return HttpAnswer(status=204)
        if method == "GET":
            return ok({"key": KEY, "parts": [self._listed(n, here[n]) for n in sorted(here)]})
        if action == "parts":
            return ok({"parts": [self._permit(upload_id, part) for part in asked["parts"]], "expires_at": ""})
        return self._complete(upload_id, asked)

    def _begin(self) -> HttpAnswer:
        self.begun += 1
        upload_id = f"u{self.begun}"
        self.uploads[upload_id] = {}
        begun = {"upload_id": upload_id, "part_size_bytes": self.part_size_bytes, "part_count": 0}
        return ok({"upload": None, "multipart": begun, "key": KEY, "expires_at": "", "max_bytes": 10**9}, 201)

    def _permit(self, upload_id: str, part: dict[str, Any]) -> dict[str, Any]:
        self.permitted.append(f"{upload_id}/{part['number']}")
        url = f"{URL}/bucket/{upload_id}?partNumber={part['number']}"
        return {
            "number": part["number"],
            "url": url,
            "headers": {"x-amz-checksum-sha256": part["sha256"]},
        }

    def _put(self, request: HttpRequest, query: dict[str, list[str]], body: bytes) -> HttpAnswer:
        number = int(query["partNumber"][0])
        self.put.append(number)
        answer = self.fault(number, self.put.count(number))
        if answer is not None:
            return answer
        assert request.headers["Content-Length"] == str(len(body))
        if request.headers["x-amz-checksum-sha256"] != sha256(body):
            return s3_error(400, "BadDigest")
        self.uploads[urlsplit(request.url).path.removeprefix("/bucket/")][number] = body
        return HttpAnswer(status=200, headers={"etag": f'"{etag(body)}"'})

    def _listed(self, number: int, body: bytes) -> dict[str, Any]:
        return {"number": number, "size_bytes": len(body), "etag": etag(body), "sha256": sha256(body)}

    def _complete(self, upload_id: str, asked: dict[str, Any]) -> HttpAnswer:
        here = self.uploads[upload_id]
        there = [{"number": n, "etag": etag(here[n]), "sha256": sha256(here[n])} for n in sorted(here)]
        whole = b"".join(here[n] for n in sorted(here))
        if asked["parts"] != there or asked["size_bytes"] != len(whole):
            return problem(409, "Conflict", "S3 does not have these parts.")
        del self.uploads[upload_id]
        self.completed.append(whole)
        return ok({"key": KEY, "version_id": "s3", "version": "0123456789abcdef0123"})


def sha256(body: bytes) -> str:
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def etag(body: bytes) -> str:
    return hashlib.md5(body).hexdigest()
