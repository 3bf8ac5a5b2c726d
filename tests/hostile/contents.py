"""What files made to harm consist of, made when it is asked for: bombs, endless lines, footers that lie."""

import gzip
import random
import struct
import zlib
from collections.abc import Iterator

import zstandard

from tests.hostile.archives import MIB, zip_of
from tests.hostile.judge import Streamed
from tests.unit.ingest.world import make_csv

HEADER = b"id,distance,carrier,late\n"


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
