"""Choose the reader of an upload: its name says the format, its first bytes must agree."""

import contextlib
from pathlib import PurePosixPath

from chalicelib.ingest.formats.compression import MAGIC, compression_of, inner_name
from chalicelib.ingest.formats.feed import Feed
from chalicelib.ingest.formats.reader import Limits, Reader, Source
from chalicelib.ingest.reasons import rejection

from shared.entities.pipeline import Data
from shared.errors import Unavailable

EXTENSIONS = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".zip": "images",
}
_ANY_TEXT = {".txt"}  # says nothing of the format: data.format may call it what it likes
_MAGIC_BYTES = 512
# What people upload under a wrong name, by its first bytes, with what to do about it.
_SIGNATURES = (
    (MAGIC["gzip"], "gzip", "name it .csv.gz (or .jsonl.gz), and compress it once only"),
    (MAGIC["zstd"], "Zstandard", "name it .csv.zst (or .jsonl.zst), and compress it once only"),
    (b"PAR1", "Parquet", "name it .parquet"),
    (b"%PDF-", "PDF", "export the table as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", "save it as CSV UTF-8"),
    (b"BZh", "bzip2", "compress it with gzip or zstd instead"),
    (b"\xfd7zXZ\0", "xz", "compress it with gzip or zstd instead"),
    (b"7z\xbc\xaf'\x1c", "7-Zip", "compress the one file with gzip or zstd instead"),
    (b"Rar!\x1a\x07", "RAR", "compress the one file with gzip or zstd instead"),
    (b"SQLite format 3\0", "an SQLite database", "export the table as CSV"),
    (b"ARROW1\0\0", "an Arrow file", "save it as Parquet"),
    (b"Obj\x01", "Avro", "save it as Parquet"),
    (b"ORC", "ORC", "save it as Parquet"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", "upload folders of pictures in a .zip"),
    (b"\xff\xd8\xff", "a JPEG picture", "upload folders of pictures in a .zip"),
    (b"\x89HDF\r\n\x1a\n", "HDF5", "save the table as Parquet"),
    (b"{\\rtf", "RTF", "save it as plain text"),
)
_ZIP = b"PK\x03\x04"


def format_of_name(name: str, wanted: str = "auto") -> str:
    """Return ``csv``, ``tsv``, ``jsonl``, ``parquet`` or ``images`` by the ending of *name*.

    Raises
    ------
    InvalidDataset
        ``unsupported_format``: another ending, or not the format the pipeline *wants*.
    """
    ending = PurePosixPath(inner_name(name)).suffix.lower()
    found = EXTENSIONS.get(ending)
    if found is None:
        known = ", ".join(EXTENSIONS)
        raise rejection(
            "unsupported_format",
            f"The file's name ends in {ending[:20] or 'nothing'!r}; {known} are read, also with .gz or .zst.",
        )
    if wanted in {"auto", found}:
        return found
    if ending in _ANY_TEXT and wanted in {"tsv", "jsonl"}:
        return wanted
    raise rejection("unsupported_format", f"The file is {found}, the pipeline's data.format is {wanted}.")


def open_reader(source: Source, data: Data, limits: Limits) -> Reader:
    """Return the reader of *source*; its header has been read and checked.

    Raises
    ------
    InvalidDataset
        ``unsupported_format``, ``wrong_content``, or what the format's own reader finds.
    TooLargeHere
        It has more bytes than this process takes.
    """
    found = format_of_name(source.name, data.format)
    _check_content(source, limits, found)
    # Each format brings its own libraries: only the one that is needed is loaded.
    if found == "jsonl":
        from chalicelib.ingest.formats.json_lines import JsonLines

        return JsonLines(source, data, limits)
    if found == "parquet":
        from chalicelib.ingest.formats.parquet import Parquet

        return Parquet(source, data, limits)
    if found == "images":
        from chalicelib.ingest.formats.images import Images

        return Images(source, data, limits)
    from chalicelib.ingest.formats.delimited import Delimited

    return Delimited(source, data, limits, delimiter="\t" if found == "tsv" else None)


def _check_content(source: Source, limits: Limits, expected: str) -> None:
    """Refuse a file whose first bytes, compressed or inflated, are of another format than its name's."""
    head = _first_bytes(source)
    kind = compression_of(source.name)
    if kind is not None:
        if not _is_compressed(head, kind):
            raise _wrong_content(kind, *_known(head, kind))
        head = next(Feed(source, limits).chunks(), b"")[:_MAGIC_BYTES]
    if not _agrees(head, expected):
        raise _wrong_content(expected, *_known(head, expected))


def _first_bytes(source: Source) -> bytes:
    with contextlib.closing(source.open()) as stream:
        head = stream.read(_MAGIC_BYTES)
    if not head and source.size_bytes:
        raise Unavailable(f"{source.name}: none of {source.size_bytes:,} bytes arrived")
    if not head:
        raise rejection("empty_file", "The file has no bytes.")
    return head


def _is_compressed(head: bytes, kind: str) -> bool:
    # zstd also begins with a skippable frame, of which sixteen marks exist.
    is_skippable = kind == "zstd" and head[1:4] == b"\x2a\x4d\x18"
    return head.startswith(MAGIC[kind]) or is_skippable


def _agrees(head: bytes, expected: str) -> bool:
    if expected == "parquet":
        return head.startswith(b"PAR1")
    if expected == "images":
        return head.startswith((_ZIP, b"PK\x05\x06"))  # the second begins a zip without entries
    is_binary = any(byte < 9 for byte in head)
    return not head.startswith(
        (_ZIP, *(magic for magic, _, _ in _SIGNATURES if is_binary or not _may_be_text(magic)))
    )


def _may_be_text(magic: bytes) -> bool:
    """Say whether *magic* is letters and digits alone, which may as well begin a column's name."""
    return magic.isascii() and magic.isalnum()


def _known(head: bytes, expected: str) -> tuple[str, str]:
    """Return what the file is and what to do."""
    if head.startswith(_ZIP):
        if b"[Content_Types].xml" in head or b"xl/" in head:
            return "an Excel workbook", "save it as CSV UTF-8"
        return "a zip archive", "upload the one file in it; only pictures are read from a .zip"
    for magic, name, remedy in _SIGNATURES:
        if head.startswith(magic):
            return name, remedy
    return "something else", f"upload a file that is {expected}"


def _wrong_content(expected: str, found: str, remedy: str) -> Exception:
    return rejection("wrong_content", f"The file's name says {expected}, but it is {found}: {remedy}.")
