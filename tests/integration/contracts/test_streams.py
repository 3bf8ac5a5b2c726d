"""What reading one exact version and writing without knowing the size promise, whichever cloud holds the bucket."""

import hashlib
import io
from collections.abc import Callable
from typing import IO, Any

import pytest

from shared.errors import NotFound, PreconditionFailed, Unavailable
from shared.objects import Bucket, ObjectInfo

MIB = 1024 * 1024
CONTENT = bytes(range(256)) * 400


class Broken:
    """A connection that gives *size* bytes of a range and then breaks, or ends as if that were all."""

    def __init__(self, body: IO[bytes], size: int, *, silently: bool) -> None:
        self.body, self.left, self.silently = body, size, silently

    def read(self, size: int) -> bytes:
        if self.left == 0 and not self.silently:
            raise Unavailable("the connection broke")
        chunk = self.body.read(min(size, self.left))
        self.left -= len(chunk)
        return chunk

    def close(self) -> None:
        self.body.close()


def breaking(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, size: int, *, silently: bool) -> list[int]:
    """Let every connection of *bucket* break after *size* bytes; return where the connections begin."""
    began: list[int] = []
    open_range = bucket.open_range

    def open_broken(info: ObjectInfo, start: int, end: int) -> Any:
        began.append(start)
        return Broken(open_range(info, start, end), size, silently=silently)

    monkeypatch.setattr(bucket, "open_range", open_broken)
    return began


def test_a_stream_is_the_version_it_was_opened_for_even_when_a_newer_one_exists(bucket: Bucket) -> None:
    version = bucket.write("k", CONTENT)
    bucket.write("k", b"newer")
    with bucket.stream(bucket.head("k", version), part_bytes=30_000) as stream:
        assert stream.read(7) == CONTENT[:7]
        assert stream.read() == CONTENT[7:]
        assert stream.read(1) == b""


def test_a_stream_can_be_read_at_any_place_and_through_a_buffer(bucket: Bucket) -> None:
    bucket.write("k", CONTENT)
    info = bucket.head("k")
    with bucket.stream(info, part_bytes=1000) as stream:
        assert stream.seek(-5, io.SEEK_END) == len(CONTENT) - 5
        assert stream.read(100) == CONTENT[-5:]
        stream.seek(10)
        assert stream.seek(10, io.SEEK_CUR) == stream.tell() == 20
        assert io.BufferedReader(stream).read(5000) == CONTENT[20:5020]


def test_an_empty_object_is_an_empty_stream(bucket: Bucket) -> None:
    bucket.write("k", b"")
    with bucket.stream(bucket.head("k")) as stream:
        assert (stream.read(10), stream.read()) == (b"", b"")


@pytest.mark.parametrize("silently", [False, True])
def test_a_broken_connection_goes_on_from_where_it_stopped(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, silently: bool
) -> None:
    bucket.write("k", CONTENT)
    began = breaking(bucket, monkeypatch, 30_000, silently=silently)
    with bucket.stream(bucket.head("k")) as stream:
        assert stream.read() == CONTENT
    assert began == [0, 30_000, 60_000, 90_000]


@pytest.mark.parametrize("silently", [False, True])
def test_a_connection_that_never_works_is_an_error_and_no_early_end(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, silently: bool
) -> None:
    bucket.write("k", CONTENT)
    began = breaking(bucket, monkeypatch, 0, silently=silently)
    with (
        bucket.stream(bucket.head("k")) as stream,
        pytest.raises(Unavailable, match="stopped at byte 0 of 102400"),
    ):
        stream.read(1)
    assert len(began) == 4


def test_an_object_replaced_while_it_is_read_is_an_error(bucket: Bucket) -> None:
    bucket.write("k", CONTENT)
    told = bucket.head("k")
    unversioned = ObjectInfo(key="k", size_bytes=told.size_bytes, etag=told.etag)
    with bucket.stream(unversioned, part_bytes=1000) as stream:
        assert stream.read(1000) == CONTENT[:1000]
        bucket.write("k", CONTENT[::-1])
        with pytest.raises(PreconditionFailed):
            stream.read(1)


@pytest.mark.parametrize("difference", [-1, 1, 10**6])
def test_an_object_of_another_size_than_told_is_an_error(bucket: Bucket, difference: int) -> None:
    bucket.write("k", CONTENT)
    wrong = ObjectInfo(key="k", size_bytes=len(CONTENT) + difference)
    with bucket.stream(wrong) as stream, pytest.raises(PreconditionFailed):
        stream.read()


def test_a_version_deleted_while_it_is_read_is_not_found(bucket: Bucket) -> None:
    bucket.write("k", CONTENT)
    gone = ObjectInfo(key="k", size_bytes=9, version_id="00000000-0000-0000-0000-000000000000")
    with bucket.stream(gone) as stream, pytest.raises(NotFound):
        stream.read()


@pytest.mark.parametrize("size", [0, 5, 5 * MIB, 5 * MIB + 1, 12 * MIB])
def test_what_is_written_piece_by_piece_is_read_whole(bucket: Bucket, size: int) -> None:
    content = (CONTENT * (size // len(CONTENT) + 1))[:size]
    with bucket.writer("k", content_type="text/csv", part_bytes=5 * MIB) as writer:
        for start in range(0, size, 700_001):
            writer.write(content[start : start + 700_001])
    assert bucket.read("k") == content
    assert (writer.size_bytes, writer.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert writer.version_id == bucket.head("k").version_id


def _write_and_fail(bucket: Bucket, content: bytes) -> None:
    with bucket.writer("k", part_bytes=5 * MIB) as writer:
        writer.write(content)
        raise ZeroDivisionError


@pytest.mark.parametrize("size", [5, 12 * MIB])
def test_a_block_that_raises_leaves_nothing(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    begun: list[str] = []
    begin = bucket.begin_multipart

    def begin_noted(key: str, **options: str) -> str:
        begun.append(begin(key, **options))
        return begun[-1]

    monkeypatch.setattr(bucket, "begin_multipart", begin_noted)
    with pytest.raises(ZeroDivisionError):
        _write_and_fail(bucket, b"x" * size)
    assert list(bucket.list("k")) == []
    assert len(begun) == (1 if size > 5 * MIB else 0)
    for upload_id in begun:
        with pytest.raises(NotFound):
            bucket.list_parts("k", upload_id)


@pytest.mark.parametrize("size", [5, 6 * MIB])
def test_a_new_object_written_piece_by_piece_never_replaces_another(bucket: Bucket, size: int) -> None:
    bucket.write("k", b"first")
    with pytest.raises(PreconditionFailed), bucket.writer("k", part_bytes=5 * MIB, new=True) as writer:
        writer.write(b"x" * size)
    assert bucket.read("k") == b"first"


def test_a_copy_is_of_the_version_that_was_named(new_bucket: Callable[[], Bucket]) -> None:
    source, target = new_bucket(), new_bucket()
    version = source.write("a b+ü.csv", CONTENT)
    source.write("a b+ü.csv", b"newer")
    target.copy_version(source, source.head("a b+ü.csv", version), "copied")
    assert target.read("copied") == CONTENT
    missing = ObjectInfo(key="nothing", size_bytes=1)
    with pytest.raises(NotFound):
        target.copy_version(source, missing, "copied")
