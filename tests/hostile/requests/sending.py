"""Sends requests as they are, well formed or not, and judges what comes back."""

import contextlib
import http.client
import json
import time
from typing import Any

import msgspec

from tests.hostile.requests.attacks import Attack
from tests.stage import Stage

DOCUMENTED_5XX = frozenset({502, 503, 504})


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, and after how long; header names are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes
    took_s: float = 0.0


class Sender:
    """One kept-alive connection to the public origin."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=60)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def send(self, attack: Attack) -> Reply:
        """Return the reply; a connection that was closed is opened again."""
        headers = {"Authorization": f"Bearer {self._stage.token}", "Content-Type": "application/json"}
        began = time.monotonic()
        try:
            self._connection.request(attack.method, attack.target, attack.body, headers | attack.headers)
            answer = self._connection.getresponse()
            body = answer.read()
        except (http.client.RemoteDisconnected, ConnectionError):
            self._connection.close()
            return Reply(status=0, headers={}, body=b"")
        told = {name.lower(): value for name, value in answer.getheaders()}
        return Reply(status=answer.status, headers=told, body=body, took_s=time.monotonic() - began)


def outcome(reply: Reply) -> str:
    """Return the status in words, with the reason that a problem names."""
    if reply.headers.get("content-type") != "application/problem+json":
        return f"`{reply.status}`"
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return f"`{reply.status}` {json.loads(reply.body)['type'].rpartition('/')[2]}"
    return f"`{reply.status}`"


def complaint(attack: Attack, reply: Reply) -> str | None:
    """Return what is wrong with a reply, None where it is as documented."""
    if reply.status == 0:
        return "the connection was closed without an answer"
    if reply.status >= 500 and reply.status not in DOCUMENTED_5XX:
        return f"{reply.status}: {reply.body[:300]!r}"
    if reply.status < 400 or attack.method == "HEAD":
        return None
    if reply.headers.get("content-type") != "application/problem+json":
        return f"{reply.status} of type {reply.headers.get('content-type')}: {reply.body[:300]!r}"
    return _misshapen(attack, reply)


def _misshapen(attack: Attack, reply: Reply) -> str | None:
    try:
        problem: dict[str, Any] = json.loads(reply.body)
    except ValueError:
        return f"no JSON: {reply.body[:300]!r}"
    missing = {"type", "title", "status", "detail", "request_id"} - problem.keys()
    if attack.target.startswith("/v2"):
        missing |= {"error"} - problem.keys()
    if missing or problem["status"] != reply.status:
        return f"{reply.status} lacks {missing or 'its own status'}: {problem}"
    if "Traceback" in problem["detail"] or 'File "/' in problem["detail"]:
        return f"tells of the inside: {problem['detail']}"
    if reply.status == 503 and "retry-after" not in reply.headers:
        return "503 without Retry-After"
    return None
