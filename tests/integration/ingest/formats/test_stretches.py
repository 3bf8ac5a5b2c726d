"""A long text is poured in stretches: rows, malformed ones and their numbers are as if it came in one piece."""

import json
import random
from typing import Any

import pytest
from chalicelib.ingest.engine import open_scratch
from chalicelib.ingest.formats import delimited, delimited_shape, stretches
from chalicelib.ingest.formats.detect import open_reader
from chalicelib.ingest.formats.reader import Limits, TooLargeHere

from shared.entities.pipeline import Data
from shared.errors import InvalidDataset
from tests.integration.ingest.formats.sources import LIMITS, Bytes, read, read_source

HEADER = b"a,b,c\n"
TEXTS = (
    b"x",
    b"",
    b'5" pipe',
    b'"q, ""q"""',
    b'"one\ntwo"',
    b'"1,2,3\n4,5,6\n7,8,9\n1,1,1\n2,2,2\n3,3,3"',
    b'"\n"',
)
WRONG = (b"1,2", b"1,2,3,4", b'1,"2"x,3', b"1,2,3,", b"1,2,3,,")


def rows_of(seed: int, count: int = 3000) -> bytes:
    """Return rows of which some have values of several lines, and some are malformed."""
    chance = random.Random(seed)
    lines = [
        chance.choice(WRONG)
        if chance.random() < 0.02
        else b"%d,%b,%b" % (number, chance.choice(TEXTS), chance.choice(TEXTS))
        for number in range(count)
    ]
    return b"\n".join([*lines, b""])


@pytest.fixture
def short(monkeypatch):
    """Let stretches be of 2 kB, from chunks of 512 bytes."""
    monkeypatch.setattr(stretches, "STRETCH_BYTES", 2000)
    monkeypatch.setattr("chalicelib.ingest.formats.feed.CHUNK_BYTES", 4096)


@pytest.mark.parametrize("seed", range(6))
def test_rows_and_malformed_rows_are_those_of_the_file_in_one_piece(monkeypatch, seed):
    body = HEADER + rows_of(seed)
    whole = read(body)
    monkeypatch.setattr(stretches, "STRETCH_BYTES", 3000)
    monkeypatch.setattr("chalicelib.ingest.formats.feed.CHUNK_BYTES", 4096)
    cut = read(body)
    assert (cut.rows, cut.malformed, cut.sha256) == (whole.rows, whole.malformed, whole.sha256)
    assert len(cut.rows) + len(cut.malformed) == 3000


def test_a_file_of_plain_rows_is_really_cut_and_read_by_several_statements(short):
    body = HEADER + b"".join(b"%d,two,\n" % number for number in range(4000))
    reader = open_reader(Bytes(body), Data(), LIMITS)
    with open_scratch() as scratch, reader.rows(scratch) as queries:
        found = [scratch.rows(query) for query in queries]
    assert len(found) > 2
    assert [row[:2] for rows in found for row in rows] == [(n + 1, str(n)) for n in range(4000)]


def test_malformed_rows_without_number_are_told_where_no_statement_has_too_many_of_them(short, monkeypatch):
    monkeypatch.setattr(delimited_shape, "MAX_MALFORMED", 1000)
    monkeypatch.setattr("chalicelib.ingest.formats.delimited_shape._SAMPLED_CHUNKS", 1)
    rows = [*[b"1,2,3\n"] * 5, b"1,2\n"]
    found = read(HEADER + b"".join(rows * 2500))
    assert [row[0] for row in found.malformed] == list(range(7, 15002, 6))
    with pytest.raises(InvalidDataset, match="at most 1,000") as raised:
        read(HEADER + b"1\n" * 9000)
    assert raised.value.reason == "too_many_bad_rows"


def test_a_table_within_a_value_is_never_cut_into_rows(short):
    inner = b"".join(b"1,2,3\n" for _ in range(900))
    body = HEADER + (b'1,"' + inner + b'",3\n') * 4
    found = read(body)
    assert found.rows == [("1", inner.decode(), "3")] * 4
    assert found.malformed == []


def test_a_quote_that_never_closes_is_told_with_its_row_whatever_the_stretches(short):
    with pytest.raises(InvalidDataset, match="After row 2001 ") as raised:
        read(HEADER + b"1,2,3\n" * 2000 + b'1,"2,3\n' + b"4,5,6\n" * 2000)
    assert raised.value.reason == "unterminated_quote"


def test_a_function_leaves_a_long_file_that_cannot_be_cut_to_a_job(short, monkeypatch):
    body = HEADER + (b'1,"' + b"1,2,3\n" * 900 + b'",3\n') * 4
    monkeypatch.setattr(delimited, "_MOST_UNCUT_BYTES", 1000)
    with pytest.raises(TooLargeHere):
        read_source(Bytes(body), Limits(max_bytes=1 << 30, hard_max_bytes=1 << 40))
    assert len(read_source(Bytes(body), LIMITS).rows) == 4


def test_json_lines_are_poured_in_stretches_too(short):
    lines: list[dict[str, Any]] = [{"a": n, "b": "x\ny" * (n % 3)} for n in range(3000)]
    text = "\n".join("nothing" if line["a"] % 500 == 499 else json.dumps(line) for line in lines)
    found = read(text.encode(), "data.jsonl")
    assert [row[0] for row in found.malformed] == [500, 1000, 1500, 2000, 2500, 3000]
    assert [row[0] for row in found.rows] == [str(n) for n in range(3000) if n % 500 != 499]


TAILS = [
    (b"1,2,3\n4,5,6,\n7,8,9\n", [3]),
    (b"1,2,3,,\n4,5,6\n", [2]),
    (b"1,2,3,\n" * 3, [2, 3, 4]),
    (b'"1","2","3",\n4,5,6\n', [2]),
    (b'"1\n","2,\n","\n3",\n4,5,6\n', [2]),
    (b'1,5" x,3,\n4,5,6\n', [2]),
    (b'1,"x\n2,3,4,\ny",3\n4,5,\n', []),
    (b'1,2,"3\n4,5,\n6,7,"\n4,5,\n', []),
    (b'"a,b",2,\n"a,b,c,",,\n', []),
]


@pytest.mark.parametrize(("body", "wrong"), TAILS)
def test_a_row_with_an_empty_cell_too_many_is_bad_and_one_with_an_empty_last_cell_is_not(body, wrong):
    found = read(HEADER + body)
    assert [row[0] for row in found.malformed] == wrong
    assert {row[1] for row in found.malformed} <= {"wrong number of cells"}
    assert all("end" not in (cell or "") for row in [*found.rows, *found.malformed] for cell in map(str, row))


def test_cells_keep_their_line_breaks_where_another_row_has_an_empty_cell_too_many():
    found = read(HEADER + b'1,"x\n2,3,4,\ny",3\n4,5,6,\n')
    assert found.rows == [("1", "x\n2,3,4,\ny", "3")]
