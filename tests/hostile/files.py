"""Files made to harm, by kind, each with what must become of it."""

import gzip
from collections.abc import Callable
from typing import Any

import msgspec
import zstandard

from tests.hostile import contents
from tests.hostile.archives import PICTURES, huge_pictures, picture_bomb, zip_slip
from tests.hostile.judge import File, Streamed
from tests.unit.ingest.world import make_csv


class Hostile(msgspec.Struct, frozen=True, kw_only=True):
    """A file, made when it is asked for, and the reasons that may be given for refusing it."""

    name: str
    body: bytes | Callable[[], bytes | Streamed]
    reasons: frozenset[str]
    definition: dict[str, Any] = {}

    def file(self) -> File:
        """Return the upload."""
        return File(
            name=self.name, body=self.body() if callable(self.body) else self.body, definition=self.definition
        )


def _refused_pictures(body: Callable[[], bytes], *reasons: str) -> Hostile:
    return Hostile(name="a.zip", body=body, reasons=frozenset(reasons), definition=PICTURES)


def _refused(name: str, body: bytes | Callable[[], bytes | Streamed], *reasons: str) -> Hostile:
    return Hostile(name=name, body=body, reasons=frozenset(reasons))


# Where two reasons are given, both are true and it is the reader's business which it meets first.
KINDS: dict[str, dict[str, Hostile]] = {
    "bombs and compression": {
        "a gzip bomb of rows": _refused("a.csv.gz", contents.gzip_bomb, "inflates_too_much"),
        "a gzip bomb of one line": _refused("a.csv.gz", contents.gzip_of_one_letter, "line_too_long"),
        "a zstd bomb": _refused("a.csv.zst", contents.zstd_bomb, "inflates_too_much"),
        "a gzip bomb of JSON": _refused(
            "a.jsonl.gz",
            contents.json_bomb,
            "inflates_too_much",
        ),
        "gzip within gzip": _refused("a.csv.gz", contents.nested_gzip, "wrong_content"),
        "zstd within gzip": _refused(
            "a.csv.gz",
            gzip.compress(zstandard.compress(make_csv())),
            "wrong_content",
        ),
        "a zstd window of terabytes": _refused("a.csv.zst", contents.window_bomb, "corrupt_archive"),
        "a zstd bomb of one JSON value": _refused(
            "a.jsonl.zst", contents.json_value_bomb, "inflates_too_much", "line_too_long"
        ),
    },
    "too many, too wide, too long": {
        "a million columns": _refused("a.csv", contents.wide_header, "too_many_columns", "bad_header"),
        "a row of a million cells": _refused(
            "a.csv", contents.wide_rows, "too_many_bad_rows", "line_too_long"
        ),
        "a JSON object of 100,000 keys": _refused(
            "a.jsonl", contents.wide_object, "too_many_columns", "not_json_lines"
        ),
        "a line of 200 MB": _refused("a.csv", contents.long_line, "line_too_long"),
        "a header of 200 MB": _refused("a.csv", contents.long_header, "bad_header"),
        "a quoted value of 200 MB": _refused("a.csv", contents.long_value, "unterminated_quote"),
        "a JSON line of 200 MB": _refused("a.jsonl", contents.long_json, "line_too_long"),
    },
    "quotes": {
        "two million quotes": _refused(
            "a.csv", contents.many_quotes, "unterminated_quote", "too_many_bad_rows"
        ),
        "a quote that opens below": _refused(
            "a.csv", contents.quote_below, "unterminated_quote", "too_many_bad_rows"
        ),
        "a quote that opens in the header": _refused("a.csv", b'id,"late\n' + contents.rows(), "bad_header"),
    },
    "NUL and what is no text": {
        "NUL in a value": _refused(
            "a.csv", contents.HEADER + contents.rows() + b"1,2.5,A\0A,true\n", "not_text"
        ),
        "NUL in a value far below": _refused("a.csv", contents.late_nul, "not_text"),
        "only NUL": _refused("a.csv", bytes(5000), "not_text"),
        "a program": _refused("a.csv", b"\x7fELF\x02\x01\x01" + bytes(2000), "not_text", "wrong_content"),
    },
    "encodings": {
        "UTF-8 and Latin-1 mixed": _refused(
            "a.csv",
            contents.HEADER + "1,2.5,ÄÖÜß,true\n".encode() * 50 + "1,2.5,Ä,true\n".encode("latin-1"),
            "wrong_encoding",
        ),
        "UTF-16 behind UTF-8": _refused(
            "a.csv",
            contents.HEADER + "1,2.5,ÄÖÜ,true\n".encode() * 50 + "1,2.5,Ä,true\n".encode("utf-16"),
            "wrong_encoding",
            "not_text",
        ),
    },
    "headers": {
        "duplicate names": _refused("a.csv", b"id,ID,late\n1,2,true\n", "duplicate_columns"),
        "an empty name": _refused("a.csv", b"id,,late\n1,2,true\n", "empty_column_name"),
        "a name of control characters": _refused("a.csv", b"id,\x1b[2J,late\n1,2,true\n", "bad_header"),
    },
    "nothing in it": {
        "a header and no row": _refused("a.csv", contents.HEADER, "no_rows"),
        "no byte": _refused("a.csv", b"", "empty_file"),
        "only line ends": _refused("a.csv", b"\r\n" * 100_000, "empty_file"),
    },
    "JSON": {
        "JSON 100,000 deep": _refused("a.jsonl", contents.nested_json, "not_json_lines"),
        "JSON 1,500 deep on every line": _refused(
            "a.jsonl", contents.nested_json_everywhere, "not_json_lines"
        ),
        "one JSON array": _refused(
            "a.jsonl", b"[" + b'{"id":1,"late":true},' * 1000 + b"{}]", "not_json_lines"
        ),
    },
    "Parquet": {
        "a Parquet footer of rubbish": _refused("a.parquet", contents.parquet_rubbish, "corrupt_parquet"),
        "a Parquet footer longer than the file": _refused(
            "a.parquet", contents.parquet_endless, "corrupt_parquet"
        ),
        "a Parquet schema of two billion": _refused(
            "a.parquet", contents.parquet_list_of_a_billion, "corrupt_parquet"
        ),
        "a Parquet footer 200,000 deep": _refused(
            "a.parquet", contents.parquet_deep_footer, "corrupt_parquet"
        ),
        "a Parquet file that is none": _refused("a.parquet", b"PAR1" * 3, "corrupt_parquet"),
        "a table under the name of Parquet": _refused("a.parquet", make_csv(), "wrong_content"),
    },
    "pictures": {
        "pictures of a billion pixels": _refused_pictures(huge_pictures, "too_many_bad_rows"),
        "a zip that slips": _refused_pictures(zip_slip, "bad_archive"),
        "a picture that is a bomb": _refused_pictures(picture_bomb, "inflates_too_much"),
        "a zip of 100,001 files": _refused_pictures(contents.many_files, "bad_archive"),
    },
}
FILES = {name: (kind, file) for kind, files in KINDS.items() for name, file in files.items()}
