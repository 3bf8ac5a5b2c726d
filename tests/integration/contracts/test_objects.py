"""What a bucket promises, whichever cloud holds it."""

import io

import pytest

from shared.errors import NotFound, PreconditionFailed
from shared.objects import Bucket


@pytest.mark.parametrize("key", ["incoming/flights/a b+c.csv", "incoming/flights/ünï%20.csv", "a/~!'()*.csv"])
def test_any_legal_key_means_itself(bucket: Bucket, key: str) -> None:
    bucket.write(key, b"x,y\n1,2\n")
    assert bucket.read(key) == b"x,y\n1,2\n"
    assert [found.key for found in bucket.list(key[:3])] == [key]


def test_each_write_is_a_version_of_its_own(bucket: Bucket) -> None:
    first = bucket.write("k", b"one")
    second = bucket.write("k", io.BytesIO(b"three"))
    assert first != second
    assert (bucket.read("k", first), bucket.read("k", second), bucket.read("k")) == (
        b"one",
        b"three",
        b"three",
    )
    info = bucket.head("k", first)
    assert (info.size_bytes, info.version_id) == (3, first)
    assert bucket.head("k").size_bytes == 5


def test_every_version_is_listed_also_what_was_replaced(bucket: Bucket) -> None:
    written = [
        ("a", bucket.write("a", b"1")),
        ("k", bucket.write("k", b"22")),
        ("k", bucket.write("k", b"333")),
    ]
    found = [(info.key, info.version_id, info.size_bytes) for info in bucket.list_versions("")]
    assert found == [(*written[0], 1), (*written[2], 3), (*written[1], 2)]
    assert all(info.modified_at for info in bucket.list_versions("k"))
    assert list(bucket.list_versions("missing")) == []


def test_folders_are_listed_each_once_and_what_lies_in_none_apart(bucket: Bucket) -> None:
    keys = ("incoming/b c/x", "incoming/a/x", "incoming/a/y/z", "incoming/a.csv", "incoming/ü.csv", "other/x")
    for key in (*keys, "incoming/a.csv"):
        bucket.write(key, b"1")
    assert list(bucket.folders("incoming/")) == ["incoming/a/", "incoming/b c/"]
    loose = [info.key for info in bucket.list_versions("incoming/", deep=False)]
    assert loose == ["incoming/a.csv", "incoming/a.csv", "incoming/ü.csv"]
    assert list(bucket.folders("missing/")) == []


def test_a_new_object_never_replaces_one_that_is_there(bucket: Bucket) -> None:
    bucket.write("manifest.json", b"first", new=True)
    with pytest.raises(PreconditionFailed):
        bucket.write("manifest.json", b"second", new=True)
    assert bucket.read("manifest.json") == b"first"


def test_what_is_not_there_is_not_found(bucket: Bucket) -> None:
    version = bucket.write("k", b"x")
    assert version
    for attempt in (bucket.read, bucket.head, bucket.open):
        with pytest.raises(NotFound):
            attempt("missing")
    assert list(bucket.list("missing")) == []


def test_an_open_object_streams_its_bytes(bucket: Bucket) -> None:
    bucket.write("big", b"0123456789" * 1000)
    stream = bucket.open("big")
    assert stream.read(10) == b"0123456789"
    assert len(stream.read()) == 9990


def test_a_deleted_object_is_not_found_and_deleting_it_again_is_no_error(bucket: Bucket) -> None:
    bucket.write("k", b"x")
    bucket.delete("k")
    bucket.delete("k")
    with pytest.raises(NotFound):
        bucket.head("k")
    assert list(bucket.list("k")) == []
