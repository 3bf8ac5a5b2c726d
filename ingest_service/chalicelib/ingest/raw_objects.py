"""Adapter: uploaded objects in the incoming bucket, and the permissions to upload them."""

from collections.abc import Iterator, Sequence
from typing import Any

from shared.errors import NotFound
from shared.objects import READ_BYTES, Bucket, ObjectInfo, ObjectStream, PartInfo, PresignedPart
from shared.objects.facts import composite_sha256


class RawObjects:
    """Reads what users upload, and lets them upload; writes no byte itself."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.bucket_name = bucket.name

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo:
        """Return size and version of an object; NotFound once it is deleted."""
        return self._bucket.head(key, version_id)

    def list_versions(self, prefix: str, *, deep: bool = True) -> Iterator[ObjectInfo]:
        """Yield every version of every object under *prefix*, also those that another one has replaced."""
        return self._bucket.list_versions(prefix, deep=deep)

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders right under *prefix*."""
        return self._bucket.folders(prefix)

    def stream(self, info: ObjectInfo, *, part_bytes: int = READ_BYTES) -> ObjectStream:
        """Return one exact version as a file that can seek; open it as often as passes are needed."""
        return self._bucket.stream(info, part_bytes=part_bytes)

    def presign(self, key: str, *, max_bytes: int, expires_s: int) -> dict[str, Any]:
        """Return the form with which anyone may upload exactly *key*."""
        return self._bucket.presign_post(key, max_bytes=max_bytes, expires_s=expires_s)

    def begin(self, key: str) -> str:
        """Begin an upload in parts and return its id."""
        return self._bucket.begin_multipart(key)

    def presign_part(self, key: str, upload_id: str, part: tuple[int, str], expires_s: int) -> PresignedPart:
        """Return where anyone may send exactly one part: its number and its SHA-256 in base64."""
        number, sha256 = part
        return self._bucket.presign_part(key, upload_id, number, sha256=sha256, expires_s=expires_s)

    def arrived(self, key: str, upload_id: str, *, limit: int | None = None) -> tuple[PartInfo, ...]:
        """Return the parts that have arrived; NotFound for an upload that is over or never was."""
        return self._bucket.list_parts(key, upload_id, limit=limit)

    def complete(
        self, key: str, upload_id: str, parts: Sequence[PartInfo], *, size_bytes: int | None
    ) -> str | None:
        """Make the parts one object and return its version id; once it is, say so again.

        Raises
        ------
        NotFound
            The upload is over, and the object is another.
        Conflict
            The parts are not those that have arrived.
        """
        try:
            return self._bucket.complete_multipart(key, upload_id, parts, size_bytes=size_bytes)
        except NotFound:
            # The first answer may have been lost on its way: the same parts have the same checksum.
            info = self._bucket.head(key)
            if info.checksum_sha256 != composite_sha256([part.sha256 for part in parts]):
                raise
            return info.version_id

    def abort(self, key: str, upload_id: str) -> None:
        """Throw an unfinished upload away; NotFound when it is over or never was."""
        self._bucket.abort_multipart(key, upload_id)
