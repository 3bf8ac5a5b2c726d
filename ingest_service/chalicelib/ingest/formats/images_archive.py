"""Read the directory of a zip of pictures, as something that may be made to harm; members come one at a time."""

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import IO

import msgspec
from chalicelib.ingest.formats.compression import MAX_RATIO, RATIO_FREE_BYTES
from chalicelib.ingest.reasons import rejection

MAX_ENTRIES = 100_000  # about 70 MB of memory
# 100,000 entries with names of 100 characters, and as much again for what archivers add.
_MAX_DIRECTORY_BYTES = 32 << 20
_END, _END64, _LOCATOR64, _ENTRY = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02"
_JUNK = {"__macosx", "thumbs.db", "desktop.ini"}
_ENCRYPTED = 1
# What zipfile raises for bytes that are no archive, on top of its own error.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, struct.error)


class Member(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One file of the archive; ``label`` is None where its path is not ``label/name``."""

    name: str
    label: str | None
    is_repeated: bool
    info: zipfile.ZipInfo


class DamagedMember(Exception):
    """The member's bytes cannot be had; the message is the rule that it breaks."""


class Archive:
    """An open archive: ``members`` in the directory's order, without folders and ``ignored`` hidden files.

    Raises
    ------
    InvalidDataset
        ``bad_archive`` or ``inflates_too_much``.
    """

    def __init__(self, file: IO[bytes], raw_bytes: int) -> None:
        _check_directory_size(file)
        try:
            self._zip = zipfile.ZipFile(file)
        except _DAMAGED as error:
            raise _bad(f"cannot be read: {error}") from None
        infos = [info for info in self._zip.infolist() if not info.is_dir()]
        kept = [info for info in infos if not _is_junk(info.filename)]
        self.ignored = len(infos) - len(kept)
        for info in self._zip.infolist():
            _check_entry(info)
        _check_overlap(self._zip.infolist(), self._zip.start_dir)
        self.inflated_bytes = sum(info.file_size for info in kept)
        if self.inflated_bytes > max(RATIO_FREE_BYTES, MAX_RATIO * raw_bytes):
            raise rejection(
                "inflates_too_much", f"The {raw_bytes:,} bytes inflate to {self.inflated_bytes:,}."
            )
        self.members = tuple(_members(kept))
        if not self.members:
            raise _bad("has no file in it")

    def read(self, member: Member) -> bytes:
        """Return the member's bytes.

        Raises
        ------
        DamagedMember
            They are not what the archive says of them.
        """
        if member.info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DamagedMember("neither stored nor deflated in the archive")
        try:
            return self._zip.read(member.info)
        except _DAMAGED:
            raise DamagedMember("damaged in the archive") from None


def _check_directory_size(file: IO[bytes]) -> None:
    """Refuse a directory that would not fit into memory, before zipfile reads it."""
    size_bytes = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size_bytes - (1 << 16) - 22 - 76))
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise _bad("has no directory at its end; it may have been cut off")
    directory_bytes = int.from_bytes(tail[at + 12 : at + 16], "little")
    # The larger form stands right before the usual one, and wins where it is there.
    if tail[max(0, at - 20) : at].startswith(_LOCATOR64) and tail[max(0, at - 76) :].startswith(_END64):
        directory_bytes = int.from_bytes(tail[at - 76 + 40 : at - 76 + 48], "little")
    if directory_bytes > min(_MAX_DIRECTORY_BYTES, size_bytes):
        raise _bad(f"has a directory of {directory_bytes:,} bytes")
    # zipfile goes by the bytes, not by the count that the archive states.
    file.seek(max(0, start + at - 76 - directory_bytes))
    entries = file.read(directory_bytes + 76).count(_ENTRY)
    file.seek(0)
    if entries > MAX_ENTRIES:
        raise _bad(f"has {entries:,} entries; the limit is {MAX_ENTRIES:,}")


def _check_entry(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    path = PurePosixPath(name)
    if "\0" in name or "\\" in name or path.is_absolute() or ".." in path.parts or name[1:2] == ":":
        raise _bad(f"has an entry whose name leads outside: {name[:80]!r}")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise _bad(f"has a link in it: {name[:80]!r}")
    if info.flag_bits & _ENCRYPTED:
        raise _bad(f"is encrypted: {name[:80]!r}")


def _check_overlap(infos: Sequence[zipfile.ZipInfo], end: int) -> None:
    """Refuse entries that share bytes: a few could stand for any number of pictures."""
    header_bytes = 30
    ordered = sorted(infos, key=lambda info: info.header_offset)
    ends = [info.header_offset for info in ordered[1:]] + [end]
    for info, following in zip(ordered, ends, strict=False):
        if info.header_offset + header_bytes + info.compress_size > following:
            raise _bad(f"has entries that overlap: {info.filename[:80]!r}")


def _is_junk(name: str) -> bool:
    return any(part.startswith(".") or part.lower() in _JUNK for part in PurePosixPath(name).parts)


def _members(infos: Sequence[zipfile.ZipInfo]) -> Iterator[Member]:
    """Yield the files with their labels; a folder around all of them (``photos/label/name``) is passed over."""
    paths = [PurePosixPath(info.filename).parts for info in infos]
    is_wrapped = len({parts[:1] for parts in paths}) == 1 and all(len(parts) > 2 for parts in paths)
    seen: set[str] = set()
    for info, parts in zip(infos, paths, strict=True):
        inner = parts[1:] if is_wrapped else parts
        yield Member(
            name=info.filename,
            label=inner[0] if len(inner) == 2 else None,
            is_repeated=info.filename in seen,
            info=info,
        )
        seen.add(info.filename)


def _bad(problem: str) -> Exception:
    return rejection("bad_archive", f"The zip {problem}.")
