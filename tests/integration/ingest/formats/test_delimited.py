"""Every dialect gives the cells that Python's csv module wrote; what is no table ends with its reason."""

import csv
import hashlib
import io
import itertools

import pytest
from chalicelib.ingest.engine import open_scratch
from chalicelib.ingest.formats.detect import open_reader
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.entities.pipeline import Data
from shared.errors import InvalidDataset, Unavailable
from tests.integration.ingest.formats.sources import LIMITS, Bytes, drain, read

HEADER = b"a,b,c\n"
GOOD = b"1,abc,def\n"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), max_size=8)


@settings(max_examples=25)
@given(
    rows=st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=12),
    delimiter=st.sampled_from(",;\t|^~: "),
    quote=st.sampled_from("\"'"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_declared_dialect_gives_back_every_cell_that_was_written(rows, delimiter, quote, end):
    written = io.StringIO()
    dialect = {"delimiter": delimiter, "quotechar": quote, "lineterminator": end, "quoting": csv.QUOTE_ALL}
    csv.writer(written, **dialect).writerows([("a", "b", "c"), *rows])
    found = read(written.getvalue().encode(), delimiter=delimiter, quote=quote)
    assert found.columns == ("a", "b", "c")
    assert [tuple(cell or "" for cell in row) for row in found.rows] == rows
    assert found.malformed == []


@pytest.mark.parametrize(("delimiter", "quote"), [*itertools.product(",;\t|^~", "\"'")])
def test_delimiter_and_quote_are_detected(delimiter, quote):
    rows = [[f"x{i}", f"one{delimiter} two", f"it is {i}"] for i in range(5)]
    written = io.StringIO()
    csv.writer(written, delimiter=delimiter, quotechar=quote).writerows([["a", "b", "c"], *rows])
    found = read(written.getvalue().encode())
    assert [list(row) for row in found.rows] == rows


def test_an_apostrophe_in_a_text_is_no_quote():
    found = read(b"a,b\n'tis so,it's\n'n' is,x\nrock 'n' roll,y'\n")
    assert found.rows == [("'tis so", "it's"), ("'n' is", "x"), ("rock 'n' roll", "y'")]


def test_inch_marks_in_unquoted_values_stay_what_they_are():
    found = read(HEADER + b'1,5" pipe,x\n' + GOOD * 300_000)
    assert (len(found.rows), found.rows[0][1], found.malformed) == (300_001, '5" pipe', [])


def test_a_quoted_value_of_several_lines_may_end_at_the_start_of_its_last_line():
    body = HEADER + b'1,"one\n",2\n' + GOOD * 200_000
    assert len(read(body).rows) == 200_001


def test_malformed_rows_are_told_by_number_rule_and_beginning():
    found = read(HEADER + GOOD + b"1,2\n\n" + GOOD + b'1,"x"y,2\n' + b"1,2,3,4\n" + GOOD)
    assert len(found.rows) == 3
    assert [row[:3] for row in found.malformed] == [
        (3, "wrong number of cells", "1,2"),
        (5, "text after a closing quote", '1,"x"y,2'),
        (6, "wrong number of cells", "1,2,3,4"),
    ]
    assert [row[3:] for row in found.malformed] == [(1, 1), (2, 2), (3, 2)]


def test_a_row_of_more_than_a_megabyte_is_set_apart_alone():
    found = read(HEADER + GOOD + b"1," + b"x" * 1_500_000 + b",2\n" + GOOD)
    assert (len(found.rows), [row[:2] for row in found.malformed]) == (
        2,
        [(3, "longer than 1,000,000 bytes")],
    )


ENDLESS = [
    (GOOD * 9 + b"x" * 5_000_000, "line_too_long", "Line 10 "),
    (GOOD * 9 + b'3,"abc,def\n' + GOOD * 300_000, "unterminated_quote", "Line 10 "),
    (b'1,5" pipe,x\n' * 9 + b'3,"abc,def\n' + GOOD * 300_000, "unterminated_quote", "Line 10 "),
    (GOOD * 9 + b'3,"abc,def\n' + b'4,""abc,def\n' * 300_000, "unterminated_quote", "Line 10 "),
    (GOOD * 9 + b'3,"abc,def\n' + GOOD * 900, "unterminated_quote", "row 10 "),
    (b"1,2\n" * 400_000, "too_many_bad_rows", "3 cells"),
    (b'1,"2"x,3\n' * 400_000, "too_many_bad_rows", "3 cells"),
    (b",".join([b"1"] * 500_000) + b"\n" + GOOD, "too_many_bad_rows", "3 cells"),
    (GOOD * 200_000 + b"1,\0,2\n", "not_text", "Byte 2000008 "),
    (GOOD * 200_000 + b"1,\xff,2\n", "wrong_encoding", "Byte 2000008 "),
]


@pytest.mark.parametrize(("body", "reason", "said"), ENDLESS)
@pytest.mark.timeout(20)
def test_what_would_fill_memory_or_hide_rows_ends_with_its_reason(body, reason, said):
    with pytest.raises(InvalidDataset) as raised:
        read(HEADER + body)
    assert (raised.value.reason, said in str(raised.value)) == (reason, True)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty_file"),
        (b"\n\r\n", "empty_file"),
        (b"a,,c\n1,2,3\n", "empty_column_name"),
        (b"a,B,b\n1,2,3\n", "duplicate_columns"),
        (b'a,"b\n1,2\n', "bad_header"),
        (b",".join(b"c%d" % i for i in range(1001)) + b"\n", "too_many_columns"),
        (b",".join(b"c%d" % i for i in range(1_000_000)) + b"\n", "bad_header"),
    ],
)
def test_a_header_that_names_no_columns_is_told(body, reason):
    with pytest.raises(InvalidDataset) as raised:
        read(body)
    assert raised.value.reason == reason


@pytest.mark.parametrize("declared", [{"delimiter": "x"}, {"delimiter": '"'}, {"quote": "|"}])
def test_a_dialect_that_cannot_be_is_told(declared):
    with pytest.raises(InvalidDataset) as raised:
        read(HEADER + GOOD, **declared)
    assert raised.value.reason == "bad_dialect"


def test_hash_and_size_are_those_of_the_object_and_the_sample_is_its_beginning():
    body = b"\xef\xbb\xbf" + HEADER + GOOD * 200_000
    found = read(body)
    assert (found.sha256, found.size_bytes) == (hashlib.sha256(body).hexdigest(), len(body))
    assert found.sampled == found.rows[: len(found.sampled)]
    assert len(found.sampled) > 100_000


def test_a_stream_that_breaks_off_is_unavailable_not_a_shorter_table():
    with pytest.raises(Unavailable, match="2,000,000 of 2,000,006 bytes"):
        read(HEADER + GOOD * 200_000, arriving=2_000_000)


def test_a_second_pass_gives_the_same_rows_and_notices_other_bytes():
    first, other = HEADER + GOOD + b"1,2\n", HEADER + GOOD + b"1,3\n"
    bodies = [first, first, first, first, other]

    class Changing(Bytes, frozen=True):
        def open(self):
            return io.BytesIO(bodies.pop(0))

    reader = open_reader(Changing(first), Data(), LIMITS)
    del bodies[:-3]
    with open_scratch() as scratch:
        for _ in range(2):
            assert drain(scratch, reader)[1] == 1
            assert scratch.rows("SELECT row FROM malformed") == [(3,)]
        with pytest.raises(Unavailable):
            drain(scratch, reader)
