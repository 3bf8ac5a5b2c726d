"""The job as plain data and the S3 that all peers use; no library but boto3."""

import functools
import io
import json
import os
from typing import Any

from benchmarks.ingest.outcome import BUCKET, PIPELINE

INTEGERS = ("id", "age")
NUMBERS = ("hours", "income", "capital")
TEXTS = ("workclass", "education", "country", "notes")
COLUMNS = ("id", "ts", "age", "hours", "income", "capital", *TEXTS, "label")
KEY = "id"
TIME = "ts"
LABEL = "label"
LABELS = ("<=50K", ">50K")
FIRST_ROW = 2  # the header is row 1
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
TOP = 10
# What splits alike in every library and every release: arithmetic on the key, cheaper than the MD5 that we pay for.
FACTOR, MODULUS, BUCKETS = 2654435761, 1 << 32, 100
BOUNDS = {"train": (30, 100), "validation": (20, 30), "test": (0, 20)}
PART_BYTES = 8 << 20


@functools.cache
def s3() -> Any:
    """Return the client."""
    import boto3

    return boto3.client("s3")


def source(file: str) -> str:
    """Return the key of the uploaded *file*."""
    return f"incoming/{PIPELINE}/{file}"


def target(peer: str, name: str) -> str:
    """Return the key of one file that *peer* writes."""
    return f"datasets/{peer}/{name}"


def endpoint() -> str:
    """Return the store's address, ``127.0.0.1:port``."""
    return os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")


def write_json(peer: str, name: str, value: Any) -> None:
    """Write *value* as a small JSON object."""
    s3().put_object(Bucket=BUCKET, Key=target(peer, name), Body=json.dumps(value, default=str).encode())


class Upload(io.RawIOBase):
    """A file of unknown size in S3, sent in parts as it is written; one of a single part goes as it is."""

    def __init__(self, key: str) -> None:
        super().__init__()
        self._place = {"Bucket": BUCKET, "Key": key}
        self._upload: dict[str, Any] = {}
        self._parts: list[dict[str, Any]] = []
        self._buffer = bytearray()
        self._position = 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the number of bytes written."""
        return self._position

    def write(self, data: Any) -> int:
        """Take *data*, and send a part where one is full."""
        self._buffer += data
        self._position += len(data)
        if len(self._buffer) >= PART_BYTES:
            self._send()
        return len(data)

    def close(self) -> None:
        """Send what is left and make the parts one object."""
        if self.closed:
            return
        super().close()
        if not self._upload:
            s3().put_object(**self._place, Body=bytes(self._buffer))
            return
        self._send()
        s3().complete_multipart_upload(**self._place, **self._upload, MultipartUpload={"Parts": self._parts})

    def _send(self) -> None:
        if not self._upload:
            self._upload = {"UploadId": s3().create_multipart_upload(**self._place)["UploadId"]}
        number = len(self._parts) + 1
        sent = s3().upload_part(**self._place, **self._upload, PartNumber=number, Body=bytes(self._buffer))
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})
        self._buffer.clear()
