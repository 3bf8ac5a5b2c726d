"""Uploads in parts: by ourselves, or by whoever holds the signed address of a part."""

from collections.abc import Iterable, Iterator
from html import escape
from itertools import islice

from shared.aws.connections import Answer
from shared.aws.service import Content, Service
from shared.errors import Conflict
from shared.objects.facts import PartInfo, PresignedPart
from shared.objects.presigning import sign_put
from shared.objects.refusals import s3_errors
from shared.objects.rest import NAMESPACE, ObjectCalls, children, document, headers_of, text

# What clients must send beside the bytes of a presigned part; S3 compares it with what arrives.
CHECKSUM_HEADER = "x-amz-checksum-sha256"


class PartUploads:
    """The part of a bucket's adapter that takes objects piece by piece."""

    def __init__(self, service: Service, name: str) -> None:
        self._calls = ObjectCalls(service, name)
        self.name = name

    def uri(self, key: str) -> str:
        """Return the ``s3://`` URI of *key*."""
        return f"s3://{self.name}/{key}"

    def begin_multipart(self, key: str, *, content_type: str = "application/octet-stream") -> str:
        """Begin an upload whose parts all carry their SHA-256; return its id."""
        headers = {"content-type": content_type, "x-amz-checksum-algorithm": "SHA256"}
        with s3_errors(f"begin the upload of {self.uri(key)}"):
            begun = self._calls.send(
                "CreateMultipartUpload", document, key, query=[("uploads", "")], headers=headers
            )
        return text(begun, "UploadId")

    def upload_part(self, key: str, upload_id: str, number: int, body: bytes) -> PartInfo:
        """Send one part; S3 refuses it unless it arrives as it was.

        Raises
        ------
        NotFound
            No such upload.
        Unavailable
            The part was damaged on its way, or S3 is busy.
        """
        content = Content.of(body)
        headers = {CHECKSUM_HEADER: content.checksum}
        query = [("partNumber", str(number)), ("uploadId", upload_id)]
        with s3_errors(f"upload part {number} of {self.uri(key)}"):
            told = self._calls.send(
                "UploadPart", headers_of, key, query=query, headers=headers, content=content
            )
        return PartInfo(
            number=number, etag=_plain(told["etag"]), sha256=content.checksum, size_bytes=content.size_bytes
        )

    def presign_part(
        self, key: str, upload_id: str, number: int, *, sha256: str, expires_s: int
    ) -> PresignedPart:
        """Return where anyone may PUT exactly the bytes of *sha256* (base64) as one part, for *expires_s*."""
        query = [("partNumber", str(number)), ("uploadId", upload_id)]
        headers = {CHECKSUM_HEADER: sha256}
        return PresignedPart(
            url=sign_put(self._calls, key, query, headers, expires_s=expires_s), headers=headers
        )

    def list_parts(self, key: str, upload_id: str, *, limit: int | None = None) -> tuple[PartInfo, ...]:
        """Return the parts that have arrived, by number; NotFound for an upload that is over or never was."""
        with s3_errors(f"list the parts of {self.uri(key)}"):
            return tuple(islice(self._parts(key, upload_id, limit), limit))

    def complete_multipart(
        self,
        key: str,
        upload_id: str,
        parts: Iterable[PartInfo],
        *,
        size_bytes: int | None = None,
        new: bool = False,
    ) -> str | None:
        """Make *parts*, in order, the object; return its version id.

        Raises
        ------
        Conflict
            S3 does not hold the parts as they are told, or their sum is not *size_bytes*.
        PreconditionFailed
            ``new`` and the key is taken.
        NotFound
            The upload is over or never was.
        """
        headers = {"if-none-match": "*"} if new else {}
        if size_bytes is not None:
            headers["x-amz-mp-object-size"] = str(size_bytes)
        query = [("uploadId", upload_id)]
        # InvalidRequest: the sum of the parts is another, or a part has no checksum.
        with s3_errors(f"complete {self.uri(key)}", InvalidRequest=Conflict, MalformedXML=Conflict):
            return self._calls.send(
                "CompleteMultipartUpload",
                _completed,
                key,
                query=query,
                headers=headers,
                content=_told(parts),
            )

    def abort_multipart(self, key: str, upload_id: str) -> None:
        """Throw an unfinished upload and its parts away; NotFound when it is over or never was."""
        with s3_errors(f"abort the upload of {self.uri(key)}"):
            self._calls.send("AbortMultipartUpload", headers_of, key, query=[("uploadId", upload_id)])

    def _parts(self, key: str, upload_id: str, limit: int | None) -> Iterator[PartInfo]:
        query = {"uploadId": upload_id, "max-parts": str(min(limit or 1000, 1000))}
        marks = {"part-number-marker": "NextPartNumberMarker"}
        for page in self._calls.pages("ListParts", query, marks, key):
            for part in children(page, "Part"):
                yield PartInfo(
                    number=int(text(part, "PartNumber")),
                    etag=_plain(text(part, "ETag")),
                    sha256=text(part, "ChecksumSHA256"),
                    size_bytes=int(text(part, "Size")),
                )


def _told(parts: Iterable[PartInfo]) -> Content:
    """Return what S3 is told of *parts*; the texts may come from anybody."""
    listed = "".join(
        f"<Part><ChecksumSHA256>{escape(part.sha256)}</ChecksumSHA256>"
        f"<ETag>&quot;{escape(part.etag)}&quot;</ETag><PartNumber>{part.number}</PartNumber></Part>"
        for part in parts
    )
    return Content.of(
        f'<CompleteMultipartUpload xmlns="{NAMESPACE}">{listed}</CompleteMultipartUpload>'.encode()
    )


def _completed(answer: Answer) -> str | None:
    document(answer)
    return answer.headers.get("x-amz-version-id")


def _plain(etag: str) -> str:
    return etag.strip('"')
