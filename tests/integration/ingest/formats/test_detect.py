"""The name says the format, the first bytes must agree, and a disguise is told by its name."""

import gzip
import io
import os
import subprocess
import sys
import zipfile

import pytest
import zstandard
from chalicelib.ingest.formats.detect import format_of_name

from shared.errors import InvalidDataset
from tests.integration.ingest.formats.sources import read

CSV = b"a,b\n1,2\n"


@pytest.mark.parametrize(
    ("name", "wanted", "found"),
    [
        ("x.csv", "auto", "csv"),
        ("X.CSV.GZ", "csv", "csv"),
        ("x.tsv.zst", "auto", "tsv"),
        ("x.txt", "auto", "csv"),
        ("x.txt", "tsv", "tsv"),
        ("x.txt", "jsonl", "jsonl"),
        ("x.ndjson.gz", "auto", "jsonl"),
        ("x.parquet", "parquet", "parquet"),
        ("x.zip", "auto", "images"),
    ],
)
def test_a_name_says_the_format(name, wanted, found):
    assert format_of_name(name, wanted) == found


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("x", "auto"), ("x.gz", "auto"), ("x.xlsx", "auto"), ("x.csv", "tsv"), ("x.csv.gz.gz", "auto")],
)
def test_another_ending_or_another_format_than_wanted_is_refused(name, wanted):
    with pytest.raises(InvalidDataset) as raised:
        format_of_name(name, wanted)
    assert raised.value.reason == "unsupported_format"


def zipped(entry: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(entry, CSV)
    return target.getvalue()


@pytest.mark.parametrize(
    ("name", "body", "said"),
    [
        ("x.csv", zipped("x.csv"), "a zip archive"),
        ("x.csv", zipped("[Content_Types].xml"), "an Excel workbook"),
        ("x.csv", b"PAR1" + bytes(20), "Parquet"),
        ("x.csv", gzip.compress(CSV), "gzip: name it .csv.gz"),
        ("x.csv", zstandard.compress(CSV), "Zstandard"),
        ("x.csv", b"%PDF-1.7\n", "PDF"),
        ("x.csv.gz", CSV, "gzip, but it is something else"),
        ("x.csv.gz", gzip.compress(gzip.compress(CSV)), "once only"),
        ("x.csv.zst", zstandard.compress(gzip.compress(CSV)), "once only"),
        ("x.csv.gz", gzip.compress(zipped("x.csv")), "a zip archive"),
        ("x.parquet", CSV, "parquet, but it is something else"),
        ("x.zip", CSV, "images, but it is something else"),
    ],
    # Archives hold the time of day: their bytes in a name would differ between the workers of one run.
    ids=lambda value: value if isinstance(value, str) else "…",
)
def test_a_disguised_file_is_told_what_it_is(name, body, said):
    with pytest.raises(InvalidDataset) as raised:
        read(body, name)
    assert raised.value.reason == "wrong_content"
    assert said in str(raised.value)


@pytest.mark.parametrize("header", [b"BZh,b", b"ORC,b"])
def test_a_header_of_letters_is_no_magic(header):
    assert read(header + b"\n1,2\n").rows == [("1", "2")]


def test_a_tsv_is_cut_at_tabs_whatever_else_it_has():
    assert read(b"a,x\tb,y\n1,1\t2,2\n", "x.tsv").rows == [("1,1", "2,2")]


def test_choosing_a_reader_loads_no_library_of_a_format():
    code = (
        "import sys; import chalicelib.ingest.formats.detect; "
        "print({'duckdb', 'zstandard', 'charset_normalizer'} & set(sys.modules))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
