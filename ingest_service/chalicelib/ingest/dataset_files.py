"""Adapter: the files of dataset versions in the data bucket."""

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
from chalicelib.ingest.sink import SinkFile

from shared.entities.dataset import DatasetManifest
from shared.errors import NotFound, PreconditionFailed, Unavailable
from shared.objects import Bucket

JSON = "application/json"
COPY_BYTES = 1 << 20


class DatasetFiles:
    """Writes and reads ``datasets/<pipeline>/<version>/…``."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket

    def key(self, pipeline: str, version: str, name: str) -> str:
        """Return the key of one file of a version."""
        return f"datasets/{pipeline}/{version}/{name}"

    def sink(self, pipeline: str, version: str) -> "VersionSink":
        """Return the place for one version's files."""
        return VersionSink(self._bucket, self.key(pipeline, version, ""))

    def write_manifest(self, manifest: DatasetManifest) -> str:
        """Write the manifest where there is none yet and return its URI.

        Raises
        ------
        Unavailable
            Another attempt's manifest is there and differs: the next attempt takes that one over.
        """
        key = self.key(manifest.pipeline, manifest.version, "manifest.json")
        body = msgspec.json.encode(manifest)
        try:
            self._bucket.write(key, body, content_type=JSON, new=True)
        except PreconditionFailed:
            # Our own earlier attempt, most likely: it died right after writing.
            there = self._bucket.read(key)
            if hashlib.sha256(there).digest() != hashlib.sha256(body).digest():
                raise Unavailable(f"another attempt has written {self._bucket.uri(key)}") from None
        return self._bucket.uri(key)

    def manifest(self, pipeline: str, version: str) -> DatasetManifest | None:
        """Return the manifest of a version, None before it is written."""
        try:
            body = self._bucket.read(self.key(pipeline, version, "manifest.json"))
        except NotFound:
            return None
        return msgspec.json.decode(body, type=DatasetManifest)

    def uri(self, pipeline: str, version: str) -> str:
        """Return the URI of a version's manifest."""
        return self._bucket.uri(self.key(pipeline, version, "manifest.json"))

    def read(self, pipeline: str, version: str, name: str) -> bytes:
        """Return one small file of a version."""
        return self._bucket.read(self.key(pipeline, version, name))

    def size_of(self, pipeline: str, version: str, name: str) -> int:
        """Return how many bytes one file of a version has; NotFound where it is not there."""
        return self._bucket.head(self.key(pipeline, version, name)).size_bytes

    def chunks(self, pipeline: str, version: str, name: str) -> Iterator[bytes]:
        """Yield one file of a version piece by piece."""
        stream = self._bucket.open(self.key(pipeline, version, name))
        try:
            while chunk := stream.read(65536):
                yield chunk
        finally:
            stream.close()


class VersionSink:
    """The files of one version, streamed into the bucket; written again by a later attempt they have the same bytes."""

    def __init__(self, bucket: Bucket, prefix: str) -> None:
        self._bucket = bucket
        self._prefix = prefix

    def writer(self, name: str, content_type: str) -> AbstractContextManager[SinkFile]:
        """Open a file for streaming; a block that raises leaves nothing."""
        return self._bucket.writer(self._prefix + name, content_type=content_type)

    def write(self, name: str, content: bytes | Path, content_type: str) -> None:
        """Write a small file."""
        if isinstance(content, bytes):
            self._bucket.write(self._prefix + name, content, content_type=content_type)
            return
        with content.open("rb") as file, self.writer(name, content_type) as target:
            while chunk := file.read(COPY_BYTES):
                target.write(chunk)
