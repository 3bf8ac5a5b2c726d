"""Adapter: one S3 object version as what a reader reads."""

from typing import IO, cast

import msgspec
from chalicelib.ingest.raw_objects import RawObjects

from shared.objects import ObjectInfo


class StoredSource(msgspec.Struct, frozen=True, kw_only=True):
    """One version of an object in the incoming bucket, read by ranged requests."""

    raw: RawObjects
    info: ObjectInfo

    @property
    def name(self) -> str:
        """The last part of the object's key."""
        return self.info.key.rpartition("/")[2]

    @property
    def size_bytes(self) -> int:
        """What S3 says the version has."""
        return self.info.size_bytes

    def open(self) -> IO[bytes]:
        """Return a new stream of the version; it never ends early, it raises ``Unavailable``."""
        return cast("IO[bytes]", self.raw.stream(self.info))
