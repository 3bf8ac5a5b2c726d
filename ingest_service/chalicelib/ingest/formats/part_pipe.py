"""Adapter: pour parts of a stream into one FIFO each, in their order, beside the block that reads them."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import IO


@contextlib.contextmanager
def pouring_parts(fifos: Sequence[Path], chunks: Callable[[int], Iterator[bytes]]) -> Iterator[None]:
    """Pour ``chunks(0)``, ``chunks(1)``, … into new *fifos*; raise what went wrong with either side.

    The error of *chunks* wins: to DuckDB a stream that broke off is only a shorter file.
    """
    for fifo in fifos:
        os.mkfifo(fifo, 0o600)
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=1) as executor:
        poured = executor.submit(_pour, fifos, chunks, stop)
        try:
            yield
        finally:
            stop.set()
            _release(poured, fifos)
            error = poured.exception()
            # A pipe that broke means that the reader went away first: its own error tells why.
            if error is not None and not isinstance(error, BrokenPipeError):
                raise error


def _pour(fifos: Sequence[Path], chunks: Callable[[int], Iterator[bytes]], stop: threading.Event) -> None:
    for part, fifo in enumerate(fifos):
        with fifo.open("wb", buffering=0) as pipe:
            if stop.is_set():
                return
            for chunk in chunks(part):
                _write_all(pipe, chunk)


def _release(poured: Future[None], fifos: Sequence[Path]) -> None:
    """Wake a pump that waits for a reader which will not come; it may stand at any of the *fifos*."""
    while not poured.done():
        for fifo in fifos:
            os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))
        with contextlib.suppress(TimeoutError):
            poured.exception(timeout=0.01)
    for fifo in fifos:
        fifo.unlink()


def _write_all(pipe: IO[bytes], data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[pipe.write(view) :]
