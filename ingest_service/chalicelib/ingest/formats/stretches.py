"""One stream of rows cut into several: DuckDB keeps all that it has read of a pipe until that file's end.

What it keeps beyond its memory it spills, so that a gigabyte through one FIFO takes a gigabyte of disk, and time.
"""

from collections.abc import Callable, Iterator

from chalicelib.ingest.formats.fifos import Stream

STRETCH_BYTES = 16 << 20
TOGETHER = 4  # of one statement: at its end DuckDB forgets the rows that it has set apart


class Stretches:
    """Offers *chunks* stretch by stretch, *mark* behind each; they are to be poured in their order, each to its end.

    ``cut`` returns where in a chunk a stretch may end, 0 where nowhere. ``count`` is how many have begun, ``is_over``
    whether the newest of them was the last, or broke off.
    """

    def __init__(self, chunks: Iterator[bytes], cut: Callable[[bytes], int], mark: bytes = b"") -> None:
        self._chunks = chunks
        self._cut = cut
        self._mark = mark
        self._held: bytes | None = None
        self.is_over = False
        self.count = 0

    def __iter__(self) -> Iterator[Stream]:
        """Offer stretches for as long as none that was poured was the last."""
        while not self.is_over:
            yield self._stretch

    def _stretch(self) -> Iterator[bytes]:
        # It may have been offered before the one ahead of it turned out to be the last.
        if self.is_over:
            return
        self.count += 1
        self.is_over = True
        poured = 0
        while (chunk := self._next()) is not None:
            at = self._cut(chunk) if poured >= STRETCH_BYTES else 0
            if at:
                self._held = chunk[at:]
                self.is_over = False
                yield chunk[:at]
                break
            poured += len(chunk)
            yield chunk
        yield self._mark

    def _next(self) -> bytes | None:
        held, self._held = self._held, None
        return held if held is not None else next(self._chunks, None)
