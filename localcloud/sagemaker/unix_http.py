"""HTTP over a Unix socket with kept-alive connections: the way from the runtime to a model server."""

import http.client
import os
import queue
import socket
from pathlib import Path

import msgspec


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What a model server answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class ConnectionPool:
    """Connections to one socket file, taken and given back by any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: queue.LifoQueue[_UnixConnection] = queue.LifoQueue()

    def post(self, url: str, body: bytes, headers: dict[str, str], timeout_s: float) -> Reply:
        """Send one POST and return the reply.

        A kept connection may have been closed by the server meanwhile; only then, and only when nothing
        was answered, is the request sent once more on a new one.

        Raises
        ------
        TimeoutError
            No reply in time.
        OSError, http.client.HTTPException
            The server is gone.
        """
        try:
            connection = self._idle.get_nowait()
        except queue.Empty:
            return self._exchange(_UnixConnection(self._path), url, body, headers, timeout_s)
        try:
            return self._exchange(connection, url, body, headers, timeout_s)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            return self._exchange(_UnixConnection(self._path), url, body, headers, timeout_s)

    def ping(self) -> int | None:
        """Return the status of GET /ping within AWS's 2 seconds; None when nothing listens yet."""
        reply = self.get("/ping", timeout_s=2)
        return reply.status if reply else None

    def get(self, url: str, *, timeout_s: float) -> Reply | None:
        """Return the reply to one GET on a connection of its own; None where none comes."""
        connection = _UnixConnection(self._path)
        connection.timeout = timeout_s
        try:
            connection.request("GET", url)
            response = connection.getresponse()
            return Reply(status=response.status, headers=dict(response.getheaders()), body=response.read())
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        while True:
            try:
                self._idle.get_nowait().close()
            except queue.Empty:
                return

    def _exchange(
        self, connection: "_UnixConnection", url: str, body: bytes, headers: dict[str, str], timeout_s: float
    ) -> Reply:
        connection.set_timeout(timeout_s)
        try:
            connection.request("POST", url, body=body, headers=headers)
            response = connection.getresponse()
            reply = Reply(status=response.status, headers=dict(response.getheaders()), body=response.read())
        except BaseException:
            connection.close()
            raise
        # Last in, first out: the connection used last is the least likely to have been closed.
        self._idle.put(connection)
        return reply


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost")
        self._path = path

    def set_timeout(self, timeout_s: float) -> None:
        """Set how long the next exchange may take, on a connection that may be open already."""
        self.timeout = timeout_s
        if self.sock is not None:
            self.sock.settimeout(timeout_s)

    def connect(self) -> None:
        """Open the socket; http.client calls this when it needs one."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        # A socket's path is limited to 108 bytes; through the folder's descriptor it is always short.
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{self._path.name}")
        except BaseException:
            self.sock.close()
            self.sock = None
            raise
        finally:
            os.close(folder)
