"""Compressed uploads are inflated in constant memory, refused when damaged, and never trusted in their size."""

import gzip
import hashlib
import io
import random
import zlib
from pathlib import Path

import pytest
import zstandard
from chalicelib.ingest.formats.compression import inflate
from chalicelib.ingest.formats.local_copy import LocalCopy
from chalicelib.ingest.formats.reader import Limits, TooLargeHere

from shared.errors import InvalidDataset, Unavailable
from tests.integration.ingest.formats.sources import LIMITS, Bytes, read

BODY = b"a,b,c\n" + b"".join(b"%d,x%d,z\n" % (i, i * 7919) for i in range(20_000))
PACK = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor(write_checksum=True).compress}
KIND = {"gz": "gzip", "zst": "zstd"}


@pytest.mark.parametrize("ending", PACK)
def test_a_compressed_file_gives_the_rows_of_the_plain_one_and_the_hash_of_what_was_sent(ending):
    packed = PACK[ending](BODY)
    found, plain = read(packed, f"data.csv.{ending}"), read(BODY)
    assert (found.rows, found.sampled) == (plain.rows, plain.sampled)
    assert (found.sha256, found.size_bytes) == (hashlib.sha256(packed).hexdigest(), len(packed))


@pytest.mark.parametrize("ending", PACK)
def test_several_members_are_one_text(ending):
    packed = b"".join(PACK[ending](BODY[at : at + 99_000]) for at in range(0, len(BODY), 99_000))
    assert b"".join(inflate([packed], KIND[ending])) == BODY


def outcome(packed: bytes, kind: str) -> bytes | str:
    """Return what *packed* inflates to, or why it does not."""
    try:
        return b"".join(inflate([packed], kind))
    except InvalidDataset as error:
        return error.reason


@pytest.mark.parametrize("ending", PACK)
def test_damage_at_any_byte_is_noticed(ending):
    packed = PACK[ending](BODY[:5000])
    chance = random.Random(1)
    # The first ten bytes of gzip hold a time and the like that nothing checks.
    for at in [*range(10 if ending == "gz" else 0, 40), *chance.sample(range(40, len(packed)), 40)]:
        damaged = packed[:at] + bytes([packed[at] ^ 0xFF]) + packed[at + 1 :]
        assert outcome(damaged, KIND[ending]) in {"corrupt_archive", BODY[:5000]}


@pytest.mark.parametrize("ending", PACK)
@pytest.mark.parametrize("change", ["cut", "trailing", "half a member more"])
def test_an_early_end_and_trailing_bytes_are_refused(ending, change):
    packed = PACK[ending](BODY)
    changed = {
        "cut": packed[:-5],
        "trailing": packed + b"rubbish",
        "half a member more": packed + packed[:99],
    }
    with pytest.raises(InvalidDataset) as raised:
        read(changed[change], f"data.csv.{ending}")
    assert raised.value.reason == "corrupt_archive"


@pytest.mark.parametrize("ending", PACK)
def test_a_short_transfer_is_unavailable_not_the_uploads_fault(ending):
    packed = PACK[ending](BODY)
    with pytest.raises(Unavailable):
        read(packed, f"data.csv.{ending}", arriving=len(packed) - 5)


@pytest.mark.parametrize("ending", PACK)
def test_the_ratio_and_both_limits_are_kept(ending):
    packed = PACK[ending](bytes(100 << 20))
    source = Bytes(packed, f"x.{ending}")
    with pytest.raises(InvalidDataset) as raised:
        LocalCopy(source, LIMITS)
    assert raised.value.reason == "inflates_too_much"
    with pytest.raises(TooLargeHere):
        LocalCopy(source, Limits(max_bytes=1 << 20, hard_max_bytes=1 << 30))
    with pytest.raises(InvalidDataset) as raised:
        LocalCopy(source, Limits(max_bytes=1 << 20, hard_max_bytes=2 << 20))
    assert raised.value.reason == "too_large"


def test_a_local_copy_is_inflated_and_has_the_hash_of_its_raw_bytes():
    packed = gzip.compress(BODY)
    copy = LocalCopy(Bytes(packed, "x.gz"), LIMITS)
    assert (copy.sha256, copy.size_bytes) == (hashlib.sha256(packed).hexdigest(), len(packed))
    assert Path(copy.path).read_bytes() == BODY
    assert copy.content_bytes == len(BODY)


@pytest.mark.timeout(20)
def test_millions_of_empty_members_end_fast():
    with pytest.raises(InvalidDataset, match="tiny members"):
        list(inflate(io.BytesIO(gzip.compress(b"", mtime=0) * 500_000), "gzip"))


def test_a_frame_that_asks_for_a_huge_window_is_refused():
    parameters = zstandard.ZstdCompressionParameters(window_log=27)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = compressor.compress(bytes(1000)) + compressor.flush()
    with pytest.raises(InvalidDataset) as raised:
        list(inflate([packed], "zstd"))
    assert raised.value.reason == "corrupt_archive"


def test_zeros_behind_a_gzip_member_are_padding():
    packed = gzip.compress(BODY) + bytes(512)
    assert zlib.decompress(packed, wbits=31) == b"".join(inflate([packed], "gzip"))
