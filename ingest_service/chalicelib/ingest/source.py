"""Adapter: one S3 object version as what a reader reads."""

import contextlib
import io
from typing import IO, cast

from chalicelib.ingest.raw_objects import RawObjects

from shared.objects import ObjectInfo

HELD_BYTES = 1 << 20


class StoredSource:
    """One version of an object in the incoming bucket, read by ranged requests; a small one is asked for once."""

    def __init__(self, raw: RawObjects, info: ObjectInfo) -> None:
        self._raw = raw
        self._info = info
        self._held: bytes | None = None

    @property
    def name(self) -> str:
        """The last part of the object's key."""
        return self._info.key.rpartition("/")[2]

    @property
    def size_bytes(self) -> int:
        """What S3 says the version has."""
        return self._info.size_bytes

    def open(self) -> IO[bytes]:
        """Return a new stream of the version; it never ends early, it raises ``Unavailable``."""
        # A format is told by the first bytes, a layout by the first megabyte: each would be a request of its own.
        return io.BytesIO(self._whole()) if self.size_bytes <= HELD_BYTES else self._stream()

    def _whole(self) -> bytes:
        if self._held is None:
            with contextlib.closing(self._stream()) as stream:
                self._held = stream.read(self.size_bytes)
        return self._held

    def _stream(self) -> IO[bytes]:
        return cast("IO[bytes]", self._raw.stream(self._info))
