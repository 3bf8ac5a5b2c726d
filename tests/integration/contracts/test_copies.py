"""What a copy in parts promises, whichever cloud holds the bucket; the parts are small here to be quick."""

import pytest

from shared.errors import NotFound, PreconditionFailed
from shared.objects import Bucket, ObjectInfo, copying

MIB = 1024 * 1024
CONTENT = b"".join(bytes([letter]) * 5 * MIB for letter in b"abc") + b"d"


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "COPY_BYTES", 5 * MIB)


def test_a_large_object_is_copied_whole_in_parts(bucket: Bucket) -> None:
    version = bucket.write("a b+ü.csv", CONTENT)
    bucket.write("a b+ü.csv", b"newer")
    bucket.copy_version(bucket, bucket.head("a b+ü.csv", version), "copied")
    assert bucket.read("copied") == CONTENT


def test_a_large_copy_that_fails_leaves_nothing(bucket: Bucket) -> None:
    absent = ObjectInfo(key="absent", size_bytes=11 * MIB)
    with pytest.raises((NotFound, PreconditionFailed)):
        bucket.copy_version(bucket, absent, "copied")
    assert list(bucket.list("copied")) == []
