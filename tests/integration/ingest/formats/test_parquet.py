"""Parquet becomes rows of texts that read back as the same values; a broken file is rejected, never a crash."""

import datetime as dt
import decimal
import gzip
import hashlib

import duckdb
import pytest
from chalicelib.ingest.formats.parquet import Parquet
from chalicelib.ingest.formats.reader import Limits, TooLargeHere
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.entities.pipeline import Data
from shared.errors import InvalidDataset, Unavailable
from tests.integration.ingest.formats.sources import LIMITS, Bytes, read


@pytest.fixture
def parquet(tmp_path):
    """Return the bytes of a Parquet file that holds the answer of a query."""

    def write(query, options=""):
        path = tmp_path / "made.parquet"
        with duckdb.connect() as connection:
            connection.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet {options})")
        return path.read_bytes()

    return write


def rejected(body, name="data.parquet", **data):
    with pytest.raises(InvalidDataset) as caught:
        read(body, name, **data)
    return caught.value.reason


TYPED = """SELECT 7::TINYINT AS small, 18446744073709551615::UBIGINT AS big, 0.1::FLOAT AS f, 1e22::DOUBLE AS d,
1.10::DECIMAL(10, 2) AS e, true AS b, DATE '2024-02-29' AS day, TIMESTAMP '2024-01-01 10:00:00.123456' AS at,
TIMESTAMPTZ '2024-01-01 10:00:00+02' AS tz, TIMESTAMP_NS '2024-01-01 10:00:00.123456789' AS ns,
'AA'::ENUM('AA', 'BB') AS code, UUID '12345678-1234-5678-1234-567812345678' AS id, '' AS nothing, '007' AS text"""


def test_values_of_every_type_become_texts_and_their_types_are_declared(parquet):
    body = parquet(TYPED)
    table = read(body, "data.parquet")
    assert dict(zip(table.columns, table.rows[0], strict=True)) == {
        "small": "7", "big": "18446744073709551615", "f": "0.1", "d": "1e+22", "e": "1.10", "b": "true",
        "day": "2024-02-29", "at": "2024-01-01 10:00:00.123456", "tz": "2024-01-01 08:00:00",
        "ns": "2024-01-01 10:00:00.123456", "code": "AA", "id": "12345678-1234-5678-1234-567812345678",
        "nothing": None, "text": "007",
    }  # fmt: skip
    assert Parquet(Bytes(body, "data.parquet"), Data(), LIMITS).declared == {
        "small": "integer", "big": "integer", "f": "number", "d": "number", "e": "number", "b": "boolean",
        "day": "date", "at": "datetime", "tz": "datetime", "ns": "datetime", "code": "string", "id": "string",
        "nothing": "string", "text": "string",
    }  # fmt: skip


def test_what_is_no_number_becomes_a_text_that_is_none(parquet):
    table = read(parquet("SELECT unnest(['nan', 'inf', '-inf']::DOUBLE[]) AS a"), "data.parquet")
    assert table.rows == [("nan",), ("inf",), ("-inf",)]


def test_rows_keep_their_order_over_many_row_groups(parquet):
    table = read(parquet("SELECT range AS a FROM range(50000)", ", ROW_GROUP_SIZE 2048"), "data.parquet")
    assert table.rows == [(str(number),) for number in range(50000)]
    assert table.malformed == []
    assert 0 < len(table.sampled) <= 10_000
    assert table.sampled == table.rows[: len(table.sampled)]


@pytest.mark.parametrize(
    "value",
    ["[1, 2]", "[1.5::DECIMAL(2,1)]", "[TIMESTAMP '2026-01-01']", "{'a': 1}", "MAP {'a': 1}", "'x'::BLOB"],
)
def test_a_column_no_table_has_is_refused_unless_it_is_dropped(parquet, value):
    body = parquet(f"SELECT 1 AS a, {value} AS odd, 2 AS c")
    assert rejected(body) == "unsupported_column"
    table = read(body, "data.parquet", drop=("odd",))
    assert (table.columns, table.rows) == (("a", "odd", "c"), [("1", None, "2")])


def test_two_columns_of_one_name_are_refused_and_not_renamed(parquet):
    # DuckDB writes a_1 itself: the second name is put right in the bytes.
    body = parquet("SELECT 1 AS aaa, 2 AS bbb").replace(b"bbb", b"aaa")
    assert rejected(body) == "duplicate_columns"


def test_the_raw_bytes_are_hashed_also_when_compressed(parquet):
    raw = gzip.compress(parquet("SELECT 1 AS a"))
    table = read(raw, "data.parquet.gz")
    assert (table.rows, table.sha256) == ([("1",)], hashlib.sha256(raw).hexdigest())
    assert table.size_bytes == len(raw)


def test_a_broken_transfer_is_not_the_file_s_fault(parquet):
    body = parquet("SELECT range AS a FROM range(1000)")
    with pytest.raises(Unavailable):
        read(body, "data.parquet", arriving=len(body) - 9)


def test_a_file_without_rows_has_columns_and_no_row(parquet):
    table = read(parquet("SELECT 1 AS a WHERE false"), "data.parquet")
    assert (table.columns, table.rows) == (("a",), [])


def test_a_billion_equal_cells_are_large_however_small_the_file(parquet):
    body = parquet("SELECT 1 AS a FROM range(1000000)", ", ROW_GROUP_SIZE 1000000")
    with pytest.raises(TooLargeHere):
        Parquet(Bytes(body, "data.parquet"), Data(), Limits(max_bytes=1_000_000, hard_max_bytes=1 << 30))


def test_a_file_that_is_cut_off_or_encrypted_is_corrupt(parquet):
    body = parquet("SELECT range AS a FROM range(1000)")
    for broken in (
        body[:-9],
        body[: len(body) // 2],
        body[:4],
        body[:8] + b"PAR1",
        body[:-8] + b"\xff" * 4 + b"PAR1",
    ):
        assert rejected(broken) == "corrupt_parquet"
    with pytest.raises(InvalidDataset, match="encrypted"):
        Parquet(Bytes(b"PARE" + body[4:-4] + b"PARE"), Data(), LIMITS)


def test_damaged_pages_reject_the_file_when_they_are_read(parquet):
    body = bytearray(parquet("SELECT range AS a, hash(range)::VARCHAR AS b FROM range(100000)"))
    body[100:5000] = bytes(4900)
    assert rejected(bytes(body)) == "corrupt_parquet"


texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.floats(allow_nan=False, allow_infinity=False),
            st.decimals(-(10**20), 10**20, places=6),
            st.datetimes(),
            texts,
        ),
        min_size=1,
        max_size=8,
    )
)
def test_values_round_trip_through_their_texts(tmp_path, rows):
    path = tmp_path / "rows.parquet"
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (a DOUBLE, b DECIMAL(38, 6), c TIMESTAMP, d VARCHAR)")
        connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
        connection.execute(f"COPY t TO '{path}' (FORMAT parquet)")
    back = [
        (float(a), decimal.Decimal(b), dt.datetime.fromisoformat(c), d)
        for a, b, c, d in read(path.read_bytes(), "rows.parquet").rows
    ]
    assert back == rows
