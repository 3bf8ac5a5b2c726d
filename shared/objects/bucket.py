"""Adapter: one S3 bucket."""

import base64
import io
from collections.abc import Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING, Any

from shared.aws.connections import Answer
from shared.aws.errors import NoAnswer
from shared.aws.service import Content
from shared.errors import PreconditionFailed, Unavailable
from shared.objects.copying import copy
from shared.objects.facts import ObjectInfo
from shared.objects.multipart import PartUploads
from shared.objects.presigning import sign_form, sign_get
from shared.objects.refusals import s3_errors
from shared.objects.rest import children, headers_of, key_of, opened, text, whole_body
from shared.objects.stream import READ_BYTES, ObjectStream
from shared.objects.writer import WRITE_BYTES, ObjectWriter

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_WITH_CHECKSUM = {"x-amz-checksum-mode": "ENABLED"}


class Bucket(PartUploads):
    """One bucket. Keys are plain text: S3's percent-encoding never reaches the callers."""

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo:
        """Return what S3 knows of the object, without its bytes.

        Raises
        ------
        NotFound
            No such object or version.
        """
        with s3_errors(f"head {self.uri(key)}"):
            told = self._calls.send(
                "HeadObject", headers_of, key, query=_version(version_id), headers=_WITH_CHECKSUM
            )
        modified = told.get("last-modified")
        return ObjectInfo(
            key=key,
            size_bytes=int(told["content-length"]),
            etag=told.get("etag", "").strip('"'),
            version_id=told.get("x-amz-version-id"),
            modified_at=parsedate_to_datetime(modified) if modified else None,
            checksum_sha256=told.get("x-amz-checksum-sha256"),
        )

    def read(self, key: str, version_id: str | None = None) -> bytes:
        """Return all bytes of a small object."""
        with s3_errors(f"read {self.uri(key)}"):
            return self._calls.send(
                "GetObject", whole_body, key, query=_version(version_id), headers=_WITH_CHECKSUM
            )

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        """Return the object's bytes as a stream that the caller reads once and closes.

        Breaks while it is read are ``Unavailable``: nobody asks again from there, as :meth:`stream` does.
        """
        what = f"read {self.uri(key)}"
        with s3_errors(what):
            answer = self._calls.send("GetObject", opened, key, query=_version(version_id))
        return _stream_of(answer, what)

    def stream(self, info: ObjectInfo, *, part_bytes: int = READ_BYTES) -> ObjectStream:
        """Return one exact version as a file in constant memory; it heals broken connections."""

        def open_range(start: int, end: int) -> IO[bytes]:
            return self.open_range(info, start, end)

        return ObjectStream(open_range, info, part_bytes=part_bytes)

    def open_range(self, info: ObjectInfo, start: int, end: int) -> IO[bytes]:
        """Return bytes *start* to before *end* as they arrive; :meth:`stream` is what heals their breaks.

        Raises
        ------
        PreconditionFailed
            The object is another one than *info* by now.
        """
        what = f"read {self.uri(info.key)} from byte {start}"
        headers = {"range": f"bytes={start}-{end - 1}"}
        if info.etag:
            # Quoted: RFC 9110 knows no bare entity tag.
            headers["if-match"] = f'"{info.etag}"'
        with s3_errors(what):
            answer = self._calls.send(
                "GetObject", opened, info.key, query=_version(info.version_id), headers=headers
            )
        wanted, came = f"bytes {start}-{end - 1}/{info.size_bytes}", answer.headers.get("content-range")
        if came != wanted:
            answer.body.close()
            raise PreconditionFailed(f"{what}: {came or 'no range'} came, not {wanted}")
        return _stream_of(answer, what)

    def writer(
        self,
        key: str,
        *,
        content_type: str = "application/octet-stream",
        part_bytes: int = WRITE_BYTES,
        new: bool = False,
    ) -> ObjectWriter:
        """Return a file to write in a ``with`` block, of any size in constant memory (two parts).

        The object appears when the block ends; a block that raises leaves nothing. With ``new`` a key that is
        taken raises :class:`PreconditionFailed` at the end.
        """
        return ObjectWriter(self, key, content_type=content_type, part_bytes=part_bytes, new=new)

    def copy_version(self, source: "Bucket", info: ObjectInfo, key: str) -> None:
        """Copy one exact version of *source* to *key* inside S3, whatever its size."""
        with s3_errors(f"copy {source.uri(info.key)} to {self.uri(key)}"):
            copy(self._calls, source.name, info, key)

    def write(
        self,
        key: str,
        body: bytes | IO[bytes],
        *,
        content_type: str = "application/octet-stream",
        new: bool = False,
        sha256: str | None = None,
    ) -> str | None:
        """Write an object (a file from its first byte) and return its version id; with ``new`` only where the key is free.

        S3 refuses bytes that arrive with another SHA-256 than they had here, or than ``sha256`` (base64).

        Raises
        ------
        PreconditionFailed
            ``new`` and the key is taken.
        """
        content = Content.of(body, base64.b64decode(sha256) if sha256 else None)
        headers = {"content-type": content_type, "x-amz-checksum-sha256": content.checksum}
        if new:
            # S3 decides this atomically (conditional writes); to look first and then write would be a race.
            headers["if-none-match"] = "*"
        with s3_errors(f"write {self.uri(key)}"):
            told = self._calls.send("PutObject", headers_of, key, headers=headers, content=content)
        return told.get("x-amz-version-id")

    def delete(self, key: str) -> None:
        """Delete the object's newest version (in a versioned bucket: hide it); an absent one is no error."""
        with s3_errors(f"delete {self.uri(key)}"):
            self._calls.send("DeleteObject", headers_of, key)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the newest version of every object under *prefix*, in key order."""
        query = {"list-type": "2", "prefix": prefix, "encoding-type": "url"}
        with s3_errors(f"list {self.uri(prefix)}"):
            for page in self._calls.pages(
                "ListObjectsV2", query, {"continuation-token": "NextContinuationToken"}
            ):
                yield from _listed(page, "Contents")

    def list_versions(self, prefix: str, *, deep: bool = True) -> Iterator[ObjectInfo]:
        """Yield every version of every object under *prefix*, in key order, a key's newest first.

        Marks of deletion are left out, and what lies in folders below *prefix* unless *deep*.
        """
        for page in self._version_pages(prefix, {} if deep else {"delimiter": "/"}):
            yield from _listed(page, "Version")

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders right under *prefix* (itself one, with its slash) that hold any version, in order."""
        for page in self._version_pages(prefix, {"delimiter": "/"}):
            yield from (key_of(page, text(found, "Prefix")) for found in children(page, "CommonPrefixes"))

    def _version_pages(self, prefix: str, narrowing: dict[str, str]) -> "Iterator[Element]":
        query = {"versions": "", "prefix": prefix, "encoding-type": "url", **narrowing}
        marks = {"key-marker": "NextKeyMarker", "version-id-marker": "NextVersionIdMarker"}
        with s3_errors(f"list versions of {self.uri(prefix)}"):
            yield from self._calls.pages("ListObjectVersions", query, marks)

    def presign_get(self, key: str, *, expires_s: int) -> str:
        """Return the URL at which anyone may read *key* for *expires_s*."""
        return sign_get(self._calls, key, expires_s=expires_s)

    def presign_post(
        self, key: str, *, max_bytes: int, expires_s: int, checksum_sha256: str | None = None
    ) -> dict[str, Any]:
        """Return ``{url, fields}`` with which anyone may write exactly *key*, up to *max_bytes*, for *expires_s*.

        With ``checksum_sha256`` (base64) S3 takes those bytes and no others.
        """
        return sign_form(
            self._calls,
            key,
            max_bytes=max_bytes,
            expires_s=expires_s,
            also={"x-amz-checksum-sha256": checksum_sha256} if checksum_sha256 else {},
        )


