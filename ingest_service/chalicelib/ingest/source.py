"""Where a reader's bytes come from: one S3 object version, or a file that a processing job was given."""

from pathlib import Path
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


class FileSource(msgspec.Struct, frozen=True, kw_only=True):
    """A file on local disk."""

    path: Path

    @property
    def name(self) -> str:
        """The file's name."""
        return self.path.name

    @property
    def size_bytes(self) -> int:
        """The file's length."""
        return self.path.stat().st_size

    def open(self) -> IO[bytes]:
        """Return a new stream of the file."""
        return self.path.open("rb")
