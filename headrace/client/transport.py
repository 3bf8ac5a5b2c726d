"""One HTTP request and its answer.

On the standard library: the client sends small JSON and one streamed form, and a package that installs
alone should not bring an HTTP stack for that (httpx costs more start-up than the rest of the command).
"""

import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from email.message import Message
from typing import Protocol

import msgspec

from headrace.failures import Unreachable

# Above API Gateway's 29 s, so that its own 504 arrives before this side gives up.
TIMEOUT_S = 60.0
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to send. A body given as chunks needs its `Content-Length` among the headers."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes | Iterable[bytes] | None = None


class HttpAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came back; header names are lower case."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Transport(Protocol):
    """The narrow door to the network: tests pass a server that lives in memory."""

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Return the answer, whatever its status.

        Raises
        ------
        Unreachable
            Nobody answers at the address.
        """
        ...


class HttpTransport:
    """The network."""

    def send(self, request: HttpRequest) -> HttpAnswer:
        """Send one request; redirects are not followed, since a token must not travel to another host."""
        prepared = urllib.request.Request(  # noqa: S310 - http and https only, checked with the credentials
            request.url, data=request.body, headers=dict(request.headers), method=request.method
        )
        try:
            with _opener(request.url).open(prepared, timeout=TIMEOUT_S) as answer:
                return _read(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return _read(error.code, error.headers, error.read())
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            raise Unreachable(f"nothing answers at {_origin(request.url)}: {reason}") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Return an opener that honours HTTPS_PROXY and its kin, except towards this very machine."""
    if urllib.parse.urlsplit(url).hostname in LOOPBACK:
        # A developer's proxy cannot reach this machine's loopback, and must not see its tokens.
        return urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
    return urllib.request.build_opener(_NoRedirect)


def _read(status: int, headers: Message, body: bytes) -> HttpAnswer:
    return HttpAnswer(
        status=status, headers={name.lower(): text for name, text in headers.items()}, body=body
    )


def _origin(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
