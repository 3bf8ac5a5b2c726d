"""Read one exact version of an object, whatever happens to the connection.

S3 closes connections, and a closed connection looks like the end of a file. So the bytes come in ranges, each
checked against the version's size, and a range that breaks is asked for again from where it stopped.
"""

import io
from collections.abc import Callable
from typing import IO, Protocol

from shared.errors import Unavailable
from shared.objects.facts import ObjectInfo

READ_BYTES = 16 * 1024 * 1024
# In a row, without one new byte; the client's own retries of each request come on top.
ATTEMPTS = 4


class _Buffer(Protocol):
    """What :meth:`io.RawIOBase.readinto` fills."""

    def __buffer__(self, flags: int, /) -> memoryview: ...


class ObjectStream(io.RawIOBase):
    """The bytes of one object version as a file that can seek; it never ends before the object does.

    Parameters
    ----------
    open_range
        Opens the bytes from a first position to before a last one; breaks raise ``Unavailable``.
    info
        The version. Its size is what the stream holds itself to.
    part_bytes
        Bytes asked for at a time. Memory does not depend on it: a range is passed on as it arrives.
    """

    def __init__(
        self, open_range: Callable[[int, int], IO[bytes]], info: ObjectInfo, *, part_bytes: int = READ_BYTES
    ) -> None:
        super().__init__()
        self.info = info
        self._open_range = open_range
        self._part_bytes = part_bytes
        self._position = 0
        self._range: IO[bytes] | None = None
        self._range_end = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True; a seek costs a new request at the next read."""
        return True

    def tell(self) -> int:
        """Return the position of the next byte."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to *offset* and return the new position; past the end there is nothing to read."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.info.size_bytes}[whence]
        if start + offset < 0:
            raise ValueError(f"seek to {start + offset}: before the first byte")
        if start + offset != self._position:
            self._drop_range()
        self._position = start + offset
        return self._position

    def readinto(self, buffer: _Buffer) -> int:
        """Fill *buffer*, less only at the end of the object.

        Raises
        ------
        Unavailable
            The connection broke again and again.
        PreconditionFailed
            The object is not the one that ``info`` describes any more.
        NotFound
            The version was deleted.
        """
        self._check_open()
        view = memoryview(buffer).cast("B")
        wanted = max(0, min(len(view), self.info.size_bytes - self._position))
        filled = 0
        while filled < wanted:
            chunk = self._read_some(wanted - filled)
            view[filled : filled + len(chunk)] = chunk
            filled += len(chunk)
        return filled

    def readall(self) -> bytes:
        """Return everything from here to the end."""
        return self.read(max(0, self.info.size_bytes - self._position)) or b""

    def close(self) -> None:
        """Let go of the connection."""
        self._drop_range()
        super().close()

    def _read_some(self, size: int) -> bytes:
        """Return at least one byte and at most *size*."""
        reason = "no bytes came"
        for _ in range(ATTEMPTS):
            try:
                chunk = self._range_here().read(min(size, self._range_end - self._position))
            except Unavailable as error:
                chunk, reason = b"", str(error)
            if chunk:
                self._position += len(chunk)
                if self._position == self._range_end:
                    self._drop_range()
                return chunk
            self._drop_range()
        raise Unavailable(
            f"{self.info.key}: stopped at byte {self._position} of {self.info.size_bytes}: {reason}"
        )

    def _range_here(self) -> IO[bytes]:
        if self._range is None:
            self._range_end = min(self._position + self._part_bytes, self.info.size_bytes)
            self._range = self._open_range(self._position, self._range_end)
        return self._range

    def _drop_range(self) -> None:
        if self._range is not None:
            self._range.close()
            self._range = None

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError(f"read of {self.info.key}: the stream is closed")
