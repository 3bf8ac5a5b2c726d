"""What the scratch database promises: constant memory is measured elsewhere, limits and errors here."""

import errno

import pytest
from chalicelib.ingest.engine import (
    MIN_ROW_GROUP_ROWS,
    ROW_GROUP_ROWS,
    CappedFile,
    DiskFull,
    open_scratch,
    parquet,
    tables,
)

from shared.errors import Unavailable


class Sink:
    def __init__(self, error: BaseException | None = None) -> None:
        self.data, self.error = b"", error

    def write(self, data: bytes) -> int:
        if self.error:
            raise self.error
        self.data += data
        return len(data)


def test_a_query_streams_into_its_target_as_a_whole_parquet_file(tmp_path):
    sink = Sink()
    with open_scratch() as scratch:
        scratch.stream("SELECT n FROM range(200000) AS numbers(n)", parquet(1), sink)
        (tmp_path / "x.parquet").write_bytes(sink.data)
        assert scratch.row(f"SELECT count(*), sum(n) FROM {tables([tmp_path / 'x.parquet'])}") == (
            200_000,
            19_999_900_000,
        )


def test_rows_come_out_in_the_order_they_went_in(tmp_path):
    with open_scratch() as scratch:
        scratch.copy("SELECT n FROM range(300000) AS numbers(n)", tmp_path / "x.parquet")
        found = scratch.rows(f"SELECT n FROM {tables([tmp_path / 'x.parquet'])}")
    assert found == [(n,) for n in range(300_000)]


def test_the_error_of_the_target_is_told_and_not_the_broken_pipe():
    with pytest.raises(ZeroDivisionError), open_scratch() as scratch:
        scratch.stream("SELECT n FROM range(9000000) AS numbers(n)", parquet(1), Sink(ZeroDivisionError()))


def test_a_failing_query_is_unavailable_and_leaves_no_thread_waiting():
    with pytest.raises(Unavailable, match="DuckDB"), open_scratch() as scratch:
        scratch.stream("SELECT error('no')", parquet(1), Sink())


def test_a_file_takes_what_fits_and_no_byte_more(tmp_path):
    with (tmp_path / "x").open("wb") as file:
        capped = CappedFile(file, 10)
        assert capped.write(b"1234567890") == 10
        assert capped.left_bytes == 0
        with pytest.raises(DiskFull):
            capped.write(b"1")


@pytest.mark.parametrize(
    ("number", "expected"), [(errno.ENOSPC, DiskFull), (errno.EIO, OSError)], ids=["full", "broken"]
)
def test_a_full_disk_is_told_from_a_broken_one(number, expected):
    with pytest.raises(expected):
        CappedFile(Sink(OSError(number, "")), 10).write(b"1")  # type: ignore[arg-type]


def limit_of(scratch):
    return scratch.row("SELECT current_setting('memory_limit')")[0]


def fail_while_sorting(scratch, limits):
    with scratch.sorting():
        limits.append(limit_of(scratch))
        raise ZeroDivisionError


def test_what_sorts_is_held_to_less_memory_and_what_follows_is_not():
    with open_scratch() as scratch:
        limits = [limit_of(scratch)]
        with pytest.raises(ZeroDivisionError):
            fail_while_sorting(scratch, limits)
        limits.append(limit_of(scratch))
    assert limits == ["143.0 MiB", "61.0 MiB", "143.0 MiB"]


@pytest.mark.parametrize("columns", [1, 24, 100, 1000, 100_000])
def test_the_wider_a_table_the_fewer_rows_are_held_for_a_group(columns):
    rows = int(parquet(columns).rpartition(" ")[2])
    assert rows in (ROW_GROUP_ROWS, MIN_ROW_GROUP_ROWS) or rows * columns <= ROW_GROUP_ROWS * 24
    assert rows % MIN_ROW_GROUP_ROWS == 0
