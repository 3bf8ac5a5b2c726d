"""A small HTTP server that answers as told: what AWS and the network do on their bad days."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: close with a reset


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What one request gets: bytes (or what makes them of its head), and what becomes of the connection after them (keep, close, reset, hang)."""

    raw: bytes | Callable[[bytes], bytes] = b""
    then: str = "keep"
    read_body: bool = True


class Server:
    """Gives the replies of ``script`` in order, the last one for ever, and notes what it was asked."""

    def __init__(self) -> None:
        self.script: list[Reply] = []
        self.asked: list[bytes] = []
        self.connections = 0
        self.over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def stop(self) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,))
                self._threads.append(thread)
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(0.05)
        with connection, contextlib.suppress(ConnectionError):
            while (head := self._until_blank_line(connection)) is not None:
                reply = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                self.asked.append(head + (self._body(connection, head) if reply.read_body else b""))
                connection.sendall(reply.raw if isinstance(reply.raw, bytes) else reply.raw(head))
                if reply.then == "hang":
                    self.over.wait()
                if reply.then == "reset":
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
                if reply.then != "keep":
                    return

    def _until_blank_line(self, connection: socket.socket) -> bytes | None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = self._receive(connection, 1)
            if not piece:
                return None
            head += piece
        return head

    def _body(self, connection: socket.socket, head: bytes) -> bytes:
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        left, body = int(fields.get(b"content-length", b"0")), b""
        while len(body) < left and (piece := self._receive(connection, left - len(body))):
            body += piece
        return body

    def _receive(self, connection: socket.socket, size: int) -> bytes:
        while not self.over.is_set():
            with contextlib.suppress(TimeoutError):
                return connection.recv(size)
        return b""


@contextlib.contextmanager
def running(server: Server | None = None) -> Iterator[Server]:
    """Run a server until the block ends."""
    server = server or Server()
    try:
        yield server
    finally:
        server.stop()


def http(status: str, body: bytes = b"", *, length: int | None = None, **headers: Any) -> bytes:
    """Return an answer's bytes; *length* may lie."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    lines = [f"{name}: {text}" for name, text in {"Content-Length": length or len(body), **named}.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body


def xml_error(code: str, message: str = "m") -> bytes:
    """Return S3's spelling of a refusal."""
    return f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
