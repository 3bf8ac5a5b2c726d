"""Each documented reason, met by real bytes through the real engine."""

import gzip
import json
from pathlib import Path

import pytest
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.reasons import CODES, REASONS, reference_page, rejection

from shared.entities.dataset import DatasetState
from shared.events import DatasetVersionRejected

ROOT = Path(__file__).resolve().parents[3]
GOOD = b"id,distance,carrier,late\n"
ROWS = b"".join(b"%d,1.5,AA,true\n" % i for i in range(50))

CASES = {
    "empty_file": [b"", b"\n\r\n\n", b"\xef\xbb\xbf"],
    "no_rows": [GOOD, GOOD + b"\n\n", GOOD.strip()],
    "wrong_encoding": [
        GOOD + b"1,2,Z\xfcrich,true\n",
        GOOD + ROWS + b"1,2,\xe9",
    ],
    "wrong_content": [b"\x89PNG\r\n\x1a\n0000", gzip.compress(GOOD + ROWS)],
    "line_too_long": [GOOD + b"1," + b"x" * 2_100_000],
    "not_text": [b"id,late\n1,\x00true\n", bytes(4096)],
    "bad_header": [
        b'id,"late\n1,true\n',
        b"id,late," + b"x" * 200 + b"\n1,true,2\n",
        b"i\x01d,late\n1,true\n",
    ],
    "empty_column_name": [b"id,late,\n1,true,\n", b"id,,late\n1,2,true\n"],
    "duplicate_columns": [b"id,late,id\n1,true,2\n", b"Late,late\n1,true\n"],
    "too_many_columns": [",".join(f"c{i}" for i in range(1001)).encode() + b"\n"],
    "missing_column": [b"id,distance\n1,2\n"],
    "unterminated_quote": [GOOD + ROWS + b'51,1.5,"AA,true\n52,1.5,AA,true\n'],
    "too_many_bad_rows": [GOOD + ROWS + b"1,2\n" * 3, GOOD + ROWS + b"1,2,AA,\n" * 3],
    "too_few_rows": [b"id,late\n1,true\n", b"id,late\n" + b"1,true\n" * 50],
}


@pytest.mark.parametrize(
    ("reason", "body"), [(code, body) for code, bodies in CASES.items() for body in bodies]
)
def test_a_file_that_is_no_dataset_is_rejected_with_its_documented_reason(world, reason, body):
    row = world.upload(body)
    assert (row.state, row.reason) == (DatasetState.REJECTED, reason)
    assert row.detail
    assert row.detail.endswith(".")
    (event,) = world.bus.named(DatasetVersionRejected)
    assert (event.reason, event.detail, event.version) == (reason, row.detail, row.version)
    assert not [key for key in world.data.versions if key.endswith("manifest.json")]


@pytest.mark.parametrize(
    "key",
    [
        "incoming/trips/deeper/x.csv",
        "incoming/x.csv",
        "incoming/trips/../x.csv",
        "incoming/Not A Name/x.csv",
        "incoming/trips/..",
        "incoming/trips/a\nb.csv",
        "incoming/trips/a\u2028b.csv",
        "incoming/trips/" + "é" * 600 + ".csv",
        "incoming//x.csv",
    ],
)
def test_a_hostile_key_is_a_rejected_version_that_can_be_looked_up(world, key):
    upload = world.put(b"id,late\n1,true\n", key=key)
    row = world.handle(upload)
    assert (row.state, row.reason) == (DatasetState.REJECTED, "bad_key")
    assert row.pipeline in {"trips", "#unrouted"}
    assert row.detail.isprintable()


def test_an_unknown_pipeline_keeps_the_row_and_says_how_to_create_it(world):
    row = world.upload(b"id,late\n1,true\n", key="incoming/nobody/x.csv")
    assert (row.pipeline, row.reason) == ("nobody", "unknown_pipeline")
    assert "PUT /v1/pipelines/nobody" in row.detail


