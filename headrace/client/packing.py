"""A folder of `label/name` pictures as one zip; the same pictures always become the same bytes."""

import hashlib
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from headrace.client.sources import Source
from headrace.failures import BadData

PICTURES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".bmp", ".webp", ".tif", ".tiff"})
# The oldest time a zip can hold: a copy of a folder has other times and is the same data.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o100644 << 16


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """The pictures of a folder, and what is none of them, with the reason."""

    pictures: tuple[Path, ...]
    left_out: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the folders, each once."""
        return tuple(dict.fromkeys(picture.parent.name for picture in self.pictures))


def list_pictures(folder: Path) -> Listing:
    """Return the files two levels down, by label and name.

    Raises
    ------
    BadData
        The folder has another shape.
    """
    left_out: list[str] = []
    pictures = [
        picture
        for label in _visible(folder, folder, left_out)
        for picture in _visible(_require_folder(label, folder), folder, left_out)
        if _is_file(picture, folder, left_out)
    ]
    if not any(picture.suffix.lower() in PICTURES for picture in pictures):
        raise _misshapen(folder, "there is no picture")
    return Listing(pictures=tuple(pictures), left_out=tuple(left_out))


class Contents(msgspec.Struct, frozen=True, kw_only=True):
    """How many pictures there are of each label, and of each suffix."""

    labels: Counter[str]
    suffixes: Counter[str]


def count_pictures(data: Path) -> Contents:
    """Return what a folder or a zip holds.

    Raises
    ------
    BadData
        It is broken or has another shape.
    """
    paths = [path for path in map(PurePosixPath, _names_in(data)) if len(path.parts) == 2]
    pictures = [path for path in paths if path.suffix.lower() in PICTURES]
    if not pictures:
        hint = " (a spreadsheet is a zip too: save it as CSV)" if data.is_file() else ""
        raise _misshapen(data, f"there is no picture of the shape label/name{hint}")
    return Contents(
        labels=Counter(path.parts[0] for path in pictures),
        suffixes=Counter(path.suffix.lower() for path in pictures),
    )


def _names_in(data: Path) -> list[str]:
    if data.is_dir():
        return [f"{picture.parent.name}/{picture.name}" for picture in list_pictures(data).pictures]
    try:
        with zipfile.ZipFile(data) as archive:
            return archive.namelist()
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise BadData(f"{data} is a broken zip ({error}): write it again") from error


def pack(folder: Path, listing: Listing, into: Path) -> Source:
    """Write the zip, in a fixed order and not compressed: pictures are compressed already."""
    named = folder.absolute()
    target = into / f"{folder.resolve().name}.zip"
    seen = hashlib.sha256()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for picture in listing.pictures:
            name = f"{picture.parent.name}/{picture.name}"
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = _READABLE
            found = picture.stat()
            entry.file_size = found.st_size
            seen.update(f"{name}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
            with picture.open("rb") as source, archive.open(entry, "w") as sink:
                shutil.copyfileobj(source, sink, 1024 * 1024)
    size_bytes = target.stat().st_size
    return Source(
        file=target, name=target.name, named=named, size_bytes=size_bytes, fingerprint=seen.hexdigest()
    )


def _visible(folder: Path, root: Path, left_out: list[str]) -> Iterator[Path]:
    """Yield what is in a folder by name; hidden things and links that lead out are left out."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            left_out.append(f"{path.relative_to(root)} is hidden")
        elif path.is_symlink() and not path.resolve().is_relative_to(root.resolve()):
            left_out.append(f"{path.relative_to(root)} is a link out of the folder")
        elif not path.name.isprintable():
            # Also names that are no UTF-8, which Python holds as lone surrogates.
            left_out.append(f"{str(path.relative_to(root))!a} has a name with control characters")
        else:
            yield path


def _require_folder(path: Path, root: Path) -> Path:
    if not path.is_dir():
        raise _misshapen(root, f"{path.name} is a file beside the labels")
    return path


def _is_file(path: Path, root: Path, left_out: list[str]) -> bool:
    if path.is_dir():
        raise _misshapen(root, f"{path.relative_to(root)} is a folder within a label")
    if not path.is_file():
        left_out.append(f"{path.relative_to(root)} is no regular file")
        return False
    return True


def _misshapen(folder: Path, why: str) -> BadData:
    shape = "one folder per label with the pictures in it, such as cats/1.jpg and dogs/2.jpg"
    return BadData(f"{folder} cannot be used: {why}. Expected {shape}")
