"""A zip of pictures through the whole story: rows, parts, what is set aside."""

import io
import zipfile

import pytest
from chalicelib.ingest import parts
from PIL import Image

from shared.entities.dataset import DatasetState


def picture(shade: int, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), (shade, shade, shade)).save(stream, kind)
    return stream.getvalue()


@pytest.fixture
def album() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for shade in range(120):
            archive.writestr(f"{'dark' if shade < 60 else 'light'}/{shade}.png", picture(shade))
        archive.writestr("dark/notes.png", b"not a picture")
    return stream.getvalue()


@pytest.fixture
def shown(world, album):
    world.define(task="image", target="label")
    return world.upload(album, "album.zip")


def test_every_picture_is_a_row_with_its_label_size_and_bytes(world, shown, tmp_path):
    assert (shown.state, shown.row_count, shown.rows_good) == (DatasetState.READY, 121, 120)
    rows = world.good_rows(shown, tmp_path)
    by_name = {row[0]: row for row in rows}
    assert len(by_name) == 120
    _name, label, form, width, height, _sha256, body = by_name["dark/7.png"]
    assert (label, form, width, height) == ("dark", "png", 8, 8)
    assert Image.open(io.BytesIO(body)).getpixel((0, 0)) == (7, 7, 7)


def test_what_is_no_picture_is_a_bad_row_told_by_its_name(world, shown):
    (reject,) = world.rejects(shown)
    assert reject["row"] == 121
    assert "dark/notes.png" in str(reject)


def test_many_pictures_are_written_in_parts_that_fit_in_memory(world, album, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "SLICE_BYTES", 1000)
    world.define(task="image", target="label")
    row = world.upload(album, "album.zip")
    written = world.manifest(row).parts
    assert len({part.key for part in written}) == len(written) > 10
    assert sum(part.rows for part in written) == 120
    assert {part.side for part in written} == {"train", "validation", "test"}


def test_equal_pictures_under_two_names_lie_on_one_side(world, tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for shade in range(100):
            for copy in ("a", "b"):
                archive.writestr(f"{'odd' if shade % 2 else 'even'}/{copy}{shade}.png", picture(shade))
    world.define(task="image", target="label")
    row = world.upload(stream.getvalue(), "twins.zip")
    side_of: dict[bytes, set[str]] = {}
    for part in world.manifest(row).parts:
        for found in world.rows(row, part.side, tmp_path):
            side_of.setdefault(found[-1], set()).add(part.side)
    assert {len(sides) for sides in side_of.values()} == {1}
