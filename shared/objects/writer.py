"""Write an object of unknown size in constant memory: every byte checked by S3, or no object at all."""

import contextlib
import hashlib
from types import TracebackType
from typing import Protocol, Self

from shared.errors import HeadraceError
from shared.objects.facts import MIN_PART_BYTES, PartInfo, sha256_of

WRITE_BYTES = 8 * 1024 * 1024
# Parts double after each thousand, so 10,000 of them reach S3's largest object whatever the first size was.
PARTS_OF_ONE_SIZE = 1_000


class _Parts(Protocol):
    """The part of :class:`~shared.objects.Bucket` that a writer needs."""

    def write(
        self, key: str, body: bytes, *, content_type: str, new: bool, sha256: str | None
    ) -> str | None: ...
    def begin_multipart(self, key: str, *, content_type: str) -> str: ...
    def upload_part(self, key: str, upload_id: str, number: int, body: bytes) -> PartInfo: ...
    def complete_multipart(
        self, key: str, upload_id: str, parts: list[PartInfo], *, size_bytes: int | None, new: bool
    ) -> str | None: ...
    def abort_multipart(self, key: str, upload_id: str) -> None: ...


class ObjectWriter:
    """A file to write in a ``with`` block; the object appears when the block ends, and not if it raises.

    ``size_bytes`` and ``sha256`` (hex, of the whole) count what was written so far; ``version_id`` is S3's name of
    the object once the block has ended, None before and in a bucket without versions.
    """

    def __init__(self, bucket: _Parts, key: str, *, content_type: str, part_bytes: int, new: bool) -> None:
        if part_bytes < MIN_PART_BYTES:
            raise ValueError(f"part_bytes={part_bytes}: S3 takes parts of {MIN_PART_BYTES} bytes and more")
        self._bucket = bucket
        self._key = key
        self._content_type = content_type
        self._part_bytes = part_bytes
        self._new = new
        self._buffer = bytearray()
        self._digest = hashlib.sha256()
        self._upload_id: str | None = None
        self._parts: list[PartInfo] = []
        self.size_bytes = 0
        self.version_id: str | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 of everything written, in hex."""
        return self._digest.hexdigest()

    def write(self, data: bytes | bytearray | memoryview) -> int:
        """Take *data* and return its number of bytes."""
        view = memoryview(data).cast("B")
        written = len(view)
        self._digest.update(view)
        self.size_bytes += written
        while view:
            # Full and more to come: content of one part alone goes as one simple object.
            if len(self._buffer) == self._wanted_bytes():
                self._send_part()
            room = self._wanted_bytes() - len(self._buffer)
            self._buffer += view[:room]
            view = view[room:]
        return written

    def flush(self) -> None:
        """Do nothing: S3 takes no part below its smallest size."""

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self.size_bytes

    def writable(self) -> bool:
        """Return True."""
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._abort()
            return
        try:
            self._finish()
        except BaseException:
            self._abort()
            raise

    def _wanted_bytes(self) -> int:
        wanted: int = self._part_bytes * 2 ** (len(self._parts) // PARTS_OF_ONE_SIZE)
        return wanted

    def _send_part(self) -> None:
        if self._upload_id is None:
            self._upload_id = self._bucket.begin_multipart(self._key, content_type=self._content_type)
        number = len(self._parts) + 1
        self._parts.append(self._bucket.upload_part(self._key, self._upload_id, number, bytes(self._buffer)))
        self._buffer.clear()

    def _finish(self) -> None:
        if self._upload_id is None:
            body = bytes(self._buffer)
            self.version_id = self._bucket.write(
                self._key, body, content_type=self._content_type, new=self._new, sha256=sha256_of(body)
            )
            return
        self._send_part()
        self.version_id = self._bucket.complete_multipart(
            self._key, self._upload_id, self._parts, size_bytes=self.size_bytes, new=self._new
        )

    def _abort(self) -> None:
        """Throw the parts away; where that fails, the bucket's lifecycle rule does it."""
        if self._upload_id is not None:
            # What went wrong first is what the caller must hear.
            with contextlib.suppress(HeadraceError):
                self._bucket.abort_multipart(self._key, self._upload_id)
