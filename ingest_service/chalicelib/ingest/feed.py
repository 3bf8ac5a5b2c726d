"""Adapter: pour a byte stream into a FIFO that DuckDB reads, checking it on the way.

What passes through is hashed, counted, proved to be UTF-8 and brought to one line ending. A last line that
only we know follows the data: where DuckDB does not show it, a quote has swallowed the end of the file
(DuckDB 2.0 drops such a tail without a word).
"""

import codecs
import contextlib
import hashlib
import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

from chalicelib.ingest.layout import HEAD_BYTES, wrong_encoding
from chalicelib.ingest.reasons import rejection

CHUNK_BYTES = 1 << 20
_BLANK_LINES = re.compile(rb"\n\n+")


class Feed:
    """One object's bytes, read once. ``head`` is there at once; the rest flows through :meth:`pour`."""

    def __init__(self, source: IO[bytes]) -> None:
        self._source = source
        self._sha256 = hashlib.sha256()
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self.size_bytes = 0
        self.has_ended = False
        self.head = b"".join(self._chunks(HEAD_BYTES))

    @property
    def sha256(self) -> str:
        """The SHA-256 of the raw bytes read so far, in hex."""
        return self._sha256.hexdigest()

    def pour(self, path: Path, rows_at: int, last_line: bytes) -> None:
        """Write everything from byte *rows_at* of the file into *path*, then *last_line*.

        Raises
        ------
        InvalidDataset
            ``wrong_encoding`` or ``not_text``.
        """
        lines = Lines()
        # Unbuffered: the pipe itself is the buffer, and a broken one is known at once.
        with path.open("wb", buffering=0) as fifo:
            _write_all(fifo, lines.feed(self.head[rows_at:]))
            for chunk in self._chunks():
                _write_all(fifo, lines.feed(chunk))
            self._decode(b"", final=True)
            _write_all(fifo, lines.finish() + last_line)

    def _chunks(self, limit: int | None = None) -> Iterator[bytes]:
        """Yield what comes, hashed and checked, up to *limit* bytes in all."""
        while limit is None or limit > 0:
            chunk = self._source.read(min(CHUNK_BYTES, limit or CHUNK_BYTES))
            if not chunk:
                self.has_ended = True
                return
            if limit is not None:
                limit -= len(chunk)
            self._sha256.update(chunk)
            self._decode(chunk)
            self.size_bytes += len(chunk)
            yield chunk

    def _decode(self, chunk: bytes, *, final: bool = False) -> None:
        """Prove that *chunk* goes on as UTF-8 text."""
        before = self.size_bytes - len(self._decoder.getstate()[0])
        if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and not self.size_bytes:
            return  # the header's reader says what it is, better than the first odd byte does
        try:
            self._decoder.decode(chunk, final)
        except UnicodeDecodeError as error:
            raise wrong_encoding(before + error.start, error.object[error.start]) from None
        if b"\0" in chunk:
            offset = self.size_bytes + chunk.index(0)
            raise rejection("not_text", f"Byte {offset} of the file is NUL: this is not a text file.")


class Lines:
    """Brings a stream to line feeds without blank lines, chunk by chunk; quoted text keeps its blank lines."""

    def __init__(self) -> None:
        self._held = b""
        self._in_quotes = False
        self._begun = False

    def feed(self, chunk: bytes) -> bytes:
        """Return what of *chunk* is certain; line breaks at its end wait for what follows."""
        # A chunk may end between \r and \n, or within a run of blank lines: its end waits for the next.
        data = self._held + chunk
        body = data.rstrip(b"\r\n")
        breaks = data[len(body) :]
        if not self._begun:
            body = body.lstrip(b"\r\n")
        self._begun = self._begun or bool(body)
        cleaned = self._clean(body)
        self._held = self._shorten(breaks)
        return cleaned

    def finish(self) -> bytes:
        """Return the end of the last line."""
        return b"\n" if self._begun else b""

    def _shorten(self, breaks: bytes) -> bytes:
        """Keep a run of line breaks short: a file may be nothing else."""
        if self._begun and len(breaks) > 4 and not self._in_quotes:
            return b"\n\r" if breaks.endswith(b"\r") else b"\n"
        return breaks

    def _clean(self, body: bytes) -> bytes:
        if b"\r" in body:
            body = body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        pieces: list[bytes] = []
        at = 0
        for match in _BLANK_LINES.finditer(body):
            self._follow_quotes(body[at : match.start()])
            pieces += [body[at : match.start()], match[0] if self._in_quotes else b"\n"]
            at = match.end()
        self._follow_quotes(body[at:])
        return b"".join([*pieces, body[at:]])

    def _follow_quotes(self, text: bytes) -> None:
        # A doubled quote inside quotes turns this twice, which is right.
        if text.count(b'"') % 2:
            self._in_quotes = not self._in_quotes


@contextlib.contextmanager
def pouring(feed: Feed, fifo: Path, rows_at: int, last_line: bytes) -> Iterator[None]:
    """Pour *feed* into a new *fifo* beside the block that reads it; raise what went wrong with either.

    The feed's own error wins: to DuckDB a stream that broke off is only a shorter file.
    """
    os.mkfifo(fifo, 0o600)
    with ThreadPoolExecutor(max_workers=1) as executor:
        poured = executor.submit(feed.pour, fifo, rows_at, last_line)
        try:
            yield
        finally:
            _release(poured, fifo)
            _raise_feed_error(poured)


def _release(poured: Future[None], fifo: Path) -> None:
    """Wake a pump that still waits for a reader, for instance after an error before DuckDB opened the FIFO."""
    while not poured.done():
        reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
        with contextlib.suppress(TimeoutError):
            poured.exception(timeout=0.02)
        os.close(reader)
        with contextlib.suppress(TimeoutError):
            poured.exception(timeout=0.02)
    fifo.unlink()


def _raise_feed_error(poured: Future[None]) -> None:
    error = poured.exception()
    # The reader went away first: its own error tells why.
    if error is not None and not isinstance(error, BrokenPipeError):
        raise error


def _write_all(fifo: IO[bytes], data: bytes) -> None:
    """Write all of *data*: a raw pipe takes what fits and says how much."""
    view = memoryview(data)
    while view:
        view = view[fifo.write(view) :]
