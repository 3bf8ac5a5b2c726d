"""S3: an upload in parts is refused where AWS refuses it."""

from typing import Any
from xml.etree.ElementTree import ParseError

import msgspec
from ministack.services import s3

from localcloud.mends.patch_points import require, wraps
from localcloud.settings import Settings

MEND = "upload_parts"
MIN_PART_BYTES = 5 * 1024 * 1024
# Of these S3 makes the whole's checksum from the parts'; the CRCs may do without (versity/versitygw#1342).
OF_PARTS = frozenset({"SHA1", "SHA256"})


class ToldPart(msgspec.Struct, frozen=True):
    """One part as CompleteMultipartUpload names it."""

    number: int
    has_checksum: bool


def mend(settings: Settings) -> None:
    """Refuse parts without the upload's checksum, out of order, or too small.

    AWS: UploadPart to an upload with a checksum algorithm needs the checksum, and so does each part named on
    completion (InvalidRequest; tried against S3 in floci-io/floci#3093, the same texts in versity/versitygw#1342
    and aws/aws-sdk-php#2648). Parts out of order are InvalidPartOrder, one under 5 MiB before the last is
    EntityTooSmall, no parts at all MalformedXML (S3 API reference, CompleteMultipartUpload).
    MiniStack 1.5.33: computes missing checksums itself, sorts the parts, takes any size and an empty list (tried).
    """
    del settings
    upload_part = require(MEND, s3, "_upload_part", "_resolve_part_checksums(body, headers, upload)")
    complete = require(
        MEND, s3, "_complete_multipart_upload", "ordered_parts.sort(", 'upload.get("checksum_algorithm")'
    )
    require(MEND, s3, "_multipart_uploads")
    require(MEND, s3, "fromstring")

    @wraps(upload_part)
    def checked_upload_part(
        bucket_name: str, key: str, body: bytes, query_params: dict[str, Any], headers: dict[str, str]
    ) -> Any:
        upload = _upload(bucket_name, key, query_params)
        problem = upload and part_problem(upload.get("checksum_algorithm"), headers)
        return problem or upload_part(bucket_name, key, body, query_params, headers)

    @wraps(complete)
    def checked_complete(
        bucket_name: str, key: str, body: bytes, query_params: dict[str, Any], *rest: Any
    ) -> Any:
        upload = _upload(bucket_name, key, query_params)
        problem = upload and completion_problem(upload, body)
        return problem or complete(bucket_name, key, body, query_params, *rest)

    s3._upload_part = checked_upload_part
    s3._complete_multipart_upload = checked_complete


def part_problem(algorithm: str | None, headers: dict[str, str]) -> Any:
    """Return S3's refusal of a part that lacks the checksum its upload was begun with, None if it is there."""
    if algorithm not in OF_PARTS or _carries(headers, f"x-amz-checksum-{algorithm.lower()}"):
        return None
    sent = [name.removeprefix("x-amz-checksum-") for name in headers if name.startswith("x-amz-checksum-")]
    return s3._error(
        "InvalidRequest",
        f"Checksum Type mismatch occurred, expected checksum Type: {algorithm.lower()}, "
        f"actual checksum Type: {sent[0] if sent else 'null'}",
        400,
    )


def completion_problem(upload: dict[str, Any], body: bytes) -> Any:
    """Return S3's refusal of a list of parts; None when it is in order, or MiniStack itself will refuse it."""
    told = _told_parts(body, upload.get("checksum_algorithm"))
    if told is None:
        return None
    if not told:
        return s3._error("MalformedXML", "The XML you provided did not validate: no parts.", 400)
    numbers = [part.number for part in told]
    if numbers != sorted(set(numbers)):
        return s3._error("InvalidPartOrder", "The list of parts was not in ascending order.", 400)
    return _checksum_problem(upload, told) or _size_problem(upload, numbers)


def _checksum_problem(upload: dict[str, Any], told: list[ToldPart]) -> Any:
    missing = next((part.number for part in told if not part.has_checksum), None)
    if missing is None:
        return None
    kind = upload["checksum_algorithm"].lower()
    text = f"The upload was created using a {kind} checksum. The complete request must include the checksum "
    return s3._error("InvalidRequest", f"{text}for each part. It was missing for part {missing}.", 400)


def _size_problem(upload: dict[str, Any], numbers: list[int]) -> Any:
    sizes = [upload["parts"][number]["size"] for number in numbers[:-1] if number in upload["parts"]]
    if all(size >= MIN_PART_BYTES for size in sizes):
        return None
    return s3._error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size", 400)


def _carries(headers: dict[str, str], checksum: str) -> bool:
    """Say whether a request has a checksum, before its body or, in chunks, behind it."""
    return checksum in headers or headers.get("x-amz-trailer", "").lower() == checksum


def _upload(bucket_name: str, key: str, query_params: dict[str, Any]) -> dict[str, Any] | None:
    """Return the unfinished upload of exactly this key."""
    upload: dict[str, Any] | None = s3._multipart_uploads.get(s3._qp(query_params, "uploadId"))
    return upload if upload and (upload["bucket"], upload["key"]) == (bucket_name, key) else None


def _told_parts(body: bytes, algorithm: str | None) -> list[ToldPart] | None:
    """Return the parts a completion names, None for XML that cannot be read."""
    try:
        root = s3.fromstring(body)
        return [
            ToldPart(
                int(part.findtext("{*}PartNumber") or 0),
                algorithm not in OF_PARTS or part.find(f"{{*}}Checksum{algorithm}") is not None,
            )
            for part in root.iterfind("{*}Part")
        ]
    except (ParseError, ValueError):
        return None
