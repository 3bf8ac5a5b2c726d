"""Adapter: read one object's bytes once, hashed, counted, inflated and capped; and pour bytes into a FIFO."""

import contextlib
import hashlib
import os
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

from chalicelib.ingest.formats.compression import capped, check_size, compression_of, inflate
from chalicelib.ingest.formats.reader import Limits, Source

from shared.errors import Unavailable

CHUNK_BYTES = 1 << 20
# Inflated in pieces, so that the ratio is that of the bytes inflated, not of those that wait to be.
_PIECE_BYTES = 1 << 16


class Feed:
    """One pass over *source*: ``chunks`` yields its content, decompressed where its name says so.

    ``sha256`` and ``size_bytes`` are of the raw bytes read so far.
    """

    def __init__(self, source: Source, limits: Limits) -> None:
        self._source = source
        self._limits = limits
        self._sha256 = hashlib.sha256()
        self._inflated_from = 0
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        """The SHA-256 of the raw bytes read so far, in hex."""
        return self._sha256.hexdigest()

    def chunks(self) -> Iterator[bytes]:
        """Yield the content from its first byte; to be called once.

        Raises
        ------
        InvalidDataset
            ``corrupt_archive``, ``too_large`` or ``inflates_too_much``.
        TooLargeHere
            More than this process takes.
        Unavailable
            The source ended before its last byte.
        """
        kind = compression_of(self._source.name)
        if kind is None:
            check_size(self._source.size_bytes, self._limits)
            return self._raw()
        return capped(inflate(self._pieces(), kind), lambda: self._inflated_from, self._limits)

    def _pieces(self) -> Iterator[bytes]:
        for chunk in self._raw():
            for at in range(0, len(chunk), _PIECE_BYTES):
                piece = chunk[at : at + _PIECE_BYTES]
                self._inflated_from += len(piece)
                yield piece

    def _raw(self) -> Iterator[bytes]:
        with contextlib.closing(self._source.open()) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                self._sha256.update(chunk)
                self.size_bytes += len(chunk)
                yield chunk
        if self.size_bytes != self._source.size_bytes:
            raise Unavailable(
                f"{self._source.name}: {self.size_bytes:,} of {self._source.size_bytes:,} bytes arrived"
            )


@contextlib.contextmanager
def pouring(fifo: Path, chunks: Callable[[], Iterator[bytes]]) -> Iterator[None]:
    """Pour *chunks* into a new *fifo* beside the block that reads it; raise what went wrong with either.

    The error of *chunks* wins: to DuckDB a stream that broke off is only a shorter file.
    """
    os.mkfifo(fifo, 0o600)
    with ThreadPoolExecutor(max_workers=1) as executor:
        poured = executor.submit(_pour, fifo, chunks)
        try:
            yield
        finally:
            _release(poured, fifo)
            _raise_feed_error(poured)


def _pour(fifo: Path, chunks: Callable[[], Iterator[bytes]]) -> None:
    # Unbuffered: the pipe itself is the buffer, and a broken one is known at once.
    with fifo.open("wb", buffering=0) as pipe, contextlib.closing(_generator(chunks())) as pieces:
        for piece in pieces:
            _write_all(pipe, piece)


def _generator(pieces: Iterator[bytes]) -> Generator[bytes]:
    """Make *pieces* closable, so that the source is closed even where the reader goes away."""
    yield from pieces


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


def _write_all(pipe: IO[bytes], data: bytes) -> None:
    """Write all of *data*: a raw pipe takes what fits and says how much."""
    view = memoryview(data)
    while view:
        view = view[pipe.write(view) :]
