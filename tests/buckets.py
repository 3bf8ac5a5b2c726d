"""An in-memory stand-in for a bucket; it passes the same contract tests as the real one."""

import hashlib
import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import IO, Any
from urllib.parse import quote, urlencode

from shared.errors import Conflict, NotFound, PreconditionFailed, Unavailable
from shared.objects import MIN_PART_BYTES, Bucket, ObjectInfo, PartInfo, PresignedPart
from shared.objects.facts import composite_sha256, sha256_of

Version = tuple[str, bytes, datetime]  # its id, its bytes, when it was written
Marks = tuple[str, str | None]  # ETag and checksum


class FakeUpload:
    """One unfinished upload, its parts by number."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.parts: dict[int, tuple[PartInfo, bytes]] = {}


class FakeBucket(Bucket):
    """A versioned bucket in a dict; what it refuses, it refuses as S3 does."""

    def __init__(self, name: str) -> None:
        nobody: Any = None
        super().__init__(nobody, name)
        self.versions: dict[str, list[Version]] = {}
        self.marks: dict[tuple[str, str], Marks] = {}
        self.uploads: dict[str, FakeUpload] = {}

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo:
        version, body, modified = self._find(key, version_id)
        etag, checksum = self.marks.get((key, version), (_md5(body).hex(), None))
        return ObjectInfo(
            key=key,
            size_bytes=len(body),
            etag=etag,
            version_id=version,
            modified_at=modified,
            checksum_sha256=checksum,
        )

    def read(self, key: str, version_id: str | None = None) -> bytes:
        return self._find(key, version_id)[1]

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        return io.BytesIO(self.read(key, version_id))

    def open_range(self, info: ObjectInfo, start: int, end: int) -> IO[bytes]:
        found = self.head(info.key, info.version_id)
        if info.etag not in {"", found.etag} or found.size_bytes != info.size_bytes:
            raise PreconditionFailed(f"read {self.uri(info.key)}: it is another object now")
        return io.BytesIO(self.read(info.key, info.version_id)[start:end])

    def write(
        self,
        key: str,
        body: bytes | IO[bytes],
        *,
        content_type: str = "application/octet-stream",
        new: bool = False,
        sha256: str | None = None,
    ) -> str | None:
        content = body if isinstance(body, bytes) else body.read()
        if sha256 not in {None, sha256_of(content)}:
            raise Unavailable(f"write {self.uri(key)}: the bytes have another SHA-256")
        return self._store(key, content, (_md5(content).hex(), sha256), new=new)

    def delete(self, key: str) -> None:
        self.versions.pop(key, None)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for key in sorted(self.versions):
            if key.startswith(prefix):
                yield self.head(key)

    def folders(self, prefix: str) -> Iterator[str]:
        below = {key.removeprefix(prefix) for key in self.versions if key.startswith(prefix)}
        yield from sorted({f"{prefix}{rest.partition('/')[0]}/" for rest in below if "/" in rest})

    def list_versions(self, prefix: str, *, deep: bool = True) -> Iterator[ObjectInfo]:
        for key in sorted(self.versions):
            if key.startswith(prefix) and (deep or "/" not in key.removeprefix(prefix)):
                yield from (self.head(key, version) for version, _, _ in reversed(self.versions[key]))

    def presign_get(self, key: str, *, expires_s: int) -> str:
        return f"https://{self.name}.test/{quote(key)}?expires={expires_s}"

    def presign_post(
        self, key: str, *, max_bytes: int, expires_s: int, checksum_sha256: str | None = None
    ) -> dict[str, Any]:
        also = {"x-amz-checksum-sha256": checksum_sha256} if checksum_sha256 else {}
        return {"url": f"https://{self.name}.test/", "fields": {"key": key, **also}}

    def copy_version(self, source: Bucket, info: ObjectInfo, key: str) -> None:
        self.write(key, source.read(info.key, info.version_id))

    def begin_multipart(self, key: str, *, content_type: str = "application/octet-stream") -> str:
        upload_id = f"upload+/={len(self.uploads)}"
        self.uploads[upload_id] = FakeUpload(key)
        return upload_id

    def upload_part(self, key: str, upload_id: str, number: int, body: bytes) -> PartInfo:
        part = PartInfo(number=number, etag=_md5(body).hex(), sha256=sha256_of(body), size_bytes=len(body))
        self._upload_of(key, upload_id).parts[number] = (part, body)
        return part

    def presign_part(
        self, key: str, upload_id: str, number: int, *, sha256: str, expires_s: int
    ) -> PresignedPart:
        query = urlencode({"uploadId": upload_id, "partNumber": number, "expires": expires_s})
        url = f"https://{self.name}.test/{quote(key)}?{query}"
        return PresignedPart(url=url, headers={"x-amz-checksum-sha256": sha256})

    def list_parts(self, key: str, upload_id: str, *, limit: int | None = None) -> tuple[PartInfo, ...]:
        parts = self._upload_of(key, upload_id).parts
        return tuple(parts[number][0] for number in sorted(parts))[:limit]

    def complete_multipart(
        self,
        key: str,
        upload_id: str,
        parts: Iterable[PartInfo],
        *,
        size_bytes: int | None = None,
        new: bool = False,
    ) -> str | None:
        told = list(parts)
        bodies = _bodies(self._upload_of(key, upload_id), told)
        content = b"".join(bodies)
        if size_bytes not in {None, len(content)}:
            raise Conflict(f"complete {self.uri(key)}: the parts have {len(content)} bytes together")
        etag = f"{_md5(b''.join(_md5(body) for body in bodies)).hex()}-{len(bodies)}"
        checksum = composite_sha256([part.sha256 for part in told])
        version = self._store(key, content, (etag, checksum), new=new)
        del self.uploads[upload_id]
        return version

    def abort_multipart(self, key: str, upload_id: str) -> None:
        self._upload_of(key, upload_id)
        del self.uploads[upload_id]

    def _upload_of(self, key: str, upload_id: str) -> FakeUpload:
        upload = self.uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise NotFound(f"upload of {self.uri(key)}: no such upload")
        return upload

    def _store(self, key: str, body: bytes, marks: Marks, *, new: bool) -> str:
        if new and key in self.versions:
            raise PreconditionFailed(f"write {self.uri(key)}: the key is taken")
        history = self.versions.setdefault(key, [])
        version = f"version-{len(history) + 1}"
        history.append((version, body, datetime.now(UTC)))
        self.marks[key, version] = marks
        return version

    def _find(self, key: str, version_id: str | None) -> Version:
        for version in reversed(self.versions.get(key, [])):
            if version_id in {None, version[0]}:
                return version
        raise NotFound(f"read {self.uri(key)}: no such object")


def _bodies(upload: FakeUpload, told: list[PartInfo]) -> list[bytes]:
    """Return the bytes of the parts that were *told*; Conflict where S3 would not take them."""
    numbers = [part.number for part in told]
    if not told or numbers != sorted(set(numbers)):
        raise Conflict("complete: the parts are not in order")
    for part in told:
        held, _ = upload.parts.get(part.number, (None, b""))
        if held is None or (held.etag, held.sha256) != (part.etag, part.sha256):
            raise Conflict(f"complete: part {part.number} is not what has arrived")
    bodies = [upload.parts[number][1] for number in numbers]
    if any(len(body) < MIN_PART_BYTES for body in bodies[:-1]):
        raise Conflict("complete: a part is smaller than S3 takes")
    return bodies


def _md5(body: bytes) -> bytes:
    return hashlib.md5(body, usedforsecurity=False).digest()
