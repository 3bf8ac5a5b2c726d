"""Read the first line of a file: its delimiter, its column names, where the rows begin."""

import codecs
import csv
import re
from collections import Counter

import msgspec
from chalicelib.ingest.reasons import rejection

HEAD_BYTES = 1 << 20  # also the longest header: 1,000 names of 128 characters fit, whatever their bytes
MAX_COLUMNS = 1000
MAX_NAME_CHARS = 128
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_OTHER_MARKS = ((codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"))


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is cut into cells; the rows begin at byte ``rows_at``."""

    delimiter: str
    columns: tuple[str, ...]
    rows_at: int


def read_layout(head: bytes, file_format: str) -> Layout:
    """Return the layout of the file that begins with *head* (at most 1 MiB of it).

    Raises
    ------
    InvalidDataset
        One of the reasons that concern the file as a whole or its header.
    """
    start = _text_start(head)
    header_end = _end_of_record(head, start)
    line = decode_utf8(head[start:header_end], start).strip("\r\n")
    # Only line feeds and returns end a line: str.splitlines would also cut at form feeds and their kin.
    sample = re.split("[\r\n]+", head[header_end : header_end + 65536].decode(errors="replace"))[:20]
    delimiter = "\t" if file_format == "tsv" else _find_delimiter(line, sample)
    columns = tuple(name.strip() for name in _cells(line, delimiter))
    _check_names(columns)
    return Layout(delimiter=delimiter, columns=columns, rows_at=header_end)


def decode_utf8(data: bytes, offset: int) -> str:
    """Return *data* as text; *offset* is where it lies in the file, for the sentence.

    Raises
    ------
    InvalidDataset
        ``wrong_encoding``.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise wrong_encoding(offset + error.start, data[error.start]) from None


def wrong_encoding(offset: int, byte: int) -> Exception:
    """Return the rejection that names the first byte that is not UTF-8."""
    return rejection(
        "wrong_encoding", f"Byte {offset} of the file (0x{byte:02x}) is not UTF-8; save the file as UTF-8."
    )


def _text_start(head: bytes) -> int:
    """Return where the header begins: behind the byte order mark and blank lines."""
    if not head:
        raise rejection("empty_file", "The file has no bytes.")
    for mark, name in _OTHER_MARKS:
        if head.startswith(mark):
            raise rejection(
                "wrong_encoding", f"Byte 0 of the file begins a mark of {name}; save it as UTF-8."
            )
    if b"\0" in head:
        raise rejection("not_text", f"Byte {head.index(0)} of the file is NUL: this is not a text file.")
    # Excel writes the mark; kept, it would become part of the first column's name.
    start = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    body = head[start:].lstrip(b"\r\n")
    if not body.strip():
        raise rejection("empty_file", "The file has only blank lines.")
    return len(head) - len(body)


def _end_of_record(head: bytes, start: int) -> int:
    """Return where the first record ends, its line break included: a quoted name may hold line breaks."""
    in_quotes = False
    for match in re.finditer(rb'["\r\n]', head[start:]):
        if match[0] == b'"':
            in_quotes = not in_quotes
        elif not in_quotes:
            return start + match.end()
    if in_quotes or len(head) >= HEAD_BYTES:
        raise rejection(
            "bad_header", "The first line does not end within 1 MiB, or a quote in it never closes."
        )
    return len(head)


def _find_delimiter(line: str, sample: list[str]) -> str:
    """Return the delimiter that cuts the header into most cells and the next lines into equally many."""

    def score(delimiter: str) -> tuple[float, int]:
        cells = len(_cells(line, delimiter))
        if cells == 1:
            return (0.0, 1)
        counts = Counter(len(_cells(row, delimiter)) == cells for row in sample)
        return ((counts[True] + 1) / (len(sample) + 1), cells)

    return max(",;\t|", key=score)


def _cells(line: str, delimiter: str) -> list[str]:
    """Cut one record; one that the csv module cannot cut is one cell. Its limit on a cell is raised to the head's."""
    csv.field_size_limit(HEAD_BYTES)
    try:
        return next(csv.reader([line], delimiter=delimiter), [""])
    except csv.Error:
        # Text goes on after a closing quote: the name then holds a line break and is refused as such.
        return [line]


def _check_names(columns: tuple[str, ...]) -> None:
    if len(columns) > MAX_COLUMNS:
        raise rejection(
            "too_many_columns", f"The file has {len(columns)} columns; the limit is {MAX_COLUMNS}."
        )
    for place, name in enumerate(columns, start=1):
        _check_name(name, f"column {place} of {len(columns)}")
    # DuckDB, as most databases, does not tell Late from late; a second column would be renamed in silence.
    folded = Counter(name.casefold() for name in columns)
    twice = [name for name in columns if folded[name.casefold()] > 1]
    if twice:
        names = ", ".join(repr(name) for name in twice[:10])
        raise rejection("duplicate_columns", f"These column names occur more than once: {names}.")


def _check_name(name: str, where: str) -> None:
    if not name:
        raise rejection("empty_column_name", f"There is no name for {where}.")
    if len(name) > MAX_NAME_CHARS or _CONTROL.search(name):
        raise rejection("bad_header", f"The name of {where}, {name[:40]!r}, is too long or not text.")
