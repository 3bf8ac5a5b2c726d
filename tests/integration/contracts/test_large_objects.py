"""The local cloud keeps large objects on disk: every version stays readable, whole and in pieces, and costs no memory."""

import uuid
from pathlib import Path

import pytest

from localcloud.control import Running
from shared.errors import NotFound
from shared.objects import Bucket
from tests import clouds
from tests.clouds import client

MIB = 1024 * 1024
OLD, NEW = b"old." * (8 * MIB), b"new!" * (8 * MIB)


@pytest.fixture
def bucket(local_cloud: Running) -> Bucket:
    """An empty versioned bucket of the local cloud."""
    s3 = client("s3", local_cloud.url)
    name = f"contract-{uuid.uuid4().hex[:8]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return Bucket(clouds.s3(local_cloud.url), name)


def memory_mib(pid: int) -> int:
    """Return the resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) // 1024


def test_every_version_of_a_large_object_is_read_whole_and_in_pieces(bucket: Bucket) -> None:
    for key in ("k", "a b+ü/../k"):
        old, new = bucket.write(key, OLD), bucket.write(key, NEW)
        for version, content in ((old, OLD), (new, NEW), (None, NEW)):
            info = bucket.head(key, version)
            assert bucket.read(key, version) == content
            with bucket.stream(info, part_bytes=5 * MIB) as stream:
                assert stream.read() == content
                stream.seek(MIB - 1)
                assert stream.read(2 * MIB) == content[MIB - 1 : 3 * MIB - 1]


def test_an_older_version_is_the_newest_again_once_the_newer_is_deleted(
    bucket: Bucket, local_cloud: Running
) -> None:
    old, new = bucket.write("k", OLD), bucket.write("k", NEW)
    client("s3", local_cloud.url).delete_object(Bucket=bucket.name, Key="k", VersionId=new)
    assert bucket.head("k").version_id == old
    assert bucket.read("k") == bucket.read("k", old) == OLD
    with bucket.stream(bucket.head("k")) as stream:
        assert stream.read(4) == b"old."
    with pytest.raises(NotFound):
        bucket.read("k", new)


def test_large_objects_leave_the_servers_memory(bucket: Bucket, local_cloud: Running) -> None:
    bucket.write("k", OLD)
    before = memory_mib(local_cloud.pid)
    for _ in range(6):
        bucket.write("k", OLD)
    assert memory_mib(local_cloud.pid) - before < 96, "six versions of 32 MiB"
