"""Adapter: uploaded objects in the incoming bucket."""

import contextlib
from collections.abc import Iterator
from typing import IO, Any, cast

from shared.aws import aws_errors
from shared.errors import Unavailable
from shared.objects import Bucket, ObjectInfo


class RawObjects:
    """Reads what users upload; never writes."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.bucket_name = bucket.name

    def head(self, key: str, version_id: str | None = None) -> ObjectInfo:
        """Return size and version of an object; NotFound once it is deleted."""
        return self._bucket.head(key, version_id)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the newest version of every object under *prefix*."""
        return self._bucket.list(prefix)

    @contextlib.contextmanager
    def open(self, key: str, version_id: str | None) -> Iterator[IO[bytes]]:
        """Open one version as a stream whose broken connections are :class:`Unavailable`, never an early end."""
        stream = self._bucket.open(key, version_id)
        try:
            yield cast("IO[bytes]", _Stream(stream, self._bucket.uri(key)))
        finally:
            stream.close()

    def presign(self, key: str, *, max_bytes: int, expires_s: int) -> dict[str, Any]:
        """Return the form with which anyone may upload exactly *key*."""
        return self._bucket.presign_post(key, max_bytes=max_bytes, expires_s=expires_s)


class _Stream:
    """Turns botocore's errors while reading into ours."""

    def __init__(self, stream: IO[bytes], uri: str) -> None:
        self._stream = stream
        self._uri = uri

    def read(self, size: int) -> bytes:
        # Imported late: tests and packaging run without botocore.
        from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError

        try:
            with aws_errors(f"read {self._uri}"):
                return self._stream.read(size)
        except (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, OSError) as error:
            raise Unavailable(f"read {self._uri}: {type(error).__name__}") from error