@pytest.mark.parametrize("name", ["x.xlsx", "x.csv.bz2", "x", ".csv.exe"])
def test_a_file_of_another_format_is_unsupported(world, csv, name):
    assert world.upload(csv(), name).reason == "unsupported_format"


def test_a_pipeline_that_asks_for_tsv_refuses_csv(world, csv):
    world.define(data={"format": "tsv"})
    assert world.upload(csv()).reason == "unsupported_format"


def test_an_object_deleted_before_it_is_read_is_gone(world, csv):
    upload = world.put(csv())
    world.incoming.versions.clear()
    assert world.handle(upload).reason == "object_gone"


def test_a_file_over_the_limit_is_refused_before_a_byte_is_read(world, csv):
    world.limits = Limits(max_bytes=100, hard_max_bytes=100)
    assert world.upload(csv()).reason == "too_large"


def test_a_split_by_a_time_that_is_no_time_is_a_wrong_column_type(world, csv):
    world.define(data={"time": "carrier"}, split={"by": "time"})
    row = world.upload(csv())
    assert row.reason == "wrong_column_type"
    assert "'carrier' is string" in row.detail


def test_rows_with_times_of_day_that_nobody_names_are_not_dealt_at_random(world):
    world.define(split={})
    rows = b"".join(
        b"2026-01-31T10:00:00Z,%d,true\n2026-01-31T11:00:00Z,%d,false\n" % (i, i) for i in range(60)
    )
    assert world.upload(b"at,id,late\n" + rows).reason == "time_not_named"


def test_a_regression_on_texts_is_a_wrong_column_type(world, csv):
    world.define(task="regression", target="carrier")
    assert world.upload(csv()).reason == "wrong_column_type"


def test_other_columns_than_before_are_a_schema_mismatch_that_lists_every_difference(world, csv):
    assert world.upload(csv()).state is DatasetState.READY
    row = world.upload(csv(header="id,distance_mi,zone,late"))
    assert row.reason == "schema_mismatch"
    for difference in (
        "'distance' seems to be renamed 'distance_mi'",
        "'carrier' is missing",
        "'zone' is new",
    ):
        assert difference in row.detail
    assert json.loads(world.file(row, "schema_diff.json"))["added"] == ["zone"]


def test_the_encoding_sentence_names_the_first_wrong_byte_of_the_whole_file(world):
    body = GOOD + ROWS * 4_000
    cut = len(body) - 7
    row = world.upload(body[:cut] + b"\xff" + body[cut:])
    assert f"Byte {cut} of the file (0xff)" in row.detail


def test_rejects_are_written_also_when_the_upload_is_rejected(world):
    row = world.upload(GOOD + ROWS + b"1,2\n" * 3)
    assert [reject["row"] for reject in world.rejects(row)] == [52, 53, 54]
    assert (row.row_count, row.rows_good, row.rows_bad) == (53, 50, 3)
    assert "wrong number of cells (3)" in row.detail


def test_one_bad_row_rejects_where_the_pipeline_says_so(world, csv):
    world.define(data={"on_bad_rows": "reject"})
    assert world.upload(csv() + b"1,2\n").reason == "too_many_bad_rows"


def test_every_documented_reason_has_a_test_here_or_with_its_format():
    files = [Path(__file__), *(Path(__file__).parent / "formats").glob("test_*.py")]
    source = "".join(file.read_text() for file in files)
    assert sorted(code for code in CODES if f'"{code}"' not in source) == []


def test_an_undocumented_reason_cannot_be_given():
    with pytest.raises(KeyError, match="not documented"):
        rejection("because", "x")


def test_the_reference_page_says_what_the_code_says():
    page = (ROOT / "docs" / "reference" / "reason-codes.md").read_text(encoding="utf-8")
    assert page == reference_page()
    assert len(REASONS) == len(CODES)
