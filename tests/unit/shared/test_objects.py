"""What a bucket's adapter makes of broken connections and of sizes that grow; no cloud needed."""

import io
from typing import Any

import pytest

from shared.aws import NoAnswer, Service
from shared.aws.connections import Answer, Request
from shared.aws.credentials import Credentials
from shared.aws.endpoints import S3, endpoint_of
from shared.errors import PreconditionFailed, Unavailable
from shared.objects import Bucket, ObjectInfo, PartInfo, writer
from shared.objects.facts import composite_sha256, sha256_of
from tests.fakes import FakeBucket

MIB = 1024 * 1024
INFO = ObjectInfo(key="k", size_bytes=10, etag="e", version_id="v")


class Body:
    """A response body that breaks as told."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.closed = False

    def read(self, size: int, /) -> bytes:
        if self.error:
            raise self.error
        return b"0123456789"[:size]

    def close(self) -> None:
        self.closed = True


class Sender:
    """Answers ranges and keeps what was asked."""

    def __init__(self, body: Body, content_range: str | None = "bytes 0-9/10") -> None:
        self.body = body
        self.headers = {"content-range": content_range} if content_range else {}
        self.asked: list[Request] = []

    def send(self, request: Request) -> Answer:
        self.asked.append(request)
        return Answer(206, self.headers, self.body)


def bucket_of(sender: Sender) -> Bucket:
    """Return a bucket behind *sender*."""
    keys = Credentials(key_id="a", secret_key="b")
    return Bucket(Service(endpoint_of(S3, {"AWS_REGION": "eu-west-1"}), sender, who=lambda: keys), "b")


def test_a_range_is_asked_of_one_exact_version() -> None:
    sender = Sender(Body())
    with bucket_of(sender).stream(INFO) as stream:
        assert stream.read() == b"0123456789"
    (asked,) = sender.asked
    assert asked.method + " " + asked.origin + asked.target == (
        "GET https://b.s3.eu-west-1.amazonaws.com/k?versionId=v"
    )
    assert (asked.headers["range"], asked.headers["if-match"]) == ("bytes=0-9", '"e"')


def test_a_broken_body_is_tried_again_and_then_unavailable() -> None:
    sender = Sender(Body(NoAnswer("it broke off")))
    with bucket_of(sender).stream(INFO) as stream, pytest.raises(Unavailable, match="it broke off"):
        stream.read(1)
    assert len(sender.asked) == 4
    assert sender.body.closed


@pytest.mark.parametrize("content_range", [None, "bytes 0-9/11", "bytes 0-4/5", "bytes 1-10/10"])
def test_an_answer_that_is_not_the_range_asked_for_is_never_read(content_range: str | None) -> None:
    sender = Sender(Body(), content_range)
    with bucket_of(sender).stream(INFO) as stream, pytest.raises(PreconditionFailed):
        stream.read(1)
    assert sender.body.closed


def test_a_closed_stream_has_let_go_of_its_connection_and_reads_no_more() -> None:
    sender = Sender(Body())
    stream = bucket_of(sender).stream(INFO)
    assert stream.read(1) == b"0"
    stream.close()
    assert sender.body.closed
    with pytest.raises(ValueError, match="closed"):
        stream.read(1)


def test_a_seek_before_the_first_byte_is_refused() -> None:
    with FakeBucket("b").stream(INFO) as stream, pytest.raises(ValueError, match="before the first byte"):
        stream.seek(-11, io.SEEK_END)


def test_parts_grow_so_that_ten_thousand_hold_any_object(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PARTS_OF_ONE_SIZE", 2)
    bucket = FakeBucket("b")
    sizes: list[int] = []
    upload_part = bucket.upload_part

    def note(key: str, upload_id: str, number: int, body: bytes) -> PartInfo:
        sizes.append(len(body) // MIB)
        return upload_part(key, upload_id, number, body)

    monkeypatch.setattr(bucket, "upload_part", note)
    with bucket.writer("k", part_bytes=5 * MIB) as file:
        for _ in range(41):
            file.write(bytes(MIB))
    assert sizes == [5, 5, 10, 10, 11]
    assert bucket.head("k").size_bytes == 41 * MIB


def test_a_damaged_part_leaves_no_object(monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = FakeBucket("b")

    def damaged(*_: Any) -> PartInfo:
        raise Unavailable("BadDigest")

    monkeypatch.setattr(bucket, "upload_part", damaged)
    with pytest.raises(Unavailable), bucket.writer("k", part_bytes=5 * MIB) as file:
        file.write(bytes(6 * MIB))
    assert (bucket.versions, bucket.uploads) == ({}, {})


def test_parts_smaller_than_s3_takes_are_refused_at_once() -> None:
    with pytest.raises(ValueError, match="part_bytes=1024"):
        FakeBucket("b").writer("k", part_bytes=1024)


def test_the_checksum_of_parts_is_a_hash_of_their_hashes_and_their_number() -> None:
    # Of two empty parts: SHA-256 over twice the SHA-256 of nothing.
    empty = sha256_of(b"")
    assert composite_sha256([empty, empty]) == "LbpdvDOecxauomg/r4OcG3se4jE9t5IRJYgRjfBmqjU=-2"
