"""Files made to harm, each with what must become of it."""

import gzip
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import zstandard

from tests.hostile.archives import PICTURES, huge_pictures, picture_bomb, zip_of, zip_slip
from tests.hostile.judge import File, Streamed
from tests.unit.ingest.world import make_csv

MIB = 1 << 20
HEADER = b"id,distance,carrier,late\n"


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


def rows(count: int = 200) -> bytes:
    """Return good rows below :data:`HEADER`."""
    return make_csv(count).removeprefix(HEADER)


def gzip_bomb_of(head: bytes, block: bytes, times: int) -> bytes:
    """Return *head* and so many *blocks* as one gzip member, with a checksum that nobody should get to see.

    A full flush makes a block stand for itself, so it can be repeated without inflating or deflating it.
    """
    packer = zlib.compressobj(9, wbits=31)
    begin = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    return begin + (packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)) * times


def gzip_bomb() -> bytes:
    """Return 2 GB of rows in 5 MB."""
    return gzip_bomb_of(HEADER, b"1,2.5,AA,true\n" * 74_898, 2000)


def gzip_of_one_letter() -> bytes:
    """Return 2 GB without a line end in 2 MB."""
    return gzip_bomb_of(HEADER, b"7" * MIB, 2000)


def json_bomb() -> bytes:
    """Return 2 GB of JSON lines."""
    return gzip_bomb_of(b"", b'{"id":1,"late":true}\n' * 49_932, 2000)


def zstd_bomb() -> bytes:
    """Return 10 GB of rows in 2 MB, each frame a megabyte."""
    return zstandard.compress(HEADER) + zstandard.compress(b"1,2.5,AA,true\n" * 74_898) * 10_000


def nested_gzip() -> bytes:
    """Return a gzip file in a gzip file."""
    return gzip.compress(gzip.compress(make_csv()))


def window_bomb() -> bytes:
    """Return a frame whose header asks for a window of 3.75 TiB: RFC 8878, 3.1.1.1.2."""
    return b"\x28\xb5\x2f\xfd" + bytes([0x00, 0xFF]) + b"\x01\x00\x00"


def wide_header() -> bytes:
    """Return a million columns."""
    return b",".join(b"c%d" % i for i in range(10**6)) + b"\n" + b",".join([b"1"] * 10**6) + b"\n"


def wide_rows() -> bytes:
    """Return rows of a million cells below an honest header."""
    return HEADER + rows(20) + b",".join([b"1"] * 10**6) + b"\n"


def wide_object() -> bytes:
    """Return a JSON object of 10^5 keys on one line."""
    return b"{" + b",".join(b'"k%d":1' % i for i in range(10**5)) + b"}\n"


def long_line() -> Streamed:
    """Return a line of 200 MB below an honest beginning."""
    return Streamed(size_bytes=len(HEADER + rows()) + 200 * MIB, chunks=_long_line)


def long_header() -> Streamed:
    """Return a header of 200 MB."""
    return Streamed(size_bytes=200 * MIB, chunks=_long_header)


def long_value() -> Streamed:
    """Return a quoted value of 200 MB."""
    return Streamed(size_bytes=len(HEADER) + 2 + 200 * MIB, chunks=_long_value)


def long_json() -> Streamed:
    """Return a JSON text of 200 MB within one line."""
    return Streamed(size_bytes=6 + 200 * MIB, chunks=_long_json)


def long_json_among_rows() -> Streamed:
    """Return a JSON text of 200 MB between good lines."""
    return Streamed(size_bytes=sum(map(len, _json_rows())) + 10 + 200 * MIB, chunks=_long_json_among_rows)


def _long_json_among_rows() -> Iterator[bytes]:
    first, second = _json_rows()
    yield first
    yield from _long_json()
    yield b'"}\n' + b"\n"
    yield second


def _json_rows() -> tuple[bytes, bytes]:
    lines = [b'{"a":"x%d","late":%s}\n' % (i, b"true" if i % 3 else b"false") for i in range(200)]
    return b"".join(lines[:100]), b"".join(lines[100:])


def _long_header() -> Iterator[bytes]:
    return iter([b"h" * MIB] * 200)


