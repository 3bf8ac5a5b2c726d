"""What an upload in parts promises, whichever cloud holds the bucket."""

import base64
import hashlib

import pytest

from shared.errors import Conflict, NotFound, PreconditionFailed
from shared.objects import Bucket, PartInfo
from shared.objects.facts import composite_sha256, sha256_of

MIB = 1024 * 1024
KEY = "incoming/flights/a b+ü.csv"
BODIES = {1: b"a" * 5 * MIB, 2: b"b" * 6 * MIB, 3: b"c"}


def send(bucket: Bucket, upload_id: str, *numbers: int) -> list[PartInfo]:
    """Send some of the three parts and return what is told of them."""
    return [bucket.upload_part(KEY, upload_id, number, BODIES[number]) for number in numbers]


def test_parts_in_any_order_become_one_object_in_theirs(bucket: Bucket) -> None:
    upload_id = bucket.begin_multipart(KEY, content_type="text/csv")
    sent = send(bucket, upload_id, 3, 1, 2)
    version = bucket.complete_multipart(KEY, upload_id, sorted(sent, key=lambda part: part.number))
    found = bucket.head(KEY)
    assert (found.version_id, found.size_bytes) == (version, 11 * MIB + 1)
    assert bucket.read(KEY) == b"".join(BODIES.values())


def test_arrived_parts_are_listed_with_what_proves_them(strict_bucket: Bucket) -> None:
    upload_id = strict_bucket.begin_multipart(KEY)
    assert strict_bucket.list_parts(KEY, upload_id) == ()
    sent = send(strict_bucket, upload_id, 2, 1)
    assert strict_bucket.list_parts(KEY, upload_id) == (sent[1], sent[0])
    assert strict_bucket.list_parts(KEY, upload_id, limit=1) == (sent[1],)
    assert sent[1].sha256 == base64.b64encode(hashlib.sha256(BODIES[1]).digest()).decode()


def test_a_part_sent_again_replaces_the_first(bucket: Bucket) -> None:
    upload_id = bucket.begin_multipart(KEY)
    bucket.upload_part(KEY, upload_id, 1, b"old")
    new = bucket.upload_part(KEY, upload_id, 1, b"new")
    bucket.complete_multipart(KEY, upload_id, [new])
    assert bucket.read(KEY) == b"new"


def test_the_finished_object_carries_the_checksum_of_its_parts(strict_bucket: Bucket) -> None:
    upload_id = strict_bucket.begin_multipart(KEY)
    sent = send(strict_bucket, upload_id, 1, 3)
    strict_bucket.complete_multipart(KEY, upload_id, sent)
    assert strict_bucket.head(KEY).checksum_sha256 == composite_sha256([part.sha256 for part in sent])


def test_parts_that_did_not_arrive_as_told_make_no_object(strict_bucket: Bucket) -> None:
    upload_id = strict_bucket.begin_multipart(KEY)
    first, second = send(strict_bucket, upload_id, 1, 2)
    other = sha256_of(b"other")
    wrong = [
        [],
        [second, first],
        [first, PartInfo(number=3, etag=first.etag, sha256=first.sha256)],
        [PartInfo(number=1, etag="0" * 32, sha256=first.sha256)],
        [PartInfo(number=1, etag=first.etag, sha256=other)],
    ]
    for told in wrong:
        with pytest.raises(Conflict):
            strict_bucket.complete_multipart(KEY, upload_id, told)
    assert list(strict_bucket.list("incoming/")) == []
    strict_bucket.complete_multipart(KEY, upload_id, [first, second])


def test_a_sum_of_bytes_other_than_told_makes_no_object(strict_bucket: Bucket) -> None:
    upload_id = strict_bucket.begin_multipart(KEY)
    sent = send(strict_bucket, upload_id, 1, 3)
    with pytest.raises(Conflict):
        strict_bucket.complete_multipart(KEY, upload_id, sent, size_bytes=5 * MIB)
    strict_bucket.complete_multipart(KEY, upload_id, sent, size_bytes=5 * MIB + 1)


def test_a_small_part_before_the_last_is_refused(bucket: Bucket) -> None:
    upload_id = bucket.begin_multipart(KEY)
    sent = send(bucket, upload_id, 1, 3)
    small = bucket.upload_part(KEY, upload_id, 2, b"tiny")
    with pytest.raises(Conflict):
        bucket.complete_multipart(KEY, upload_id, [sent[0], small, sent[1]])


def test_an_aborted_upload_is_gone_with_its_parts(strict_bucket: Bucket) -> None:
    upload_id = strict_bucket.begin_multipart(KEY)
    (first,) = send(strict_bucket, upload_id, 1)
    strict_bucket.abort_multipart(KEY, upload_id)
    for attempt in (
        lambda: strict_bucket.list_parts(KEY, upload_id),
        lambda: strict_bucket.upload_part(KEY, upload_id, 2, b"x"),
        lambda: strict_bucket.complete_multipart(KEY, upload_id, [first]),
        lambda: strict_bucket.abort_multipart(KEY, upload_id),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert list(strict_bucket.list("incoming/")) == []


def test_an_upload_belongs_to_its_key(strict_bucket: Bucket) -> None:
    upload_id = strict_bucket.begin_multipart(KEY)
    (first,) = send(strict_bucket, upload_id, 1)
    for attempt in (
        lambda: strict_bucket.list_parts("incoming/other/x.csv", upload_id),
        lambda: strict_bucket.complete_multipart("incoming/other/x.csv", upload_id, [first]),
        lambda: strict_bucket.abort_multipart("incoming/other/x.csv", upload_id),
        lambda: strict_bucket.list_parts(KEY, "no-such-upload"),
    ):
        with pytest.raises(NotFound):
            attempt()
    assert strict_bucket.list_parts(KEY, upload_id) == (first,)


def test_a_new_object_in_parts_never_replaces_another(bucket: Bucket) -> None:
    bucket.write(KEY, b"first")
    upload_id = bucket.begin_multipart(KEY)
    sent = send(bucket, upload_id, 1)
    with pytest.raises(PreconditionFailed):
        bucket.complete_multipart(KEY, upload_id, sent, new=True)
    assert bucket.read(KEY) == b"first"
