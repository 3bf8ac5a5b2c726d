"""Inflate gzip and zstd piece by piece, in constant memory, under caps that no small file can get past."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import Any

from chalicelib.ingest.formats.reader import Limits, Source, TooLargeHere
from chalicelib.ingest.reasons import rejection

ENDINGS = {".gz": "gzip", ".zst": "zstd"}
MAGIC = {"gzip": b"\x1f\x8b", "zstd": b"\x28\xb5\x2f\xfd"}
# Tables shrink by 3 to 20, logs of repeated lines by 100. Beyond this, and beyond what takes no time, it is a bomb.
MAX_RATIO = 200
SMALL_BYTES = 1 << 20
RATIO_FREE_BYTES = 8 << 20
# What a frame may ask us to keep: 8 MiB is what RFC 8878 recommends every decoder to grant; zstd -19 asks for it.
MAX_WINDOW_BYTES = 8 << 20
# One step never inflates to more than 8 MiB: deflate's ratio ends at 1,032, and 4 bytes of zstd can stand for 128 KiB.
_STEP_BYTES = {"gzip": 8192, "zstd": 256}
_PIECE_BYTES = 1 << 18
_FREE_MEMBERS = 10_000
_MIN_MEMBER_BYTES = 256


def compression_of(name: str) -> str | None:
    """Return ``gzip`` or ``zstd`` by the name's ending, None for a plain file."""
    return ENDINGS.get(PurePosixPath(name).suffix.lower())


def inner_name(name: str) -> str:
    """Return the name without the ending of its compression: ``a.csv`` for ``a.csv.gz``."""
    return name[: -len(PurePosixPath(name).suffix)] if compression_of(name) else name


def is_small(source: Source) -> bool:
    """Say whether the text of *source* has a megabyte at most: soon read again, easily held."""
    return compression_of(source.name) is None and source.size_bytes <= SMALL_BYTES


def inflate(chunks: Iterable[bytes], kind: str) -> Iterator[bytes]:
    """Yield what *chunks*, an object compressed as *kind*, inflate to; several members count as one text.

    Raises
    ------
    InvalidDataset
        ``corrupt_archive``: bytes that are no such stream, one that ends early, or too many tiny members.
    """
    members = _Members(kind)
    gathered: list[bytes] = []
    held = 0
    for chunk in chunks:
        for at in range(0, len(chunk), _STEP_BYTES[kind]):
            for piece in members.feed(chunk[at : at + _STEP_BYTES[kind]]):
                gathered.append(piece)
                held += len(piece)
            if held >= _PIECE_BYTES:
                yield b"".join(gathered)
                gathered.clear()
                held = 0
    members.finish()
    if held:
        yield b"".join(gathered)


def capped(chunks: Iterable[bytes], raw_bytes: Callable[[], int], limits: Limits) -> Iterator[bytes]:
    """Pass *chunks* on while their sum is within *limits* and in proportion to the *raw_bytes* they came from.

    Raises
    ------
    InvalidDataset
        ``too_large`` or ``inflates_too_much``.
    TooLargeHere
        More than this process takes.
    """
    total = 0
    for chunk in chunks:
        total += len(chunk)
        check_size(total, limits)
        if total > max(RATIO_FREE_BYTES, MAX_RATIO * raw_bytes()):
            raise rejection(
                "inflates_too_much",
                f"The first {raw_bytes():,} bytes of the file inflate to more than {MAX_RATIO} times as much.",
            )
        yield chunk


def check_size(content_bytes: int, limits: Limits) -> None:
    """Refuse *content_bytes* (decompressed) that nobody, or not this process, takes.

    Raises
    ------
    InvalidDataset
        ``too_large``.
    TooLargeHere
        More than this process takes.
    """
    if content_bytes > limits.hard_max_bytes:
        raise rejection(
            "too_large", f"The file has more than {limits.hard_max_bytes:,} bytes (decompressed)."
        )
    if content_bytes > limits.max_bytes:
        raise TooLargeHere(f"more than {limits.max_bytes:,} bytes (decompressed)")


class _Members:
    """The members (gzip) or frames (zstd) of one stream, one after the other."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._new, self._error = _decoder(kind)
        self._member: Any = None
        self._count = 0
        self._raw_bytes = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Yield what *data*, the next bytes of the stream, inflate to."""
        self._raw_bytes += len(data)
        while data:
            if self._member is None:
                # gzip itself ignores zeros between and after members: tapes are padded so.
                data = data.lstrip(b"\0") if self._kind == "gzip" and self._count else data
                if not data:
                    return
                self._begin()
            try:
                yield self._member.decompress(data)
            except self._error as error:
                raise self._corrupt(f"cannot be inflated ({error})") from None
            data = self._member.unused_data
            if self._member.eof:
                self._member = None

    def finish(self) -> None:
        """Refuse a stream that has not ended with a whole member."""
        if self._member is not None or not self._count:
            raise self._corrupt("ends in the middle of its stream")

    def _begin(self) -> None:
        self._count += 1
        if self._count > _FREE_MEMBERS and self._raw_bytes < self._count * _MIN_MEMBER_BYTES:
            raise self._corrupt("consists of ever so many tiny members")
        self._member = self._new()

    def _corrupt(self, problem: str) -> Exception:
        where = f"near byte {self._raw_bytes:,}, member {self._count}"
        return rejection("corrupt_archive", f"The {self._kind} file {problem}: {where}.")


def _decoder(kind: str) -> tuple[Callable[[], Any], type[Exception]]:
    """Return what makes a decompressor of one member, and the error it raises."""
    if kind == "gzip":
        return lambda: zlib.decompressobj(wbits=31), zlib.error
    import zstandard  # only where a file needs it: a Lambda's start is paid by everyone

    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    return decompressor.decompressobj, zstandard.ZstdError