def _long_line() -> Iterator[bytes]:
    yield HEADER + rows()
    yield from (b"x" * MIB for _ in range(200))


def _long_value() -> Iterator[bytes]:
    yield HEADER
    yield b'1,"'[:2]
    yield from (b'"' + b"x" * (MIB - 1) if not i else b"x\n" * (MIB // 2) for i in range(200))


def _long_json() -> Iterator[bytes]:
    yield b'{"a":"'
    yield from (b"x" * MIB for _ in range(200))


def many_quotes() -> bytes:
    """Return a line of nothing but quotes, as many as the rules about one line allow."""
    return HEADER + rows(20) + b'1,2.5,"' + b'"' * 1_900_001 + b",true\n" + rows(20)


def quote_below() -> bytes:
    """Return a quote that opens in the middle and never closes."""
    return HEADER + rows(200) + b'1,2.5,"AA,true\n' + rows(5000)


def late_nul() -> bytes:
    """Return a NUL behind two megabytes of good rows."""
    return HEADER + rows(90_000) + b"1,2.5,A\0A,true\n" + rows()


def nested_json() -> bytes:
    """Return a value that is an array of arrays, 100,000 deep."""
    return b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n"


def nested_json_everywhere() -> bytes:
    """Return hundreds of such lines."""
    return (b'{"a":' + b'{"b":' * 1500 + b"1" + b"}" * 1500 + b"}\n") * 300


def parquet_of(footer: bytes, length: int | None = None) -> bytes:
    """Return a file that has *footer* where Parquet has its own."""
    told = len(footer) if length is None else length
    return b"PAR1" + bytes(64) + footer + struct.pack("<I", told & 0xFFFFFFFF) + b"PAR1"


def parquet_rubbish() -> bytes:
    """Return a footer of random bytes."""
    return parquet_of(random.Random(5).randbytes(4096))


def parquet_endless() -> bytes:
    """Return a footer that claims four gigabytes."""
    return parquet_of(bytes(64), -1)


def parquet_list_of_a_billion() -> bytes:
    """Return a footer whose schema claims 2^31 - 1 elements: Thrift compact protocol, list header 0xFC + varint."""
    return parquet_of(b"\x15\x02\x19\xfc\xff\xff\xff\xff\x07" + bytes(64))


def parquet_deep_footer() -> bytes:
    """Return a footer of structs within structs, 200,000 deep."""
    return parquet_of(b"\x1c" * 200_000)


def json_value_bomb() -> bytes:
    """Return a small file of one object with a value of 300 MB."""
    return zstandard.compress(b'{"id":"' + b"1" * (300 << 20) + b'"}\n')


def many_files() -> bytes:
    """Return an archive with one file more than is read."""
    return zip_of([(f"cat/{number}", b"") for number in range(100_001)])


def _refused_pictures(body: Callable[[], bytes], *reasons: str) -> Hostile:
    return Hostile(name="a.zip", body=body, reasons=frozenset(reasons), definition=PICTURES)


def _refused(name: str, body: bytes | Callable[[], bytes | Streamed], *reasons: str) -> Hostile:
    return Hostile(name=name, body=body, reasons=frozenset(reasons))


# Where two reasons are given, both are true and it is the reader's business which it meets first.
FILES: dict[str, Hostile] = {
    "a gzip bomb of rows": _refused("a.csv.gz", gzip_bomb, "inflates_too_much"),
    "a gzip bomb of one line": _refused("a.csv.gz", gzip_of_one_letter, "line_too_long"),
    "a zstd bomb": _refused("a.csv.zst", zstd_bomb, "inflates_too_much"),
    "a gzip bomb of JSON": _refused(
        "a.jsonl.gz",
        json_bomb,
        "inflates_too_much",
    ),
    "gzip within gzip": _refused("a.csv.gz", nested_gzip, "wrong_content"),
    "zstd within gzip": _refused(
        "a.csv.gz",
        gzip.compress(zstandard.compress(make_csv())),
        "wrong_content",
    ),
    "a zstd window of terabytes": _refused("a.csv.zst", window_bomb, "corrupt_archive"),
    "a million columns": _refused("a.csv", wide_header, "too_many_columns", "bad_header"),
    "a row of a million cells": _refused("a.csv", wide_rows, "too_many_bad_rows", "line_too_long"),
    "a JSON object of 100,000 keys": _refused("a.jsonl", wide_object, "too_many_columns", "not_json_lines"),
    "a line of 200 MB": _refused("a.csv", long_line, "line_too_long"),
    "a header of 200 MB": _refused("a.csv", long_header, "bad_header"),
    "a quoted value of 200 MB": _refused("a.csv", long_value, "unterminated_quote"),
    "a JSON line of 200 MB": _refused("a.jsonl", long_json, "line_too_long"),
    "two million quotes": _refused("a.csv", many_quotes, "unterminated_quote", "too_many_bad_rows"),
    "a quote that opens below": _refused("a.csv", quote_below, "unterminated_quote", "too_many_bad_rows"),
    "a quote that opens in the header": _refused("a.csv", b'id,"late\n' + rows(), "bad_header"),
    "NUL in a value": _refused("a.csv", HEADER + rows() + b"1,2.5,A\0A,true\n", "not_text"),
    "NUL in a value far below": _refused("a.csv", late_nul, "not_text"),
    "only NUL": _refused("a.csv", bytes(5000), "not_text"),
    "UTF-8 and Latin-1 mixed": _refused(
        "a.csv",
        HEADER + "1,2.5,ÄÖÜß,true\n".encode() * 50 + "1,2.5,Ä,true\n".encode("latin-1"),
        "wrong_encoding",
    ),
    "UTF-16 behind UTF-8": _refused(
        "a.csv",
        HEADER + "1,2.5,ÄÖÜ,true\n".encode() * 50 + "1,2.5,Ä,true\n".encode("utf-16"),
        "wrong_encoding",
        "not_text",
    ),
    "duplicate names": _refused("a.csv", b"id,ID,late\n1,2,true\n", "duplicate_columns"),
    "an empty name": _refused("a.csv", b"id,,late\n1,2,true\n", "empty_column_name"),
    "a name of control characters": _refused("a.csv", b"id,\x1b[2J,late\n1,2,true\n", "bad_header"),
    "a header and no row": _refused("a.csv", HEADER, "no_rows"),
    "no byte": _refused("a.csv", b"", "empty_file"),
    "only line ends": _refused("a.csv", b"\r\n" * 100_000, "empty_file"),
    "JSON 100,000 deep": _refused("a.jsonl", nested_json, "not_json_lines"),
    "JSON 1,500 deep on every line": _refused("a.jsonl", nested_json_everywhere, "not_json_lines"),
    "one JSON array": _refused("a.jsonl", b"[" + b'{"id":1,"late":true},' * 1000 + b"{}]", "not_json_lines"),
    "a Parquet footer of rubbish": _refused("a.parquet", parquet_rubbish, "corrupt_parquet"),
    "a Parquet footer longer than the file": _refused("a.parquet", parquet_endless, "corrupt_parquet"),
    "a Parquet schema of two billion": _refused("a.parquet", parquet_list_of_a_billion, "corrupt_parquet"),
    "a Parquet footer 200,000 deep": _refused("a.parquet", parquet_deep_footer, "corrupt_parquet"),
    "a Parquet file that is none": _refused("a.parquet", b"PAR1" * 3, "corrupt_parquet"),
    "a table under the name of Parquet": _refused("a.parquet", make_csv(), "wrong_content"),
    "pictures of a billion pixels": _refused_pictures(huge_pictures, "too_many_bad_rows"),
    "a zip that slips": _refused_pictures(zip_slip, "bad_archive"),
    "a picture that is a bomb": _refused_pictures(picture_bomb, "inflates_too_much"),
    "a zip of 100,001 files": _refused_pictures(many_files, "bad_archive"),
    "a zstd bomb of one JSON value": _refused(
        "a.jsonl.zst", json_value_bomb, "inflates_too_much", "line_too_long"
    ),
    "a program": _refused("a.csv", b"\x7fELF\x02\x01\x01" + bytes(2000), "not_text", "wrong_content"),
}
