"""The benchmarks' own S3 answers as S3 does, as far as they ask."""

import pytest

from benchmarks.ingest.store import Asked, Store


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path)
    ask(store, "PUT", body=b"0123456789")
    return store


def ask(store, method, body=b"", headers=None, **query):
    return store.answer(
        Asked(method=method, key="bench/a/b.csv", query=query, headers=headers or {}, body=body)
    )


@pytest.mark.parametrize(
    ("wanted", "told", "start", "length"),
    [
        ("bytes=2-4", "bytes 2-4/10", 2, 3),
        ("bytes=7-", "bytes 7-9/10", 7, 3),
        ("bytes=-4", "bytes 6-9/10", 6, 4),
    ],
)
def test_a_range_is_exactly_what_was_asked(store, wanted, told, start, length):
    answer = ask(store, "GET", headers={"range": wanted})
    assert (answer.headers["Content-Range"], answer.start, answer.length) == (told, start, length)


def test_parts_become_one_object_in_their_order(store, tmp_path):
    assert b"<UploadId>" in ask(store, "POST", uploads="").body
    for number in ("2", "1"):
        ask(store, "PUT", body=number.encode(), partNumber=number, uploadId="one")
    ask(store, "POST", uploadId="one")
    assert (tmp_path / "bench/a/b.csv").read_bytes() == b"12"


def test_what_is_not_there_is_not_found(store):
    ask(store, "DELETE")
    assert ask(store, "GET").status.startswith("404")
