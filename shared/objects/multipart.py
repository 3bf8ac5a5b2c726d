"""Uploads in parts: by ourselves, or by whoever holds the signed address of a part."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from shared.errors import Conflict
from shared.objects.facts import PartInfo, PresignedPart, sha256_of
from shared.objects.refusals import s3_errors

# What clients must send beside the bytes of a presigned part; S3 compares it with what arrives.
CHECKSUM_HEADER = "x-amz-checksum-sha256"


class PartUploads:
    """The part of a bucket's adapter that takes objects piece by piece."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self.name = name

    def uri(self, key: str) -> str:
        """Return the ``s3://`` URI of *key*."""
        return f"s3://{self.name}/{key}"

    def begin_multipart(self, key: str, *, content_type: str = "application/octet-stream") -> str:
        """Begin an upload whose parts all carry their SHA-256; return its id."""
        with s3_errors(f"begin the upload of {self.uri(key)}"):
            answer = self._client.create_multipart_upload(
                Bucket=self.name, Key=key, ContentType=content_type, ChecksumAlgorithm="SHA256"
            )
        upload_id: str = answer["UploadId"]
        return upload_id

    def upload_part(self, key: str, upload_id: str, number: int, body: bytes) -> PartInfo:
        """Send one part; S3 refuses it unless it arrives as it was.

        Raises
        ------
        NotFound
            No such upload.
        Unavailable
            The part was damaged on its way, or S3 is busy.
        """
        sha256 = sha256_of(body)
        with s3_errors(f"upload part {number} of {self.uri(key)}"):
            answer = self._client.upload_part(
                **self._upload(key, upload_id), PartNumber=number, Body=body, ChecksumSHA256=sha256
            )
        return PartInfo(number=number, etag=_plain(answer["ETag"]), sha256=sha256, size_bytes=len(body))

    def presign_part(
        self, key: str, upload_id: str, number: int, *, sha256: str, expires_s: int
    ) -> PresignedPart:
        """Return where anyone may PUT exactly the bytes of *sha256* (base64) as one part, for *expires_s*."""
        url: str = self._client.generate_presigned_url(
            "upload_part",
            Params={**self._upload(key, upload_id), "PartNumber": number, "ChecksumSHA256": sha256},
            ExpiresIn=expires_s,
        )
        return PresignedPart(url=url, headers={CHECKSUM_HEADER: sha256})

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
        options: dict[str, Any] = {"IfNoneMatch": "*"} if new else {}
        if size_bytes is not None:
            options["MpuObjectSize"] = size_bytes
        listed = [
            {"PartNumber": part.number, "ETag": f'"{part.etag}"', "ChecksumSHA256": part.sha256}
            for part in parts
        ]
        # InvalidRequest: the sum of the parts is another, or a part has no checksum.
        with s3_errors(f"complete {self.uri(key)}", InvalidRequest=Conflict, MalformedXML=Conflict):
            answer = self._client.complete_multipart_upload(
                **self._upload(key, upload_id), MultipartUpload={"Parts": listed}, **options
            )
        version: str | None = answer.get("VersionId")
        return version

    def abort_multipart(self, key: str, upload_id: str) -> None:
        """Throw an unfinished upload and its parts away; NotFound when it is over or never was."""
        with s3_errors(f"abort the upload of {self.uri(key)}"):
            self._client.abort_multipart_upload(**self._upload(key, upload_id))

    def _parts(self, key: str, upload_id: str, limit: int | None) -> Iterator[PartInfo]:
        page_size = min(limit or 1000, 1000)
        pages = self._client.get_paginator("list_parts").paginate(
            **self._upload(key, upload_id), PaginationConfig={"PageSize": page_size}
        )
        for page in pages:
            for part in page.get("Parts", []):
                yield PartInfo(
                    number=part["PartNumber"],
                    etag=_plain(part["ETag"]),
                    sha256=part.get("ChecksumSHA256", ""),
                    size_bytes=part["Size"],
                )

    def _upload(self, key: str, upload_id: str) -> dict[str, str]:
        return {"Bucket": self.name, "Key": key, "UploadId": upload_id}


def _plain(etag: str) -> str:
    return etag.strip('"')
