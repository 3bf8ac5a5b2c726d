"""A file for each reason code that is rejected with it. The pages show it, and what the real service says of it."""

import gzip
import io
import zipfile
from typing import Any

import msgspec

HEADER = b"flight,day,distance,late\n"
ROWS = b"".join(
    b"%d,2026-01-%02d,%d.5,%s\n" % (i, i % 28 + 1, i, b"yes" if i % 3 else b"no") for i in range(60)
)
CSV = HEADER + ROWS
_LISTS = "COPY (SELECT 1 AS flight, [1.5::DOUBLE, 2.5] AS distances, true AS late) TO '{}' (FORMAT parquet)"


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """An upload to a pipeline that predicts ``late``, and how people find its fault.

    ``shown`` stands for the file where that is too long or no text. ``data`` is that section of the definition,
    ``before`` a file uploaded before it, ``key`` the whole key where it matters. ``sql`` makes a Parquet file.
    """

    find: str
    body: bytes = CSV
    shown: str = ""
    name: str = "flights.csv"
    key: str | None = None
    data: dict[str, Any] = {}
    before: bytes | None = None
    sql: str = ""


def _zip(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            # A fixed date: the pages must not change from day to day.
            archive.writestr(zipfile.ZipInfo(name), b"text")
    return buffer.getvalue()


_KEY = "Look at the key that `headrace datasets ls` or `aws s3 ls` shows."
_FIRST_LINE = "Look at the first line: `head -1 FILE`."
_ROW = "Open the file at the row that the sentence names; the header is row 1."
_LINES = "Count the lines: `wc -l FILE`."

EXAMPLES: dict[str, Example] = {
    "bad_key": Example(
        key="incoming/flights/2026/january.csv",
        shown="aws s3 cp january.csv s3://…/incoming/flights/2026/january.csv",
        find=_KEY,
    ),
    "unknown_pipeline": Example(
        key="incoming/fligths/january.csv",
        shown="aws s3 cp january.csv s3://…/incoming/fligths/january.csv",
        find="Compare the key with the names that `headrace pipelines` shows.",
    ),
    "unsupported_format": Example(name="flights.xlsx", shown="flights.xlsx", find="Look at the file's name."),
    "too_large": Example(
        shown="a CSV of 101 GiB", find="`ls -l FILE`; of a packed file `zstd -l FILE` or `gzip -l FILE`."
    ),
    "object_gone": Example(
        shown="aws s3 cp flights.csv s3://…/incoming/flights/\naws s3 rm s3://…/incoming/flights/flights.csv",
        find="Ask whoever may delete in the bucket, or look at its lifecycle rules.",
    ),
    "empty_file": Example(body=b"", shown="a file of 0 bytes", find=_LINES),
    "no_rows": Example(body=HEADER, find=_LINES),
    "wrong_encoding": Example(
        body=HEADER + ROWS + b"61,2026-01-03,Z\xfcrich,no\n",
        shown="flight,day,distance,late\n…\n61,2026-01-03,Z<0xFC>rich,no",
        find="Look around the byte that the sentence names: `tail -c +BYTE FILE | head -c 40 | xxd`.",
    ),
    "not_text": Example(
        body=b"flight,late\n1,\x00yes\n",
        shown="flight,late\n1,<NUL>yes",
        find="`file FILE` says what the bytes are.",
    ),
    "wrong_content": Example(
        body=b"PK\x03\x04" + b"\0" * 22 + b"[Content_Types].xml",
        shown="an Excel workbook that was renamed flights.csv",
        find="`file FILE` says what the bytes are.",
    ),
    "corrupt_archive": Example(
        name="flights.csv.gz",
        body=gzip.compress(CSV, mtime=0)[:-40],
        shown="a flights.csv.gz whose last bytes were lost",
        find="`gzip -t FILE` or `zstd -t FILE` find the same.",
    ),
    "inflates_too_much": Example(
        name="flights.csv.gz",
        body=gzip.compress(HEADER + b"1,2026-01-01,1,no\n" * 4_000_000, mtime=0),
        shown="a flights.csv.gz of some hundred KiB that holds 72 MB of one line repeated",
        find="`gzip -l FILE` shows the ratio (of a file below 4 GiB).",
    ),
    "line_too_long": Example(
        body=HEADER + b"1," + b"x" * 2_100_000,
        shown="flight,day,distance,late\n1,xxxxxxxx… (2.1 MB without a line break)",
        find="`awk 'length > 1000000 {print NR, length}' FILE`.",
    ),
    "bad_dialect": Example(
        data={"delimiter": "."},
        find="Look at `headrace pipelines NAME`: the section `data` of the definition.",
    ),
    "not_json_lines": Example(
        name="flights.jsonl",
        body=b'[{"flight": 1, "late": "no"}, {"flight": 2, "late": "yes"}]\n',
        find="Each line must be an object by itself: `head -1 FILE | jq .`.",
    ),
    "corrupt_parquet": Example(
        name="flights.parquet",
        body=b"PAR1" + b"\0" * 200,
        shown="a flights.parquet whose upload from another tool broke off",
        find="Read it where it was written, such as with `duckdb -c \"FROM 'FILE'\"`.",
    ),
    "unsupported_column": Example(
        name="flights.parquet",
        sql=_LISTS,
        shown="flights.parquet with the columns flight INTEGER, distances DOUBLE[], late BOOLEAN",
        find="See the types: `duckdb -c \"DESCRIBE FROM 'FILE'\"`.",
    ),
    "bad_archive": Example(
        name="pictures.zip",
        body=_zip("cats/1.png", "../dogs/2.png"),
        shown="pictures.zip with cats/1.png and ../dogs/2.png",
        find="`unzip -l FILE` lists what is in it.",
    ),
    "bad_header": Example(body=b'flight,"late\n1,no\n2,yes\n', find=_FIRST_LINE),
    "empty_column_name": Example(body=b"flight,day,late,\n1,2026-01-01,no,\n", find=_FIRST_LINE),
    "duplicate_columns": Example(body=b"flight,day,Late,late\n1,2026-01-01,3,no\n", find=_FIRST_LINE),
    "too_many_columns": Example(
        body=",".join(f"c{i}" for i in range(1001)).encode() + b"\n",
        shown="c0,c1,c2,… (1,001 names)",
        find="Count them: `head -1 FILE | tr ',' '\\n' | wc -l`.",
    ),
    "missing_column": Example(body=b"flight,day,delayed\n1,2026-01-01,no\n", find=_FIRST_LINE),
    "wrong_column_type": Example(
        data={"time": "flight"},
        find="`headrace datasets profile` of an earlier version, or the first rows, show what the column holds.",
    ),
    "schema_mismatch": Example(
        before=CSV,
        body=CSV.replace(b"distance", b"distance_km", 1)
        .replace(b"late", b"late,gate", 1)
        .replace(b"yes\n", b"yes,A1\n")
        .replace(b"no\n", b"no,A1\n"),
        shown="flight,day,distance_km,late,gate\n0,2026-01-01,0.5,no,A1\n…",
        find="Compare the first lines of both files. `schema_diff.json` of the version lists every difference.",
    ),
    "unterminated_quote": Example(
        body=CSV + b'60,2026-01-04,"7.5,no\n61,2026-01-05,8.5,yes\n',
        shown='flight,day,distance,late\n…\n60,2026-01-04,"7.5,no\n61,2026-01-05,8.5,yes',
        find=_ROW,
    ),
    "too_many_bad_rows": Example(
        body=CSV + b"60,2026-01-05,8.5\n61,2026-01-06,9.5,\n",
        shown="flight,day,distance,late\n… (60 good rows)\n60,2026-01-05,8.5\n61,2026-01-06,9.5,",
        find="`headrace datasets rejects PIPELINE VERSION` shows each bad row, also of a rejected version.",
    ),
    "time_not_named": Example(
        body=CSV.replace(b",2026-01-", b",2026-01-01 10:"),
        shown="flight,day,distance,late\n0,2026-01-01 10:01,0.5,no\n…",
        find="Look for a column of times: `head -2 FILE`. Days alone, such as birthdays, are none.",
    ),
    "too_few_rows": Example(body=HEADER + b"1,2026-01-01,1.5,no\n", find=_LINES),
}
