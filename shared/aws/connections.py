"""HTTP/1.1 over connections that are kept open: one request, one answer, no decisions."""

import collections
import contextlib
import io
import select
import socket
from typing import IO, Any, Protocol

import msgspec

from shared.aws import wire
from shared.aws.errors import NoAnswer

_PIECE_BYTES = 256 * 1024
_MAX_IDLE = 8  # of one origin; more threads than that at a time pay for a connection


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One signed request; ``target`` is its path and query, ``body`` bytes, or a file sent from its first byte.

    ``within_s`` is less patience with the answer than the connections have.
    """

    method: str
    origin: str
    target: str
    headers: dict[str, str]
    body: bytes | IO[bytes] = b""
    within_s: float | None = None


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long to wait for a connection, and for the next bytes of an answer."""

    connect_s: float
    read_s: float


class Readable(Protocol):
    """What an answer's body is read from."""

    def read(self, size: int, /) -> bytes:
        """Return at most *size* bytes (all, if below 0), none at the end."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class Answer:
    """What came back: header names in lower case, and a ``body`` that is read once and closed."""

    def __init__(self, status: int, headers: dict[str, str], body: Readable) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def read_all(self, limit: int) -> bytes:
        """Return the whole body, and never more than *limit* bytes of it."""
        with contextlib.closing(self.body) as body:
            pieces: list[bytes] = []
            while limit > 0 and (piece := body.read(min(limit, _PIECE_BYTES))):
                pieces.append(piece)
                limit -= len(piece)
        return b"".join(pieces)


class Connections:
    """Sends requests, over an open connection where one is idle; threads may share it."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._idle: dict[str, collections.deque[socket.socket]] = {}

    def send(self, request: Request) -> Answer:
        """Return the answer, its body still to be read.

        Redirects are answers like any other: who follows one signs for a host it was never asked to trust.

        Raises
        ------
        NoAnswer
            There was no connection, or it broke or stayed silent before an answer began.
        """
        idle = self._take(request.origin)
        if idle is not None:
            # A server may close an idle connection in the moment it is used: that one failure is no answer yet.
            with contextlib.suppress(_Stale):
                return self._exchange(idle, request, kept=True)
            _rewind(request)
        return self._exchange(self._connect(request.origin), request, kept=False)

    def close(self) -> None:
        """Close what is idle."""
        for connections in self._idle.values():
            while connections:
                connections.pop().close()

    __del__ = close

    def _take(self, origin: str) -> socket.socket | None:
        """Return an idle connection that the other side has not closed meanwhile."""
        idle = self._idle.get(origin)
        while idle:
            try:
                connection = idle.pop()
            except IndexError:  # another thread was faster
                return None
            if not _has_news(connection):
                return connection
            connection.close()
        return None

    def _connect(self, origin: str) -> socket.socket:
        try:
            connection = wire.connect(origin, self._timeouts.connect_s)
        except OSError as error:
            raise NoAnswer(f"{origin}: no connection ({type(error).__name__})") from error
        return connection

    def _exchange(self, connection: socket.socket, request: Request, *, kept: bool) -> Answer:
        patience_s = self._timeouts.read_s
        connection.settimeout(patience_s if request.within_s is None else min(patience_s, request.within_s))
        try:
            # A server that refuses early answers and closes before it has read everything: the answer counts.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                wire.send(connection, request.method, request.target, request.headers, request.body)
            incoming = wire.Incoming(connection, request.method)
        except (OSError, wire.Malformed) as error:
            connection.close()
            if kept and isinstance(error, ConnectionError):
                raise _Stale from error
            raise _no_answer(request.origin, error) from error
        except BaseException:
            connection.close()
            raise
        return Answer(incoming.status, incoming.headers, _Body(self, request.origin, connection, incoming))

    def give_back(self, origin: str, connection: socket.socket) -> None:
        """Keep *connection* for the next request."""
        idle = self._idle.setdefault(origin, collections.deque())
        if len(idle) < _MAX_IDLE:
            idle.append(connection)
        else:
            connection.close()


class _Stale(Exception):
    """A kept connection turned out to be closed."""


class _Body(io.RawIOBase):
    """An answer's bytes; an early end is :class:`NoAnswer`, and a full one gives the connection back."""

    def __init__(
        self,
        connections: Connections,
        origin: str,
        connection: socket.socket,
        incoming: wire.Incoming,
    ) -> None:
        super().__init__()
        self._connections = connections
        self._origin = origin
        self._connection: socket.socket | None = connection
        self._incoming = incoming
        self._finish_if_over()

    def readable(self) -> bool:
        """Return True."""
        return True

    def read(self, size: int | None = -1) -> bytes:
        """Return at most *size* bytes (all that are left), none at the end."""
        if self._incoming.is_over:
            return b""
        if self._connection is None:
            raise ValueError(f"{self._origin}: read of an answer that is closed or broke off")
        try:
            piece = self._incoming.read(None if size is None or size < 0 else size)
        except (OSError, wire.Malformed) as error:
            self._drop()
            raise _no_answer(f"{self._origin}: the answer broke off", error) from error
        self._finish_if_over()
        return piece

    def readinto(self, buffer: Any) -> int:
        """Fill *buffer* as far as bytes have come."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def readall(self) -> bytes:
        """Return all that is left."""
        return self.read()

    def close(self) -> None:
        """Let go of the connection; with bytes still to come it cannot be used again."""
        self._drop()
        super().close()

    def _finish_if_over(self) -> None:
        connection = self._connection
        if connection is None or not self._incoming.is_over:
            return
        self._connection = None
        self._incoming.close()
        if self._incoming.ends_connection:
            connection.close()
        else:
            self._connections.give_back(self._origin, connection)

    def _drop(self) -> None:
        if self._connection is not None:
            self._incoming.close()
            self._connection.close()
            self._connection = None


def _no_answer(what: str, error: Exception) -> NoAnswer:
    """Return how it failed, by the error's name alone: its text may quote what was received."""
    return NoAnswer(f"{what}: {type(error).__name__}", is_late=isinstance(error, TimeoutError))


def _rewind(request: Request) -> None:
    if not isinstance(request.body, bytes):
        request.body.seek(0)


def _has_news(connection: socket.socket) -> bool:
    """Say whether anything arrived on an idle connection: that can only be its end."""
    # Not select(): it cannot watch sockets numbered 1,024 and above.
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
