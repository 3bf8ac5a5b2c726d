"""Adapter: one S3 bucket."""

from collections.abc import Iterator
from typing import IO, Any

from shared.aws import aws_errors
from shared.errors import PreconditionFailed, Unavailable
from shared.objects.facts import ObjectInfo
from shared.objects.multipart import PartUploads
from shared.objects.refusals import s3_errors
from shared.objects.stream import READ_BYTES, ObjectStream
from shared.objects.writer import WRITE_BYTES, ObjectWriter

# boto3's own 8 MiB would make a thousand requests of a large copy; S3 copies 5 GiB in one.
_COPY_BYTES = 256 * 1024 * 1024


class Bucket(PartUploads):
    """One bucket. Keys are plain text: S3's percent-encoding never reaches the callers."""

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo:
        """Return what S3 knows of the object, without its bytes.

        Raises
        ------
        NotFound
            No such object or version.
        """
        with aws_errors(f"head {self.uri(key)}"):
            answer = self._client.head_object(
                Bucket=self.name, Key=key, ChecksumMode="ENABLED", **_version(version_id)
            )
        return ObjectInfo(
            key=key,
            size_bytes=answer["ContentLength"],
            etag=answer.get("ETag", "").strip('"'),
            version_id=answer.get("VersionId"),
            modified_at=answer.get("LastModified"),
            checksum_sha256=answer.get("ChecksumSHA256"),
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
        body: IO[bytes] = answer["Body"]
        return body

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
        # Quoted: RFC 9110 knows no bare entity tag.
        guard = {"IfMatch": f'"{info.etag}"'} if info.etag else {}
        with s3_errors(what):
            answer = self._client.get_object(
                Bucket=self.name,
                Key=info.key,
                Range=f"bytes={start}-{end - 1}",
                **_version(info.version_id),
                **guard,
            )
        wanted = f"bytes {start}-{end - 1}/{info.size_bytes}"
        if answer.get("ContentRange") != wanted:
            answer["Body"].close()
            raise PreconditionFailed(f"{what}: {answer.get('ContentRange', 'no range')} came, not {wanted}")
        body: Any = _Body(answer["Body"], what)
        return body  # type: ignore[no-any-return]

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
        # Imported late: the pure parts and their tests run without boto3.
        from boto3.s3.transfer import TransferConfig

        # In this thread: a Lambda's others are frozen with it, and S3 does the work.
        config = TransferConfig(
            multipart_threshold=_COPY_BYTES, multipart_chunksize=_COPY_BYTES, use_threads=False
        )
        origin = {"Bucket": source.name, "Key": info.key, **_version(info.version_id)}
        with s3_errors(f"copy {source.uri(info.key)} to {self.uri(key)}"):
            # Tags stay behind: to copy them S3 asks for permissions of their own, on whatever a user has tagged.
            untagged = {"TaggingDirective": "REPLACE"}
            self._client.copy(origin, self.name, key, ExtraArgs=untagged, Config=config)

    def write(
        self,
        key: str,
        body: bytes | IO[bytes],
        *,
        content_type: str = "application/octet-stream",
        new: bool = False,
        sha256: str | None = None,
    ) -> str | None:
        """Write an object and return its version id; with ``new`` only where the key is free.

        With ``sha256`` (base64) S3 refuses bytes that arrive with another one.

        Raises
        ------
        PreconditionFailed
            ``new`` and the key is taken.
        """
        # S3 decides this atomically (conditional writes); to look first and then write would be a race.
        options = {"IfNoneMatch": "*"} if new else {}
        if sha256 is not None:
            options["ChecksumSHA256"] = sha256
        with s3_errors(f"write {self.uri(key)}"):
            answer = self._client.put_object(
                Bucket=self.name, Key=key, Body=body, ContentType=content_type, **options
            )
        version: str | None = answer.get("VersionId")
        return version

    def delete(self, key: str) -> None:
        """Delete the object's newest version (in a versioned bucket: hide it); an absent one is no error."""
        with s3_errors(f"delete {self.uri(key)}"):
            self._client.delete_object(Bucket=self.name, Key=key)

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

    def list_versions(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield every version of every object under *prefix*, in key order, a key's newest first.

        Marks of deletion are left out.
        """
        with aws_errors(f"list versions of {self.uri(prefix)}"):
            pages = self._client.get_paginator("list_object_versions").paginate(
                Bucket=self.name, Prefix=prefix
            )
            for page in pages:
                for entry in page.get("Versions", []):
                    yield ObjectInfo(
                        key=entry["Key"],
                        size_bytes=entry["Size"],
                        etag=entry.get("ETag", "").strip('"'),
                        version_id=entry.get("VersionId"),
                        modified_at=entry["LastModified"],
                    )

    def presign_post(self, key: str, *, max_bytes: int, expires_s: int) -> dict[str, Any]:
        """Return ``{url, fields}`` with which anyone may write exactly *key*, up to *max_bytes*, for *expires_s*."""
        # A POST form, since a presigned PUT cannot limit the size.
        form: dict[str, Any] = self._client.generate_presigned_post(
            self.name, key, Conditions=[["content-length-range", 0, max_bytes]], ExpiresIn=expires_s
        )
        return form


class _Body:
    """A response's bytes whose breaks are :class:`Unavailable`."""

    def __init__(self, body: IO[bytes], what: str) -> None:
        self._body = body
        self._what = what

    def read(self, size: int) -> bytes:
        """Return at most *size* bytes, none at the end."""
        # Imported late: the pure parts and their tests run without botocore.
        from botocore.exceptions import IncompleteReadError

        try:
            with aws_errors(self._what):
                return self._body.read(size)
        except (IncompleteReadError, OSError) as error:
            raise Unavailable(f"{self._what}: {type(error).__name__}") from error

    def close(self) -> None:
        """Let go of the connection."""
        self._body.close()


def split_uri(uri: str) -> tuple[str, str]:
    """Return bucket and key of an ``s3://bucket/key`` URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _version(version_id: str | None) -> dict[str, str]:
    return {"VersionId": version_id} if version_id else {}
