"""What is uploaded: bytes on disk, the name they get, and how to know them again."""

from pathlib import Path

import msgspec


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A file to upload.

    ``named`` is the path the user gave: for a folder, ``file`` is its zip. ``fingerprint`` tells whether what is
    named there still is the same.
    """

    file: Path
    name: str
    named: Path
    size_bytes: int
    fingerprint: str


def source_of(file: Path) -> Source:
    """Return the source for one file, as it is now."""
    found = file.stat()
    return Source(
        file=file,
        name=file.name,
        named=file.absolute(),
        size_bytes=found.st_size,
        fingerprint=str(found.st_mtime_ns),
    )
