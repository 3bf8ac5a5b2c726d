"""The input of a batch, cut into portions of records that can be found again by their place in the file."""

import io
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from chalicelib.inference.faults import Faults
from chalicelib.inference.formats import CSV, NDJSON, Records, to_rows
from chalicelib.inference.validation import MAX_ROWS, Row, Validator

from shared.errors import FieldError, InvalidBody

PORTION_ROWS = 500
# Fewer, larger objects cost a transform job and us less; what reads them takes no more at once.
PAYLOAD_ROWS = MAX_ROWS
PORTION_BYTES = (
    1_500_000  # of text; its JSON, with the names of all fields in each record, stays under 3 MiB mostly
)
# One that is longer is a quote that nobody closed, and not a record.
RECORD_BYTES = 1_000_000
KINDS = {".csv": CSV, ".ndjson": NDJSON, ".jsonl": NDJSON}
_BOM = b"\xef\xbb\xbf"


class Lines(Protocol):
    """What records are read from."""

    def readline(self, size: int = -1, /) -> bytes:
        """Return the next line with its end, nothing at the end of the file."""


class Unreadable(InvalidBody):
    """The file as a whole cannot be read; the message says where."""


class Portion(msgspec.Struct, frozen=True, kw_only=True):
    """Some records as they stand in the file, and the place after the last of them."""

    records: list[bytes]
    end_bytes: int


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a portion that fit the model, with their places in it, and what is wrong with the others."""

    good: list[msgspec.Raw]
    places: list[int]
    faults: dict[int, Faults]


def read_header(lines: Lines) -> bytes:
    """Return the header of a CSV as it stands there, with the byte order mark that may be before it."""
    header = _record(lines, CSV)
    if not header.strip():
        raise Unreadable("the file is empty")
    return header


def read_portion(lines: Lines, kind: str, start_bytes: int, most_rows: int = PORTION_ROWS) -> Portion:
    """Return the next records; none at the end of the file. Blank lines are no records.

    Raises
    ------
    Unreadable
        A record is longer than 1 MB: the quote of a CSV was never closed.
    """
    records: list[bytes] = []
    end, size = start_bytes, 0
    while len(records) < most_rows and size < PORTION_BYTES:
        record = _record(lines, kind)
        if not record:
            break
        end += len(record)
        text = record.removeprefix(_BOM) if end == len(record) else record
        if text.strip():
            records.append(text)
            size += len(text)
    return Portion(records=records, end_bytes=end)


def check(portion: Portion, kind: str, header: bytes, validator: Validator) -> Checked:
    """Tell the records that fit from those that do not; columns that the model has no input for are left out."""
    rows = _rows(portion.records, kind, header, validator)
    sifted = validator.sift(rows)
    return Checked(good=sifted.good, places=sifted.places, faults=sifted.faults)


def _record(lines: Lines, kind: str) -> bytes:
    """Return one record with its line end: of a CSV as many lines as a quoted cell goes over."""
    record = lines.readline(RECORD_BYTES)
    while kind == CSV and record.count(b'"') % 2 and len(record) < RECORD_BYTES:
        more = lines.readline(RECORD_BYTES)
        if not more:
            break
        record += more
    if len(record) >= RECORD_BYTES:
        raise Unreadable(f"a record is longer than {RECORD_BYTES} bytes; in a CSV a quote may not be closed")
    return record


def _rows(records: list[bytes], kind: str, header: bytes, validator: Validator) -> list[Row]:
    try:
        rows = _parse(b"".join(_ended(record) for record in records), kind, header, validator)
    except InvalidBody:
        # One that breaks the others: each by itself, so that it alone is refused.
        rows = [_alone(record, kind, header, validator) for record in records]
    return [_known(row, validator.inputs) for row in rows] if kind == CSV else rows


def _parse(body: bytes, kind: str, header: bytes, validator: Validator) -> list[Row]:
    whole = _ended(header) + body if kind == CSV else body
    return to_rows(Records(kind=kind, body=whole), validator.inputs)


def _alone(record: bytes, kind: str, header: bytes, validator: Validator) -> Row:
    try:
        (row,) = _parse(record, kind, header, validator)
    except InvalidBody as error:
        return FieldError(pointer="", detail=error.errors[0].detail if error.errors else str(error))
    except ValueError:
        return FieldError(pointer="", detail="is not one record")
    return row


def _ended(record: bytes) -> bytes:
    return record if record.endswith(b"\n") else record + b"\n"


def _known(row: Row, inputs: Mapping[str, Any]) -> Row:
    if isinstance(row, FieldError):
        return row
    values: dict[str, Any] = msgspec.json.decode(row)
    if values.keys() <= inputs.keys():
        return row
    return msgspec.Raw(msgspec.json.encode({name: values[name] for name in values if name in inputs}))


def lines_of(stream: io.RawIOBase) -> Lines:
    """Return a stream as lines, read in large pieces."""
    return io.BufferedReader(stream, 1024 * 1024)
