"""Adapter: pour streams of bytes through FIFOs, beside the statements in which DuckDB reads them as files.

One thread pours them one after the other, so whoever reads must take them in the same order.
"""

import contextlib
import itertools
import os
import secrets
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO

from chalicelib.ingest.engine import widen
from chalicelib.ingest.formats.feed import closable

Stream = Callable[[], Iterator[bytes]]


def queries_of(
    streams: Iterable[Stream], together: int, folder: Path, query_of: Callable[[Sequence[Path]], str]
) -> Generator[str]:
    """Yield a query for every few of *streams*, which are poured while it is run; each must be run before the next.

    What DuckDB keeps of the rows that it sets apart, and of the files that it has read, is gone with its statement.
    """
    for few in itertools.batched(streams, together):
        fifos = {folder / f"{secrets.token_hex(8)}.fifo": stream for stream in few}
        with pouring(fifos):
            yield query_of(list(fifos))


@contextlib.contextmanager
def pouring(streams: Mapping[Path, Stream]) -> Iterator[None]:
    """Pour *streams*, each into the new FIFO of its path, in their order; raise what went wrong with either side.

    A stream is begun when its FIFO has a reader. Its error wins: to DuckDB a stream that broke off is only a
    shorter file.
    """
    for fifo in streams:
        os.mkfifo(fifo, 0o600)
    given_up = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as executor:
        poured = executor.submit(_pour, streams, given_up)
        try:
            yield
        finally:
            given_up.set()
            _release(poured, streams)
            _raise_error_of(poured)


def _pour(streams: Mapping[Path, Stream], given_up: threading.Event) -> None:
    error: Exception | None = None
    for fifo, begin in streams.items():
        # Unbuffered: the pipe itself is the buffer, and a broken one is known at once.
        with fifo.open("wb", buffering=0) as pipe:
            if given_up.is_set():
                break
            # The reader takes a stream that broke off for a shorter one, and waits at the next until someone opens it.
            error = error or _pour_one(pipe, begin)
    if error is not None:
        raise error


def _pour_one(pipe: IO[bytes], begin: Stream) -> Exception | None:
    """Return what broke the stream off."""
    widen(pipe.fileno())
    try:
        with contextlib.closing(closable(begin())) as chunks:
            for chunk in chunks:
                _write_all(pipe, chunk)
    except Exception as error:  # noqa: BLE001 - a supervisor: raised once every reader has had its end
        return error
    return None


def _release(poured: Future[None], fifos: Mapping[Path, object]) -> None:
    """Wake a thread that waits for a reader which will not come, at whichever of *fifos*; remove them all."""
    while not poured.done():
        for fifo in fifos:
            os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))
        with contextlib.suppress(TimeoutError):
            poured.exception(timeout=0.02)
    for fifo in fifos:
        fifo.unlink()


def _raise_error_of(poured: Future[None]) -> None:
    error = poured.exception()
    # The reader went away first: its own error tells why.
    if error is not None and not isinstance(error, BrokenPipeError):
        raise error


def _write_all(pipe: IO[bytes], data: bytes) -> None:
    """Write all of *data*: a raw pipe takes what fits and says how much."""
    view = memoryview(data)
    while view:
        view = view[pipe.write(view) :]
