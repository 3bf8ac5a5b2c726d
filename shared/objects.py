"""Adapter: one S3 bucket."""

from collections.abc import Iterator
from datetime import datetime
from typing import IO, Any

import msgspec

from shared.aws import aws_errors


class ObjectInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What S3 says of one object version; ``version_id`` is None in a bucket without versions."""

    key: str
    size_bytes: int
    etag: str = ""
    version_id: str | None = None
    modified_at: datetime | None = None


class Bucket:
    """One bucket. Keys are plain text: S3's percent-encoding never reaches the callers."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name

    def uri(self, key: str) -> str:
        """Return the ``s3://`` URI of *key*."""
        return f"s3://{self.name}/{key}"

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo:
        """Return what S3 knows of the object, without its bytes.

        Raises
        ------
        NotFound
            No such object or version.
        """
        with aws_errors(f"head {self.uri(key)}"):
            answer = self._client.head_object(Bucket=self.name, Key=key, **_version(version_id))
        return ObjectInfo(
            key=key,
            size_bytes=answer["ContentLength"],
            etag=answer.get("ETag", "").strip('"'),
            version_id=answer.get("VersionId"),
            modified_at=answer.get("LastModified"),
        )

    def read(self, key: str, version_id: str | None = None) -> bytes:
        """Return all bytes of a small object."""
        with aws_errors(f"read {self.uri(key)}"):
            answer = self._client.get_object(Bucket=self.name, Key=key, **_version(version_id))
            return bytes(answer["Body"].read())

    def open(self, key: str, version_id: str | None = None) -> IO[bytes]:
        """Return the object's bytes as a stream that the caller reads once and closes."""
        # Only the request is inside: errors while the caller reads the stream are the caller's to name.
        with aws_errors(f"open {self.uri(key)}"):
            answer = self._client.get_object(Bucket=self.name, Key=key, **_version(version_id))
        stream: IO[bytes] = answer["Body"]
        return stream

    def write(
        self,
        key: str,
        body: bytes | IO[bytes],
        *,
        content_type: str = "application/octet-stream",
        new: bool = False,
    ) -> str | None:
        """Write an object and return its version id; with ``new`` only where the key is free.

        Raises
        ------
        PreconditionFailed
            ``new`` and the key is taken.
        """
        # S3 decides this atomically (conditional writes); to look first and then write would be a race.
        options = {"IfNoneMatch": "*"} if new else {}
        with aws_errors(f"write {self.uri(key)}"):
            answer = self._client.put_object(
                Bucket=self.name, Key=key, Body=body, ContentType=content_type, **options
            )
        version: str | None = answer.get("VersionId")
        return version

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the newest version of every object under *prefix*, in key order."""
        with aws_errors(f"list {self.uri(prefix)}"):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
            for page in pages:
                for entry in page.get("Contents", []):
                    yield ObjectInfo(
                        key=entry["Key"],
                        size_bytes=entry["Size"],
                        etag=entry.get("ETag", "").strip('"'),
                        modified_at=entry["LastModified"],
                    )

    def presign_post(self, key: str, *, max_bytes: int, expires_s: int) -> dict[str, Any]:
        """Return ``{url, fields}`` with which anyone may write exactly *key*, up to *max_bytes*, for *expires_s*."""
        # A POST form, since a presigned PUT cannot limit the size.
        form: dict[str, Any] = self._client.generate_presigned_post(
            self.name, key, Conditions=[["content-length-range", 0, max_bytes]], ExpiresIn=expires_s
        )
        return form


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an ``s3://bucket/key`` URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _version(version_id: str | None) -> dict[str, str]:
    return {"VersionId": version_id} if version_id else {}
