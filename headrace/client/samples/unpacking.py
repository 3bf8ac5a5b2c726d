"""The first bytes of a file, and of what is packed in it."""

import gzip
import io
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import msgspec

from headrace.client.samples.table import SAMPLE_BYTES
from headrace.failures import BadData

GZIP, ZSTD, ZIP, PARQUET = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"PAR1"


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The first MiB; `is_whole` says that there is no more."""

    content: bytes
    is_whole: bool


def magic(file: Path) -> bytes:
    """Return the first four bytes, which name the format of a binary file."""
    with file.open("rb") as source:
        return source.read(4)


def read_head(file: Path) -> Head:
    """Return the first MiB of a file, unpacked when it is gzip or zstd.

    Raises
    ------
    BadData
        What is packed is broken, or zstd cannot be unpacked here.
    """
    start = magic(file)
    opened: AbstractContextManager[IO[bytes] | gzip.GzipFile]
    if start.startswith(GZIP):
        opened = _open_gzip(file)
    elif start == ZSTD:
        opened = _open_zstd(file)
    else:
        opened = file.open("rb")
    with opened as source:
        content = source.read(SAMPLE_BYTES)
    return Head(content=content, is_whole=len(content) < SAMPLE_BYTES)


@contextmanager
def unpacked(file: Path) -> Iterator[Path]:
    """Lend a gzip or zstd file as it is unpacked.

    Raises
    ------
    BadData
        What is packed is broken, or zstd cannot be unpacked here.
    """
    opened = _open_gzip if magic(file).startswith(GZIP) else _open_zstd
    with tempfile.NamedTemporaryFile() as plain:
        with opened(file) as source:
            shutil.copyfileobj(source, plain)
        plain.flush()
        yield Path(plain.name)


@contextmanager
def _open_gzip(file: Path) -> Iterator[IO[bytes] | gzip.GzipFile]:
    try:
        with gzip.open(file, "rb") as source:
            yield source
    except (OSError, EOFError, zlib.error) as error:
        raise BadData(f"{file} is broken gzip ({error}): write it again") from error


@contextmanager
def _open_zstd(file: Path) -> Iterator[IO[bytes]]:
    try:
        # Optional: nothing else here needs it, and this Python has no zstd of its own.
        import zstandard  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        remedy = "`pip install zstandard`, or give a file packed with gzip or not at all"
        raise BadData(f"{file} is packed with zstd, which cannot be read here: {remedy}") from None
    try:
        with file.open("rb") as source:
            reader = zstandard.ZstdDecompressor().stream_reader(source, read_across_frames=True)
            yield io.BufferedReader(reader)
    except zstandard.ZstdError as error:
        raise BadData(f"{file} is broken zstd ({error}): write it again") from error
