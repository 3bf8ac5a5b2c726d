"""Read the first line of a file: its delimiter and quote, its column names, where the rows begin."""

import csv
import re

import msgspec
from chalicelib.ingest.formats.column_names import check_names
from chalicelib.ingest.formats.encoding import HEAD_BYTES
from chalicelib.ingest.reasons import rejection

# In the order that decides between equals. Others are read when declared: a colon or a space is in too many texts.
DELIMITERS = ",;\t|^~"
QUOTES = "\"'"
_SAMPLE_LINES = 20
_SAMPLE_BYTES = 1 << 16


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """How a file is cut into cells; the rows begin at byte ``rows_at`` of its text in UTF-8."""

    delimiter: str
    quote: str
    columns: tuple[str, ...]
    rows_at: int


def read_layout(head: bytes, delimiter: str | None, quote: str | None) -> Layout:
    """Return the layout of the text (UTF-8) that begins with *head*, at most 1 MiB of it; None means detected.

    Raises
    ------
    InvalidDataset
        One of the reasons that concern the file as a whole or its header.
    """
    _check_declared(delimiter, quote)
    start = _text_start(head)
    found = _detect_quote(head[start:], delimiter or DELIMITERS) if quote is None else quote
    rows_at = _end_of_record(head, start, found.encode())
    line = head[start:rows_at].decode().strip("\r\n")
    if delimiter is None:
        # Only line feeds and returns end a line: str.splitlines would also cut at form feeds and their kin.
        sample = re.split("[\r\n]+", head[rows_at : rows_at + _SAMPLE_BYTES].decode(errors="replace"))
        delimiter = _find_delimiter(line, sample[:_SAMPLE_LINES], found)
    columns = tuple(name.strip() for name in _cells(line, delimiter, found))
    check_names(columns)
    return Layout(delimiter=delimiter, quote=found, columns=columns, rows_at=rows_at)


def _check_declared(delimiter: str | None, quote: str | None) -> None:
    """Refuse characters that cut words apart or end lines, and a quote that is none."""
    if delimiter is not None and (delimiter.isalnum() or delimiter in "\r\n\0\"'." or len(delimiter) != 1):
        raise rejection(
            "bad_dialect", f"data.delimiter is {delimiter!r}, which cannot part the cells of a row."
        )
    if quote is not None and quote not in tuple(QUOTES):
        raise rejection("bad_dialect", f"data.quote is {quote!r}; it is one of \" and '.")


def _text_start(head: bytes) -> int:
    """Return where the header begins: behind blank lines."""
    if not head:
        raise rejection("empty_file", "The file has no bytes.")
    body = head.lstrip(b"\r\n")
    if not body.strip():
        raise rejection("empty_file", "The file has only blank lines.")
    return len(head) - len(body)


def _detect_quote(text: bytes, delimiters: str) -> str:
    """Return an apostrophe only where cells begin and end with it and none does with the usual quote."""
    sample = text[:_SAMPLE_BYTES]
    ends = re.escape(delimiters.encode()) + rb"\r\n"
    if re.search(rb'(?:\A|[%b])"' % ends, sample):
        return '"'
    opening = len(re.findall(rb"(?:\A|[%b])'" % ends, sample))
    whole = len(re.findall(rb"(?:\A|(?<=[%b]))'[^'\r\n]*'(?=[%b]|\Z)" % (ends, ends), sample))
    # 'tis or 'n' begins a text now and then; where it quotes, nearly every such cell is whole.
    return "'" if whole >= 2 and whole >= 0.9 * opening else '"'


def _end_of_record(head: bytes, start: int, quote: bytes) -> int:
    """Return where the first record ends, its line break included: a quoted name may hold line breaks."""
    in_quotes = False
    for match in re.finditer(rb"[%b\r\n]" % quote, head[start:]):
        if match[0] == quote:
            in_quotes = not in_quotes
        elif not in_quotes:
            return start + match.end()
    if in_quotes or len(head) >= HEAD_BYTES:
        raise rejection(
            "bad_header", "The first line does not end within 1 MiB, or a quote in it never closes."
        )
    return len(head)


def _find_delimiter(line: str, sample: list[str], quote: str) -> str:
    """Return the delimiter that cuts the header into most cells and the next lines into equally many."""

    def score(delimiter: str) -> tuple[float, int]:
        cells = len(_cells(line, delimiter, quote))
        if cells == 1:
            return (0.0, 1)
        equal = sum(len(_cells(row, delimiter, quote)) == cells for row in sample)
        return ((equal + 1) / (len(sample) + 1), cells)

    return max(DELIMITERS, key=score)


def _cells(line: str, delimiter: str, quote: str) -> list[str]:
    """Cut one record; one that the csv module cannot cut is one cell. Its limit on a cell is raised to the head's."""
    csv.field_size_limit(HEAD_BYTES)
    try:
        return next(csv.reader([line], delimiter=delimiter, quotechar=quote, strict=True), [""])
    except csv.Error:
        return [line]
