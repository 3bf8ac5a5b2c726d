"""One stream of rows cut into several files: DuckDB keeps all that it has read of a pipe until that file's end.

What it keeps beyond its memory it spills, so that a gigabyte through one FIFO takes a gigabyte of disk, and time.
"""

from collections.abc import Callable, Iterator

from chalicelib.ingest.formats.compression import compression_of
from chalicelib.ingest.formats.reader import Limits, Source

FIRST_BYTES = 16 << 20
# So that a hundred gigabytes are some hundreds of files: the next is at least a sixty-fourth of all before it.
_GROWTH = 64
_MAX_STRETCHES = 1000
_OFTEN_INFLATES = 20


def count_stretches(source: Source, limits: Limits) -> int:
    """Return how many files to offer for the text of *source*; where they prove too few, the last one is long."""
    times = _OFTEN_INFLATES if compression_of(source.name) else 1
    most_bytes = min(source.size_bytes * times, limits.max_bytes)
    poured = count = 0
    while poured < most_bytes and count < _MAX_STRETCHES:
        poured += _length_after(poured)
        count += 1
    return max(1, count)


class Stretches:
    """Yields *chunks* stretch by stretch, *mark* behind each.

    ``cut`` returns where in a chunk a stretch may end, 0 where nowhere. ``count`` is how many have begun.
    """

    def __init__(self, chunks: Iterator[bytes], cut: Callable[[bytes], int], mark: bytes = b"") -> None:
        self._chunks = chunks
        self._cut = cut
        self._mark = mark
        self._held: bytes | None = None
        self._poured = 0
        self._is_over = False
        self.count = 0

    def stretch(self, *, is_last: bool) -> Iterator[bytes]:
        """Yield the next stretch, of the last one all that is left; nothing where the stream is over."""
        if self._is_over:
            return
        self.count += 1
        end = self._poured + _length_after(self._poured)
        while (chunk := self._next()) is not None:
            at = 0 if is_last or self._poured < end else self._cut(chunk)
            if at:
                self._held = chunk[at:]
                self._poured += at
                yield chunk[:at]
                break
            self._poured += len(chunk)
            yield chunk
        else:
            self._is_over = True
        yield self._mark

    def _next(self) -> bytes | None:
        held, self._held = self._held, None
        return held if held is not None else next(self._chunks, None)


def _length_after(poured: int) -> int:
    return max(FIRST_BYTES, poured // _GROWTH)
