"""One AWS service: requests are signed, sent, and sent again where that may help and time is left."""

import base64
import functools
import hashlib
import os
import random
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Protocol

import msgspec

from shared.aws import credentials, endpoints
from shared.aws.connections import Answer, Connections, Request, Timeouts
from shared.aws.credentials import Credentials
from shared.aws.endpoints import Endpoint, Place, endpoint_of
from shared.aws.errors import PASSING, AwsRefusal, NoAnswer
from shared.aws.signing import Asked, Query, Scope, query_string, sign_headers

# AWS SDKs reference guide, "Retry behavior", mode standard.
_TRANSIENT_STATUS = {500, 502, 503, 504}
# The bytes were damaged on their way: sent again, they may arrive.
_TRANSIENT = PASSING | {"BadDigest"}
_LONGEST_WAIT_S = 5.0
_EMPTY_SHA256 = hashlib.sha256(b"").digest()


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What a request carries: bytes, or a file from its first byte, with its length and digest."""

    source: bytes | IO[bytes] = b""
    size_bytes: int = 0
    sha256: bytes = _EMPTY_SHA256

    @classmethod
    def of(cls, source: bytes | IO[bytes], sha256: bytes | None = None) -> "Content":
        """Return *source* measured, with the *sha256* it is to have (its own, for which a file is read once)."""
        if isinstance(source, bytes):
            return cls(
                source=source, size_bytes=len(source), sha256=sha256 or hashlib.sha256(source).digest()
            )
        source.seek(0)
        if sha256 is None:
            sha256 = hashlib.file_digest(source, "sha256").digest()  # type: ignore[arg-type]  # typeshed: no IO
        return cls(source=source, size_bytes=source.seek(0, os.SEEK_END), sha256=sha256)

    @property
    def checksum(self) -> str:
        """The digest in base64, as S3 writes it."""
        return base64.b64encode(self.sha256).decode()


EMPTY = Content()


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request before it is signed; ``path`` is quoted, ``query`` plain, ``origin`` the service's unless told.

    ``within_s`` shortens how long the next bytes of the answer are waited for.
    """

    method: str
    path: str = "/"
    query: Query = ()
    headers: dict[str, str] = {}
    content: Content = EMPTY
    origin: str = ""
    within_s: float | None = None


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How often to try, and after how many seconds no further try begins."""

    attempts: int = 4
    budget_s: float = 20.0


PATIENT = Patience()


class Sender(Protocol):
    """What carries requests: connections, or a test's stand-in."""

    def send(self, request: Request) -> Answer:
        """Return the answer; NoAnswer where there is none."""
        ...


class Service:
    """One service at one endpoint; safe to share between threads."""

    def __init__(
        self,
        endpoint: Endpoint,
        sender: Sender,
        *,
        who: Callable[[], Credentials] = credentials.of_process,
        patience: Patience = PATIENT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = endpoint
        self.who = who
        self._sender = sender
        self._patience = patience
        self._sleep = sleep

    def send[T](self, call: Call, read: Callable[[Answer], T]) -> T:
        """Return what *read* makes of the answer; it raises :class:`AwsRefusal` for a refusal.

        Throttles, failures of the service and broken connections are tried again, as the SDKs do for every
        call: an update may happen twice, which our conditions and transaction tokens are for.

        Raises
        ------
        AwsRefusal
            The service said no, or did not stop failing.
        NoAnswer
            It could not be reached, or did not answer in time.
        """
        began = time.monotonic()
        attempt = 1
        while True:
            try:
                return read(self._sender.send(self._signed(call)))
            except (AwsRefusal, NoAnswer) as error:
                wait_s = self._wait_s(attempt)
                late = time.monotonic() - began + wait_s > self._patience.budget_s
                if late or attempt >= self._patience.attempts or not _is_transient(error):
                    raise
            self._sleep(wait_s)
            attempt += 1

    def scope(self) -> Scope:
        """Return what a signature of now is good for."""
        return Scope(service=self.endpoint.signing_name, region=self.endpoint.region, at=datetime.now(UTC))

    def _signed(self, call: Call) -> Request:
        origin = call.origin or self.endpoint.origin
        query = query_string(call.query)
        headers = {**call.headers, "host": origin.partition("://")[2]}
        if call.content.size_bytes or call.method in {"PUT", "POST"}:
            headers["content-length"] = str(call.content.size_bytes)
        asked = Asked(
            method=call.method,
            path=call.path,
            query=query,
            headers=headers,
            payload_sha256=call.content.sha256.hex(),
        )
        body = call.content.source
        if not isinstance(body, bytes):
            body.seek(0)
        return Request(
            method=call.method,
            origin=origin,
            target=f"{call.path}?{query}" if query else call.path,
            headers=sign_headers(asked, self.who(), self.scope()),
            body=body,
            within_s=call.within_s,
        )

    def _wait_s(self, attempt: int) -> float:
        """Return a random wait below a bound that doubles: who failed together shall not come back together."""
        return min(_LONGEST_WAIT_S, random.uniform(0, 2.0 ** (attempt - 1)))  # noqa: S311  # no secret


def _is_transient(error: AwsRefusal | NoAnswer) -> bool:
    if isinstance(error, NoAnswer):
        return True
    return error.code in _TRANSIENT or error.status in _TRANSIENT_STATUS


@functools.cache
def s3() -> Service:
    """Return the process's S3."""
    return service_at(endpoints.S3)


@functools.cache
def sagemaker_runtime() -> Service:
    """Return the process's SageMaker runtime, which asks once and never again.

    API Gateway gives up after 29 s, so that a slow answer leaves no time for another try; before that the caller
    gets our 503 and not its 504.
    """
    connections = Connections(Timeouts(connect_s=1, read_s=20))
    endpoint = endpoint_of(endpoints.SAGEMAKER_RUNTIME)
    return Service(endpoint, connections, patience=Patience(attempts=1))


def service_at(place: Place, environ: Mapping[str, str] = os.environ) -> Service:
    """Return the service at *place*, found and asked as *environ* says."""
    return Service(endpoint_of(place, environ), _connections(), who=lambda: credentials.of_process(environ))


@functools.cache
def _connections() -> Connections:
    """Return the connections of every service but the runtime."""
    # Lambda kills a handler that waits longer than its own limit: fail sooner and let the event come back.
    return Connections(Timeouts(connect_s=3, read_s=25))
