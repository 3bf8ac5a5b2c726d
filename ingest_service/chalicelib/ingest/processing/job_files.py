"""Adapter: what processing jobs are given, under ``staging/`` of the data bucket."""

from chalicelib.ingest.processing.plan import order_key, raw_key

from shared.errors import NotFound
from shared.objects import Bucket, ObjectInfo


class JobFiles:
    """Puts uploads and orders where jobs read them, and takes them away again."""

    def __init__(self, data: Bucket, incoming: Bucket) -> None:
        self._data = data
        self._incoming = incoming

    def copy_upload(self, pipeline: str, version: str, info: ObjectInfo) -> None:
        """Copy exactly the version *info* inside S3, unless an earlier attempt has.

        A job cannot name a version of an object, and another one may lie under the upload's key by then.
        """
        key = raw_key(pipeline, version)
        try:
            if self._data.head(key).size_bytes == info.size_bytes:
                return
        except NotFound:
            pass
        self._data.copy_version(self._incoming, info, key)

    def write_order(self, pipeline: str, version: str, attempt: int, body: bytes) -> None:
        """Write what one attempt is told."""
        self._data.write(order_key(pipeline, version, attempt), body, content_type="application/json")

    def clear(self, pipeline: str, version: str) -> None:
        """Delete all of a version; nothing there is no error."""
        for info in list(self._data.list(f"staging/{pipeline}/{version}/")):
            self._data.delete(info.key)
