"""What S3 says of objects and of the parts of an upload."""

import base64
import hashlib
from datetime import datetime

import msgspec

# Amazon S3 user guide, "Amazon S3 multipart upload limits".
MAX_PARTS = 10_000
MIN_PART_BYTES = 5 * 1024 * 1024  # of every part but the last


class ObjectInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What S3 says of one object version; ``version_id`` is None in a bucket without versions."""

    key: str
    size_bytes: int
    etag: str = ""
    version_id: str | None = None
    modified_at: datetime | None = None
    checksum_sha256: str | None = None


class PartInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One part of an upload that has arrived; ``sha256`` is base64, as S3 writes it."""

    number: int
    etag: str
    sha256: str
    size_bytes: int = 0


class PresignedPart(msgspec.Struct, frozen=True, kw_only=True):
    """Where to PUT one part, and the headers that must go with it: they are signed."""

    url: str
    headers: dict[str, str]


def sha256_of(body: bytes | bytearray) -> str:
    """Return the SHA-256 of *body* in base64."""
    return base64.b64encode(hashlib.sha256(body).digest()).decode()


def composite_sha256(parts: list[str]) -> str:
    """Return S3's checksum of an object from those of its *parts*: a hash of hashes and their number.

    S3 user guide, "Checking object integrity", composite checksums.
    """
    digests = b"".join(base64.b64decode(part) for part in parts)
    return f"{sha256_of(digests)}-{len(parts)}"
