"""HTTP/1.1 on one socket: a request goes out in one piece, an answer comes in as head and framed body.

http.client reads the head of an answer as an e-mail and sends the head of a request apart from its body: a quarter
of the CPU time of a call of a few hundred bytes. What its framing does stays: lengths, chunks, until the end.
"""

import functools
import os
import socket
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import urlsplit

_PIECE_BYTES = 256 * 1024  # of a file that is sent
_JOINED_BYTES = 64 * 1024  # up to here copying a body behind its head is cheaper than another system call
_MAX_LINE_BYTES = 64 * 1024
_MAX_LINES = 128
_BODILESS = {204, 304}
_DIGITS = {10: set("0123456789"), 16: set("0123456789abcdefABCDEF")}


class Malformed(Exception):
    """What came is no answer of HTTP/1.1, or one that ended within its framing."""


def connect(origin: str, timeout_s: float) -> socket.socket:
    """Return a socket to *origin* (``scheme://host[:port]``), encrypted for https.

    Raises
    ------
    OSError
        There is no connection.
    """
    place = urlsplit(origin)
    is_secure = place.scheme == "https"
    port = place.port or (443 if is_secure else 80)
    plain = socket.create_connection((place.hostname or "", port), timeout_s)
    # Otherwise the second of two small pieces waits for the first one's receipt.
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not is_secure:
        return plain
    try:
        secured: socket.socket = _tls().wrap_socket(plain, server_hostname=place.hostname)
    except BaseException:
        plain.close()
        raise
    return secured


def send(
    to: socket.socket, method: str, target: str, headers: Mapping[str, str], body: bytes | IO[bytes]
) -> None:
    """Send one request, a file from its first byte.

    Raises
    ------
    ValueError
        A header or the target would begin a line or a part of its own.
    """
    head = _head(method, target, headers)
    if isinstance(body, bytes) and len(body) <= _JOINED_BYTES:
        to.sendall(head + body)
        return
    to.sendall(head)
    if isinstance(body, bytes):
        to.sendall(body)
        return
    while piece := body.read(_PIECE_BYTES):
        to.sendall(piece)


def _head(method: str, target: str, headers: Mapping[str, str]) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *[f"{name}: {text}" for name, text in headers.items()]]
    text = "\r\n".join(lines)
    breaks = len(lines) - 1
    if lines[0].count(" ") != 2 or text.count("\n") != breaks or text.count("\r") != breaks:
        raise ValueError(f"{method}: a line break or a space where none may be, in the target or a header")
    return f"{text}\r\n\r\n".encode()


class Incoming:
    """One answer: its ``status`` and ``headers`` (names in lower case), then what is left of its body.

    ``is_over``: all of the body was read. ``ends_connection``: no other answer will come on this socket.

    Raises
    ------
    Malformed
        It is none of HTTP/1.1.
    ConnectionResetError
        The connection ended before it began.
    """

    def __init__(self, source: socket.socket, method: str) -> None:
        self._file = source.makefile("rb")
        self._left: int | None = 0  # of the body or of its chunk; None: until the connection ends
        self._is_chunked = False
        self.is_over = False
        self.ends_connection = False
        try:
            if not self._file.peek(1):
                raise ConnectionResetError("the connection ended before an answer")
            self.status = self._final_status()
            self.headers = self._fields()
            self._frame(method)
            self.ends_connection = self._is_last()
        except BaseException:
            self._file.close()
            raise

    def read(self, size: int | None) -> bytes:
        """Return at most *size* bytes (None: all that are left), none at the end.

        Raises
        ------
        Malformed
            The connection ended before the body did.
        """
        if size is None:
            return b"".join(iter(lambda: self.read(_PIECE_BYTES), b""))
        if self._is_chunked and self._left == 0 and not self.is_over:
            self._begin_chunk()
        return b"" if self.is_over or size == 0 else self._receive(size)

    def close(self) -> None:
        """Let go of what was received and not read."""
        self._file.close()

    def _receive(self, size: int) -> bytes:
        """Return at most *size* bytes of the chunk or the body that has begun."""
        piece = self._file.read(size if self._left is None else min(size, self._left))
        if self._left is None:
            self.is_over = not piece
        elif not piece:
            raise Malformed(f"{self._left} bytes are missing")
        else:
            self._take(len(piece))
        return piece

    def _take(self, count: int) -> None:
        self._left = (self._left or 0) - count
        if self._left == 0:
            if self._is_chunked:
                self._line()  # the end of the chunk
            else:
                self.is_over = True

    def _final_status(self) -> int:
        """Return the status that is not an announcement of another (RFC 9110, section 15.2)."""
        while True:
            line = self._line()
            version, _, rest = line.partition(" ")
            code = rest[:3]
            if not version.startswith("HTTP/1.") or not code.isascii() or not code.isdigit():
                raise Malformed("no status line of HTTP/1.1")
            if code[0] != "1":
                # Before 1.1 a connection served one request.
                self.ends_connection = version == "HTTP/1.0"
                return int(code)
            self._fields()

    def _fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        for _ in range(_MAX_LINES):
            line = self._line()
            if not line:
                return fields
            name, colon, text = line.partition(":")
            if not colon:
                raise Malformed("a header without a colon")
            name, text = name.lower(), text.strip()
            fields[name] = f"{fields[name]}, {text}" if name in fields else text
        raise Malformed(f"more than {_MAX_LINES} headers")

    def _line(self) -> str:
        line = self._file.readline(_MAX_LINE_BYTES)
        if not line.endswith(b"\n"):
            raise Malformed("a line is too long or broke off")
        return line.decode("latin-1").rstrip("\r\n")

    def _frame(self, method: str) -> None:
        """Find out how the body ends (RFC 9112, section 6.3)."""
        length = self.headers.get("content-length")
        has_body = method != "HEAD" and self.status not in _BODILESS
        self._is_chunked = has_body and "chunked" in self.headers.get("transfer-encoding", "").lower()
        if has_body and not self._is_chunked:
            self._left = None if length is None else _number(length, 10)
        self.is_over = self._left == 0 and not self._is_chunked

    def _is_last(self) -> bool:
        """Say whether the connection ends with this answer (RFC 9112, section 9.3)."""
        closes = "close" in self.headers.get("connection", "").lower()
        return self.ends_connection or closes or self._left is None

    def _begin_chunk(self) -> None:
        self._left = _number(self._line().partition(";")[0].strip(), 16)
        if self._left == 0:
            self._fields()  # trailers
            self.is_over = True


def _number(digits: str, base: int) -> int:
    # int() takes signs, underscores and the digits of all scripts too.
    if not digits or not set(digits) <= _DIGITS[base]:
        raise Malformed("a length is no number")
    return int(digits, base)


@functools.cache
def _tls() -> Any:
    """Return the one context of the process: loading the authorities takes some 10 ms."""
    import ssl

    return ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None)
