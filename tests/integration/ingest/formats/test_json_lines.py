"""JSON lines become rows of texts, each value as the file writes it; what is no row is told, never lost."""

import gzip
import hashlib
import io
import json

import msgspec
import pytest
from chalicelib.ingest.engine import open_scratch
from chalicelib.ingest.formats import json_lines
from chalicelib.ingest.formats.json_lines import JsonLines
from chalicelib.ingest.formats.json_lines_rows import Cutter, MalformedLine
from chalicelib.ingest.formats.reader import Limits, TooLargeHere
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.entities.pipeline import Data
from shared.errors import InvalidDataset, Unavailable
from tests.integration.ingest.formats.sources import drain

LIMITS = Limits(max_bytes=1 << 30, hard_max_bytes=1 << 32)


class Bytes(msgspec.Struct, frozen=True, kw_only=True):
    """A source in memory; ``missing`` bytes of it never arrive."""

    data: bytes
    name: str = "rows.jsonl"
    missing: int = 0

    @property
    def size_bytes(self):
        return len(self.data)

    def open(self):
        return io.BytesIO(self.data[: len(self.data) - self.missing])


def reader_of(*lines, data=None, limits=LIMITS):
    content = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines).encode()
    return JsonLines(Bytes(data=content), data or Data(), limits)


def read(reader):
    """Return the good rows without their numbers and the malformed ones as (row, rule)."""
    with open_scratch() as scratch:
        staged, accepted = drain(scratch, reader)
        good = scratch.rows(f"SELECT * FROM {staged} ORDER BY n")
        assert [row[0] for row in good] == list(range(1, accepted + 1))
        return [row[1:] for row in good], scratch.rows("SELECT row, rule FROM malformed ORDER BY rank")


def rejected(*lines):
    with pytest.raises(InvalidDataset) as caught:
        reader_of(*lines)
    return caught.value.reason


def test_numbers_keep_every_digit():
    written = ["1e400", "12345678901234567890", "0.10", "-0", "1E+2", "0.1000000000000000055511151231257827"]
    good, malformed = read(reader_of(*[f'{{"a": {number}}}' for number in written]))
    assert ([row[0] for row in good], malformed) == (written, [])


def test_nulls_empty_texts_and_missing_keys_are_empty_cells():
    good, _ = read(reader_of('{"a": null, "b": "x"}', '{"a": "", "b": "null"}', '{"b": true}'))
    assert good == [(None, "x"), (None, "null"), (None, "true")]


def test_columns_are_the_keys_in_order_of_first_appearance():
    reader = reader_of({"b": 1}, {"a": 1, "b": 2}, {"c": 3, "a": 1})
    assert reader.columns == ("b", "a", "c")
    assert read(reader)[0] == [("1", None, None), ("2", "1", None), (None, "1", "3")]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ('{"a": 1', "not JSON"),
        ('{"a": 01}', "not JSON"),
        ('{"a": NaN}', "not JSON"),
        ('{"a": 1} {"a": 2}', "not JSON"),
        ('{"a": "\\ud800"}', "not JSON"),
        ('{"a": "x\ty"}', "not JSON"),
        ("[1]", "not an object"),
        ('"a"', "not an object"),
        ('{"a": [1]}', "nested value"),
        ('{"a": {"b": 1}}', "nested value"),
        ('{"a": ' + "[" * 200_000 + "}", "nested value"),
        ('{"a": 1, "a": 2}', "duplicate key"),
        ('{"a": "x", "\\u0061": "y"}', "duplicate key"),
        ('{"a": "\\u0000"}', "NUL character"),
        ('{"a": "' + "x" * 1_000_000 + '"}', "longer than 1,000,000 bytes"),
        ('{"a": "' + "x" * 5_000_000 + '"}', "longer than 1,000,000 bytes"),
    ],
)
def test_a_line_that_is_no_row_is_told_with_its_number_and_rule(line, rule):
    good, malformed = read(reader_of({"a": "first"}, line, {"a": "last"}))
    assert good == [("first",), ("last",)]
    assert malformed == [(2, rule)]


def test_a_key_that_only_a_late_line_has_is_never_lost_in_silence(monkeypatch):
    monkeypatch.setattr(json_lines, "KEYS_BYTES", 12)
    reader = reader_of({"a": 1}, {"a": 2}, {"a": 3, "late": 4})
    assert read(reader) == ([("1",), ("2",)], [(3, "unknown field 'late'")])


def test_dropped_keys_may_hold_anything_and_come_late(monkeypatch):
    monkeypatch.setattr(json_lines, "KEYS_BYTES", 30)
    reader = reader_of({"a": 1, "tags": [1, 2]}, {"a": 2, "late": {}}, data=Data(drop=("tags", "late")))
    assert read(reader) == ([("1", None), ("2", None)], [])


