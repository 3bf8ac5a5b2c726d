"""What the local S3 refuses of an upload in parts, and how it cuts a range out of an answer."""

from typing import Any

import pytest
from ministack.services import s3

from localcloud.mends.upload_parts import MIN_PART_BYTES, completion_problem, part_problem
from localcloud.mends.version_ranges import in_range

UPLOAD = {
    "checksum_algorithm": "SHA256",
    "parts": {1: {"size": MIN_PART_BYTES}, 2: {"size": 9}, 3: {"size": 1}},
}


def told(*numbers: int, checksum: str = "<ChecksumSHA256>x</ChecksumSHA256>") -> bytes:
    """Return a completion's body that names these parts."""
    parts = "".join(f"<Part><PartNumber>{number}</PartNumber>{checksum}</Part>" for number in numbers)
    return f'<CompleteMultipartUpload xmlns="{s3.S3_NS}">{parts}</CompleteMultipartUpload>'.encode()


@pytest.mark.parametrize(
    ("algorithm", "headers", "said"),
    [
        ("SHA256", {}, "expected checksum Type: sha256, actual checksum Type: null"),
        ("SHA256", {"x-amz-checksum-crc32": "x"}, "actual checksum Type: crc32"),
        ("SHA256", {"x-amz-checksum-sha256": "x"}, None),
        ("SHA256", {"x-amz-trailer": "x-amz-checksum-sha256"}, None),
        ("CRC64NVME", {}, None),
        (None, {}, None),
    ],
)
def test_a_part_needs_the_checksum_its_upload_was_begun_with(
    algorithm: str | None, headers: dict[str, str], said: str | None
) -> None:
    refused = part_problem(algorithm, headers)
    assert (refused is None) == (said is None)
    if said:
        assert refused[0] == 400
        assert said in refused[2].decode()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (told(1, 2), None),
        (told(2), None),
        (told(1, 2, 3), "EntityTooSmall"),
        (told(2, 1), "InvalidPartOrder"),
        (told(1, 1), "InvalidPartOrder"),
        (told(1, 2, checksum=""), "InvalidRequest"),
        (told(), "MalformedXML"),
        (b"<not xml", None),  # MiniStack's own refusal
        (told(9), None),  # likewise
    ],
)
def test_a_completion_is_refused_as_s3_refuses_it(body: bytes, code: str | None) -> None:
    refused = completion_problem(UPLOAD, body)
    assert (refused is None) == (code is None)
    if code:
        assert refused[0] == 400
        assert f"<Code>{code}</Code>" in refused[2].decode()


@pytest.mark.parametrize(
    ("wanted", "body"), [("bytes=2-4", b"234"), ("bytes=7-99", b"789"), ("bytes=-2", b"89")]
)
def test_a_range_is_cut_out_without_the_checksum_of_the_whole(wanted: str, body: bytes) -> None:
    headers = {"ETag": "e", "x-amz-checksum-crc32": "whole", "Content-Length": "10"}
    answer: Any = in_range((200, headers, b"0123456789"), wanted, ("bucket", "key"))
    assert (answer[0], answer[2]) == (206, body)
    assert answer[1]["ETag"] == "e"
    assert "x-amz-checksum-crc32" not in answer[1]
    assert answer[1]["Content-Length"] == str(len(body))
    assert answer[1]["Content-Range"].endswith("/10")


def test_a_range_behind_the_end_is_refused() -> None:
    answer: Any = in_range((200, {}, b"0123456789"), "bytes=10-", ("bucket", "key"))
    assert answer[0] == 416
