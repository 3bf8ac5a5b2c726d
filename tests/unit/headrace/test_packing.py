import os
import zipfile
from pathlib import Path

import pytest

from headrace.client.packing import list_pictures, pack
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_storage import FakeStorage


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    folder = tmp_path / "digits"
    for label, name in [("seven", "b.png"), ("one", "ü a.png"), ("one", "a.png")]:
        (folder / label).mkdir(parents=True, exist_ok=True)
        (folder / label / name).write_bytes(f"{label}/{name}".encode())
    return folder


def packed(folder: Path, into: Path) -> bytes:
    into.mkdir(exist_ok=True)
    return pack(folder, list_pictures(folder), into).file.read_bytes()


def test_a_folder_of_pictures_is_sent_as_one_zip(run: Run, digits: Path) -> None:
    storage = FakeStorage()
    result = run(storage, "upload", "flights", str(digits))
    assert result.exit_code == 0, result.stderr
    target = digits.parent / "got.zip"
    target.write_bytes(storage.completed[0])
    with zipfile.ZipFile(target) as archive:
        assert archive.namelist() == ["one/a.png", "one/ü a.png", "seven/b.png"]
        assert archive.testzip() is None
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.read("one/ü a.png") == "one/ü a.png".encode()
    assert "3 files of 2 labels in digits.zip" in result.stderr


def test_the_same_pictures_are_the_same_bytes_whenever_they_were_copied(tmp_path: Path, digits: Path) -> None:
    first = packed(digits, tmp_path / "1")
    for picture in digits.rglob("*.png"):
        os.utime(picture, ns=(10**18, 10**18))
    assert packed(digits, tmp_path / "2") == first


def test_hidden_things_and_links_that_lead_out_are_left_out_and_told(run: Run, digits: Path) -> None:
    (digits.parent / "secret.png").write_bytes(b"secret")
    (digits / "one" / "link.png").symlink_to("../../secret.png")
    (digits / "one" / "inside.png").symlink_to("a.png")
    (digits / "one" / "gone.png").symlink_to("nowhere.png")
    (digits / "one" / ".DS_Store").write_bytes(b"x")
    (digits / ".git").mkdir()
    (digits / "labels").symlink_to("/usr")
    os.mkfifo(digits / "one" / "pipe.png")
    listing = list_pictures(digits)
    names = [f"{picture.parent.name}/{picture.name}" for picture in listing.pictures]
    assert names == ["one/a.png", "one/inside.png", "one/ü a.png", "seven/b.png"]
    storage = FakeStorage()
    told = run(storage, "upload", "flights", str(digits)).stderr
    assert b"secret" not in storage.completed[0]
    assert "left out: .git is hidden" in told
    assert "left out: labels is a link out of the folder" in told
    assert "left out: one/link.png is a link out of the folder" in told
    assert "left out: 1 more" in told


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("1.png", "1.png is a file beside the labels"),
        ("cats/small/1.png", "cats/small is a folder within a label"),
        ("cats/readme.txt", "there is no picture"),
        (".hidden/1.png", "there is no picture"),
    ],
)
def test_a_folder_of_another_shape_ends_with_6_and_says_what_was_expected(
    run: Run, tmp_path: Path, path: str, told: str
) -> None:
    file = tmp_path / "images" / path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    result = run(FakeStorage(), "upload", "flights", str(tmp_path / "images"))
    assert result.exit_code == 6
    assert told in result.stderr
    assert "Expected one folder per label" in result.stderr


def test_an_interrupted_upload_of_a_folder_goes_on_too(run: Run, digits: Path) -> None:
    def fault(number: int, turn: int) -> None:
        if broken.uploads["u1"]:
            raise KeyboardInterrupt

    broken = FakeStorage(part_size_bytes=150, fault=fault)
    assert run(broken, "upload", "flights", str(digits)).exit_code == 1
    storage = FakeStorage(part_size_bytes=150)
    storage.uploads, storage.begun = broken.uploads, broken.begun
    arrived = set(broken.uploads["u1"])
    assert arrived
    result = run(storage, "upload", "flights", str(digits))
    assert result.exit_code == 0, result.stderr
    assert not arrived & set(storage.put)
    assert storage.completed