class _ObjectBody(io.RawIOBase):
    """An object's bytes as they come; breaks are :class:`Unavailable`."""

    def __init__(self, answer: Answer, what: str) -> None:
        super().__init__()
        self._answer = answer
        self._what = what

    def read(self, size: int | None = -1) -> bytes:
        """Return at most *size* bytes (all that are left), none at the end."""
        try:
            return self._answer.body.read(-1 if size is None else size)
        except NoAnswer as error:
            raise Unavailable(f"{self._what}: {error}") from error

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Let go of the connection."""
        self._answer.body.close()
        super().close()


def _stream_of(answer: Answer, what: str) -> IO[bytes]:
    body: Any = _ObjectBody(answer, what)
    return body  # type: ignore[no-any-return]


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an ``s3://bucket/key`` URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _listed(page: "Element", name: str) -> Iterator[ObjectInfo]:
    for entry in children(page, name):
        yield ObjectInfo(
            key=key_of(page, text(entry, "Key")),
            size_bytes=int(text(entry, "Size")),
            etag=text(entry, "ETag").strip('"'),
            version_id=text(entry, "VersionId") or None,
            modified_at=datetime.fromisoformat(text(entry, "LastModified")),
        )


def _version(version_id: str | None) -> list[tuple[str, str]]:
    return [("versionId", version_id)] if version_id else []
