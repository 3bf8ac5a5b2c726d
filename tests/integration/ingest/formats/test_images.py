"""A zip of label/name pictures becomes one row per file; none is dropped in silence, and none can do harm."""

import base64
import hashlib
import io
import os
import random
import stat
import struct
import zipfile
import zlib

import pytest
from chalicelib.ingest.engine import open_scratch
from chalicelib.ingest.formats import images, images_archive
from chalicelib.ingest.formats.images import Images
from chalicelib.ingest.formats.images_pictures import BadPicture, check_picture
from chalicelib.ingest.formats.reader import Limits, TooLargeHere
from PIL import Image

from shared.entities.pipeline import Data
from shared.errors import InvalidDataset, Unavailable
from tests.integration.ingest.formats.sources import LIMITS, Bytes, read


def picture(kind="PNG", size=(3, 2), **options):
    stream = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(stream, kind, **options)
    return stream.getvalue()


def zipped(entries, *, compression=zipfile.ZIP_DEFLATED):
    """Return a zip of (name or ZipInfo, bytes) in their order."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return stream.getvalue()


def rejected(body):
    with pytest.raises(InvalidDataset) as caught:
        read(body, "photos.zip")
    return caught.value.reason


def rules(body):
    return [(row, rule, value) for row, rule, value, _, _ in read(body, "photos.zip").malformed]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP"])
def test_a_picture_is_a_row_with_its_label_its_sides_and_its_bytes(kind):
    data = picture(kind)
    body = zipped([('red/a b,"c".x', data)])
    table = read(body, "photos.zip")
    assert table.columns == ("name", "label", "format", "width", "height", "sha256", "image")
    (row,) = table.rows
    assert row[:6] == ('red/a b,"c".x', "red", kind.lower(), "3", "2", hashlib.sha256(data).hexdigest())
    assert base64.b64decode(row[6]) == data
    assert (table.sampled, table.malformed) == (table.rows, [])
    assert table.sha256 == hashlib.sha256(body).hexdigest()


def test_types_are_declared_so_that_labels_of_digits_stay_texts():
    reader = Images(Bytes(zipped([("007/a.png", picture())]), "photos.zip"), Data(), LIMITS)
    assert reader.declared == {
        "name": "string", "label": "string", "format": "string", "width": "integer", "height": "integer",
        "sha256": "string", "image": "binary",
    }  # fmt: skip


def test_rows_keep_the_order_of_the_directory_over_many_parts(monkeypatch):
    monkeypatch.setattr(images, "PART_ROWS", 7)
    names = [f"label{number % 3}/{number}.png" for number in random.Random(1).sample(range(100), 100)]
    table = read(zipped([(name, picture()) for name in names]), "photos.zip")
    assert [row[0] for row in table.rows] == names


def test_a_folder_around_all_labels_is_passed_over_and_only_that():
    def labels(*names):
        return [row[1] for row in read(zipped([(name, picture()) for name in names]), "photos.zip").rows]

    assert labels("photos/red/a.png", "photos/blue/a.png") == ["red", "blue"]
    assert labels("red/a.png", "red/b.png") == ["red", "red"]
    assert labels("photos/red/a.png", "blue/a.png") == ["blue"]


def test_folders_hidden_files_and_what_systems_leave_are_no_rows_but_counted():
    junk = ["__MACOSX/red/._a.png", "red/.DS_Store", "red/Thumbs.db", ".git/config"]
    body = zipped([("red/", b""), *[(name, b"x") for name in junk], ("red/a.png", picture())])
    assert [row[0] for row in read(body, "photos.zip").rows] == ["red/a.png"]
    assert rules(body) == []
    assert Images(Bytes(body, "photos.zip"), Data(), LIMITS).ignored == 4


def png_header(width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


def webp_header(width, height):
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return b"RIFF" + (22).to_bytes(4, "little") + b"WEBPVP8X" + (10).to_bytes(4, "little") + bytes(4) + sides


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "not a PNG, JPEG, WebP, GIF or BMP picture"),
        (b"just text", "not a PNG, JPEG, WebP, GIF or BMP picture"),
        (picture("TIFF"), "not a PNG, JPEG, WebP, GIF or BMP picture"),
        (zipped([("red/a.png", picture())]), "not a PNG, JPEG, WebP, GIF or BMP picture"),
        (picture("PNG", (90, 90))[:-30], "damaged or cut off"),
        (picture("JPEG", (90, 90))[:-200], "damaged or cut off"),
        (picture("BMP", (90, 90))[:-200], "damaged or cut off"),
        (png_header(100_000, 10_000), "more than 50,000,000 pixels"),
        (png_header(10_000, 5_001), "more than 50,000,000 pixels"),
        (webp_header(16_000, 16_000), "more than 50,000,000 pixels"),
        (random.Random(3).randbytes((10 << 20) + 1), "more than 10,485,760 bytes"),
    ],
)
def test_a_file_that_is_no_good_picture_is_told_by_its_name_and_rule(data, rule):
    body = zipped([("red/a.png", picture()), ("red/odd.png", data), ("red/c.png", picture())])
    assert rules(body) == [(2, rule, "red/odd.png")]
    assert [row[0] for row in read(body, "photos.zip").rows] == ["red/a.png", "red/c.png"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_outside_of_labels_or_there_twice_is_told():
    good = ("red/a.png", picture())
    body = zipped([good, ("b.png", picture()), ("red/deep/c.png", picture()), good])
    assert rules(body) == [
        (2, "not in a folder that is its label", "b.png"),
        (3, "not in a folder that is its label", "red/deep/c.png"),
        (4, "a name that occurs twice", "red/a.png"),
    ]


def test_a_member_whose_checksum_is_wrong_or_that_is_packed_otherwise_is_told():
    data = picture("BMP")
    stored = bytearray(zipped([("red/a.bmp", data), ("red/b.bmp", data)], compression=zipfile.ZIP_STORED))
    stored[stored.index(data) + 60] ^= 1
    assert rules(bytes(stored)) == [(1, "damaged in the archive", "red/a.bmp")]
    assert rules(zipped([("red/a.bmp", data)], compression=zipfile.ZIP_LZMA)) == [
        (1, "neither stored nor deflated in the archive", "red/a.bmp")
    ]


@pytest.mark.parametrize(
    "name", ["../a.png", "red/../../a.png", "/etc/a.png", "C:/a.png", "red\\a.png", "..\\a.png"]
)
def test_a_name_that_leads_outside_rejects_the_archive(name):
    assert rejected(zipped([("red/a.png", picture()), (name, picture())])) == "bad_archive"


def test_links_encrypted_members_and_empty_archives_are_rejected():
    link = zipfile.ZipInfo("red/link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert rejected(zipped([(link, b"/etc/passwd")])) == "bad_archive"
    locked = bytearray(zipped([("red/a.png", picture())]))
    locked[locked.rindex(b"PK\x01\x02") + 8] |= 1
    assert rejected(bytes(locked)) == "bad_archive"
    assert rejected(zipped([("__MACOSX/x", b"")])) == "bad_archive"
    assert rejected(zipped([])) == "bad_archive"


def test_an_archive_that_is_cut_off_or_has_too_many_entries_is_rejected(monkeypatch):
    body = zipped([(f"red/{number}.png", picture()) for number in range(20)])
    assert rejected(body[:-30]) == "bad_archive"
    monkeypatch.setattr(images_archive, "MAX_ENTRIES", 19)
    assert rejected(body) == "bad_archive"


def test_entries_that_share_bytes_are_rejected():
    body = bytearray(zipped([("red/a.png", picture()), ("red/b.png", picture())]))
    second = body.rindex(b"PK\x01\x02")
    body[second + 42 : second + 46] = bytes(4)  # its header is where the first one's is
    assert rejected(bytes(body)) == "bad_archive"


def test_zeros_by_the_gigabyte_are_rejected_before_any_is_inflated():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(12):
            archive.writestr(f"red/{number}.bmp", bytes(9 << 20))
    assert rejected(stream.getvalue()) == "inflates_too_much"


def test_what_is_too_large_for_this_process_says_so():
    body = zipped([("red/a.bmp", os.urandom(5000))])
    with pytest.raises(TooLargeHere):
        Images(Bytes(body, "photos.zip"), Data(), Limits(max_bytes=1000, hard_max_bytes=1 << 30))


def test_a_broken_transfer_is_not_the_file_s_fault():
    body = zipped([("red/a.png", picture())])
    with pytest.raises(Unavailable):
        read(body, "photos.zip", arriving=len(body) - 1)


def test_pictures_with_random_damage_are_bad_and_nothing_else():
    chance = random.Random(5)
    good = [picture(kind, (40, 40)) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP")]
    bad = 0
    for attempt in range(1500):
        broken = bytearray(good[attempt % len(good)])
        for _ in range(chance.randint(1, 5)):
            broken[chance.randrange(min(len(broken), 200))] = chance.randrange(256)
        try:
            check_picture(bytes(broken))
        except BadPicture:
            bad += 1
    assert bad > 500


def give_up(scratch, reader, rows_read):
    with reader.rows(scratch) as queries:
        if rows_read:
            scratch.rows(f"SELECT n FROM ({next(queries)}) LIMIT {rows_read}")
        raise ZeroDivisionError


@pytest.mark.parametrize("rows_read", [0, 1])
def test_a_block_that_gives_up_ends_at_once_with_its_own_error(monkeypatch, rows_read):
    monkeypatch.setattr(images, "PART_ROWS", 1)
    reader = Images(
        Bytes(zipped([(f"red/{i}.png", picture()) for i in range(40)]), "photos.zip"), Data(), LIMITS
    )
    with open_scratch() as scratch, pytest.raises(ZeroDivisionError):
        give_up(scratch, reader, rows_read)