def test_text_by_its_quotes_is_declared_and_dates_are_left_to_inference():
    reader = reader_of(
        {"code": "007", "at": "2024-01-02", "n": 1, "mixed": "5", "day": "02.01.2024"},
        {"code": "5", "at": "2024-01-03", "n": None, "mixed": 5, "day": "03.01.2024"},
    )
    assert reader.declared == {"code": "string"}


def test_blank_lines_windows_breaks_and_a_mark_are_no_rows():
    reader = reader_of('\ufeff{"a": 1}\r', "", "  \r", '{"a": 2}\r')
    assert read(reader) == ([("1",), ("2",)], [])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('[{"a": 1}]', "not_json_lines"),
        ("{\n}", "not_json_lines"),
        ("a,b", "not_json_lines"),
        ("", "empty_file"),
        ("\n \n", "empty_file"),
        ('{"": 1}', "empty_column_name"),
        ('{"a": 1, "A": 2}', "duplicate_columns"),
        ('{"a\\u0007": 1}', "bad_header"),
        (json.dumps({f"c{i}": i for i in range(1001)}), "too_many_columns"),
    ],
)
def test_a_file_without_readable_columns_is_rejected(content, reason):
    assert rejected(content) == reason


def test_bytes_that_are_no_utf8_reject_the_file_wherever_they_stand():
    content = b'{"a": 1}\n' * 200_000 + b'{"a": "\xff"}\n'
    reader = (
        JsonLines(Bytes(data=content + b'{"a": 1}\n' * 10), Data(), LIMITS)
        if len(content) > 8 << 20
        else None
    )
    with pytest.raises(InvalidDataset) as caught:
        read(reader or JsonLines(Bytes(data=content), Data(), LIMITS))
    assert caught.value.reason == "wrong_encoding"


def test_compressed_lines_are_read_and_the_raw_bytes_hashed():
    raw = gzip.compress(b'{"a": 1}\n{"a": 2}\n')
    reader = JsonLines(Bytes(data=raw, name="rows.ndjson.gz"), Data(), LIMITS)
    assert read(reader) == ([("1",), ("2",)], [])
    assert (reader.sha256, reader.size_bytes) == (hashlib.sha256(raw).hexdigest(), len(raw))


def test_a_file_can_be_read_twice():
    reader = reader_of({"a": 1}, "x", {"a": 2})
    assert read(reader) == read(reader)


def test_a_broken_transfer_is_no_shorter_file():
    content = b'{"a": 1}\n' * 300_000  # more than one chunk
    source = Bytes(data=content, missing=9)
    with pytest.raises(Unavailable):
        read(JsonLines(source, Data(), LIMITS))


def test_what_is_too_large_for_this_process_says_so():
    with pytest.raises(TooLargeHere):
        reader_of({"a": 1}, limits=Limits(max_bytes=4, hard_max_bytes=1 << 30))


def test_the_sample_has_the_first_good_rows():
    reader = reader_of({"a": 1}, "x", {"a": 2})
    with open_scratch() as scratch:
        assert scratch.rows(reader.sample(scratch)) == [(1, "1"), (2, "2")]


scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
)  # fmt: skip


def as_text(value):
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.tuples(scalars, scalars), min_size=1, max_size=20),
    ascii_only=st.booleans(),
    keys=st.sampled_from([("a", "b"), ('q"uote', "back\\slash"), ("ä ö", "b,c")]),
)
def test_every_value_reaches_its_cell_as_it_was_written(rows, ascii_only, keys):
    lines = [json.dumps(dict(zip(keys, row, strict=True)), ensure_ascii=ascii_only) for row in rows]
    good, malformed = read(reader_of(*lines))
    assert malformed == []
    assert good == [tuple(map(as_text, row)) for row in rows]


ESCAPED = [
    b'{"a": "K\\u00f6ln", "b": 1}',
    b'{"a": "say \\"hi\\"", "b": 2.50}',
    b'{"a": "two\\nlines, \\ud83d\\ude00", "b": null}',
    b'{"b": true}',
    b'{"a": "\\\\", "b": "plain, \\/"}',
]


def test_lines_with_escapes_are_cut_together_with_others_into_the_same_cells():
    cutter = Cutter(("a", "b"))
    assert cutter.cut_block(b"\n".join(ESCAPED)) == [cutter.cut(line) for line in ESCAPED]


@pytest.mark.parametrize(
    "wrong", [rb'{"a": "\u0000"}', rb'{"a": "\ud800"}', rb'{"a": 1, "\u0061": 2}', rb'{"a": "\x"}']
)
def test_a_line_of_wrong_escapes_is_looked_at_alone(wrong):
    cutter = Cutter(("a", "b"))
    assert cutter.cut_block(b"\n".join([*ESCAPED, wrong])) is None
    with pytest.raises(MalformedLine):
        cutter.cut(wrong)
