"""The parts of a large file: where each lies, its hash, its bytes on their way."""

import base64
import hashlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from headrace.failures import BadData

# Small enough that the progress moves on a slow line, large enough to cost no time on a fast one.
CHUNK_BYTES = 256 * 1024


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the file; numbers begin with 1."""

    number: int
    start: int
    size_bytes: int


class Tally:
    """How many bytes are on their way, counted from several threads."""

    def __init__(self, total_bytes: int, show: Callable[[int, int], None]) -> None:
        self._total_bytes = total_bytes
        self._show = show
        self._moved_bytes = 0
        self._lock = threading.Lock()

    def add(self, size_bytes: int) -> None:
        """Count bytes; a part that has to begin again takes its own back."""
        with self._lock:
            self._moved_bytes += size_bytes
            self._show(self._moved_bytes, self._total_bytes)


def parts_of(size_bytes: int, part_size_bytes: int) -> tuple[Part, ...]:
    """Return the parts of a file; only the last may be shorter."""
    return tuple(
        Part(number=number, start=start, size_bytes=min(part_size_bytes, size_bytes - start))
        for number, start in enumerate(range(0, size_bytes, part_size_bytes), start=1)
    )


def sha256_of(file: Path, part: Part) -> str:
    """Return the part's SHA-256 in base64, as S3 spells it."""
    digest = hashlib.sha256()
    for chunk in read_part(file, part):
        digest.update(chunk)
    return base64.b64encode(digest.digest()).decode()


def read_part(file: Path, part: Part) -> Iterator[bytes]:
    """Yield the bytes of a part, all of them.

    Raises
    ------
    BadData
        The file is shorter than it was: a server would wait for the rest for ever.
    """
    left = part.size_bytes
    with file.open("rb") as source:
        source.seek(part.start)
        while left:
            chunk = source.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise BadData(f"{file} became shorter during its upload: upload it again when it is complete")
            left -= len(chunk)
            yield chunk
