"""Copies inside S3: no byte of the object comes here."""

import contextlib
from collections.abc import Iterator
from html import escape

from shared.aws.errors import AwsRefusal, NoAnswer
from shared.aws.service import Content
from shared.aws.signing import query_string, quote_path
from shared.objects.facts import ObjectInfo
from shared.objects.rest import NAMESPACE, Headers, ObjectCalls, document, headers_of, text

# S3 copies 5 GiB in one request, but only answers at its end, which a client waits for no longer than 25 s.
COPY_BYTES = 256 * 1024 * 1024


def copy(calls: ObjectCalls, source_bucket: str, info: ObjectInfo, key: str) -> None:
    """Copy one exact version to *key*, in parts where it is large."""
    source = _source(source_bucket, info)
    if info.size_bytes <= COPY_BYTES:
        # Tags stay behind: to copy them S3 asks for permissions of their own, on whatever a user has tagged.
        headers = {**source, "x-amz-tagging-directive": "REPLACE"}
        calls.send("CopyObject", document, key, headers=headers)
        return
    begun = calls.send("CreateMultipartUpload", document, key, query=[("uploads", "")])
    upload_id = text(begun, "UploadId")
    try:
        _copy_parts(calls, source, info, key, upload_id)
    except BaseException:
        # Where that fails too, the bucket's lifecycle rule does it.
        with contextlib.suppress(AwsRefusal, NoAnswer):
            calls.send("AbortMultipartUpload", headers_of, key, query=[("uploadId", upload_id)])
        raise


def _copy_parts(calls: ObjectCalls, source: Headers, info: ObjectInfo, key: str, upload_id: str) -> None:
    listed = ""
    for number, stretch in enumerate(_stretches(info.size_bytes), start=1):
        query = [("partNumber", str(number)), ("uploadId", upload_id)]
        headers = {**source, "x-amz-copy-source-range": stretch}
        etag = text(calls.send("UploadPartCopy", document, key, query=query, headers=headers), "ETag")
        listed += f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
    content = Content.of(
        f'<CompleteMultipartUpload xmlns="{NAMESPACE}">{listed}</CompleteMultipartUpload>'.encode()
    )
    calls.send("CompleteMultipartUpload", document, key, query=[("uploadId", upload_id)], content=content)


def _source(bucket: str, info: ObjectInfo) -> Headers:
    version = f"?{query_string([('versionId', info.version_id)])}" if info.version_id else ""
    headers = {"x-amz-copy-source": f"/{bucket}/{quote_path(info.key)}{version}"}
    if info.etag:
        headers["x-amz-copy-source-if-match"] = f'"{info.etag}"'
    return headers


def _stretches(size_bytes: int) -> Iterator[str]:
    for start in range(0, size_bytes, COPY_BYTES):
        yield f"bytes={start}-{min(start + COPY_BYTES, size_bytes) - 1}"
