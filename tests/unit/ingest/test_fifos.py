"""Bytes poured through FIFOs, one after the other, whatever becomes of either side."""

import pytest
from chalicelib.ingest.formats.fifos import pouring


def broken():
    yield b"some"
    raise ZeroDivisionError


def test_the_reader_of_each_file_gets_its_stream(tmp_path):
    streams = {tmp_path / name: lambda name=name: iter([name.encode()] * 3) for name in "ab"}
    with pouring(streams):
        found = [path.read_bytes() for path in streams]
    assert found == [b"aaa", b"bbb"]
    assert not list(tmp_path.iterdir())


def test_a_stream_that_breaks_off_is_told_and_keeps_no_reader_waiting_for_the_next(tmp_path):
    streams = {tmp_path / "a": broken, tmp_path / "b": lambda: iter([b"never"]), tmp_path / "c": broken}
    found = []
    with pytest.raises(ZeroDivisionError), pouring(streams):
        found += [path.read_bytes() for path in streams]
    assert found == [b"some", b"", b""]


def test_a_reader_that_goes_away_keeps_no_stream_waiting(tmp_path):
    streams = {tmp_path / "a": lambda: iter([b"x" * 9_000_000]), tmp_path / "b": lambda: iter([b"y"])}
    with pouring(streams), (tmp_path / "a").open("rb") as pipe:
        found = pipe.read(1)
    assert found == b"x"
    assert not list(tmp_path.iterdir())
