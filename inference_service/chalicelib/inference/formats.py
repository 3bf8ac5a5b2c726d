"""From a request body of any accepted content type to records in JSON."""

import csv
import io
import re
from collections.abc import Buffer, Callable, Iterable, Mapping
from typing import Annotated, Any

import msgspec
from chalicelib.inference.inputs import Input
from chalicelib.inference.spelling import Spelling, Value, reader_of
from chalicelib.inference.tensors import Tensor, nest, rows_of
from chalicelib.inference.validation import Row, check_count, split

from shared.errors import FieldError, InvalidBody, UnsupportedMediaType
from shared.parsing import decode_typed

JSON, CSV, NDJSON = "application/json", "text/csv", "application/x-ndjson"
CONTENT_TYPES = (JSON, CSV, NDJSON)
TENSORS = "tensors"  # of the Open Inference Protocol, whose body is JSON too
_REPLACEMENT = "\ufffd".encode()
_RAW = msgspec.json.Decoder(msgspec.Raw)
_BOM = b"\xef\xbb\xbf"
_NAN = re.compile(rb"[:,\[]\s*-?(?:NaN|Infinity)\b")
_SHAPE = '; send {"records": [{…}, …]}'
_SEPARATORS = ";\t|"

RoutingKey = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class PredictionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The JSON body: records stay as they were sent until the model that will answer is known."""

    records: msgspec.Raw
    routing_key: RoutingKey | None = None


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent, its content type still undone for text formats (their values need the model's types).

    The ``body`` of JSON is the array of records where it stands in the request: a copy of 500 takes as long as a request of one.
    """

    kind: str
    body: Buffer
    routing_key: str | None = None
    tensors: tuple[Tensor, ...] = ()


def read_request(body: bytes, content_type: str, routing_key: str | None) -> Records:
    """Return the body with its routing key (in CSV and NDJSON that is the query's).

    Raises
    ------
    InvalidBody
        The body is empty or not of its type.
    UnsupportedMediaType
        The type is none of the three.
    """
    kind = content_type.partition(";")[0].strip().lower() or JSON
    if kind not in CONTENT_TYPES:
        raise UnsupportedMediaType(f"send {', '.join(CONTENT_TYPES)}, not {kind[:60]!r}")
    _check_encoding(body)
    # As spreadsheets and some shells write it before a text.
    body = body.removeprefix(_BOM)
    if kind == JSON:
        request = _decode(body)
        return Records(kind=kind, body=memoryview(request.records), routing_key=request.routing_key)
    return Records(kind=kind, body=body, routing_key=routing_key)


def _decode(body: bytes) -> PredictionRequest:
    try:
        # The records' depth is bounded by the types of the model that they are held against.
        return decode_typed(body, PredictionRequest)
    except InvalidBody as error:
        (wrong,) = error.errors or (None,)
        if wrong is None or wrong.pointer:
            raise
        hint = _hint(body) if "not JSON" in wrong.detail else _SHAPE
        raise _invalid("", wrong.detail + hint) from None


def _hint(text: bytes) -> str:
    """Return what is most often wrong with *text* that is not JSON."""
    return "; NaN and Infinity are not JSON, send null for what is missing" if _NAN.search(text) else ""


def _check_encoding(body: bytes) -> None:
    """Refuse what API Gateway made of bytes that are not UTF-8: a model would take it for an unseen category."""
    # One byte is looked for ten times as fast as three, and most bodies do not have it.
    place = body.find(_REPLACEMENT) if _REPLACEMENT[0] in body else -1
    if place >= 0:
        raise _invalid(
            "",
            f"the body is not UTF-8 text: character {len(body[:place].decode('utf-8', 'replace'))} is wrong",
        )


def to_rows(records: Records, inputs: Mapping[str, Input]) -> list[Row]:
    """Return each record as it was sent, or why it is none; raises :class:`InvalidBody` where no row can be told."""
    if records.kind == JSON:
        return list(split(records.body))
    if records.kind == NDJSON:
        # Each line must be JSON by itself: two broken ones could make a whole when joined.
        lines = [line for line in bytes(records.body).splitlines() if line.strip()]
        return [_line(place, line) for place, line in enumerate(lines)]
    if records.kind == TENSORS:
        return [msgspec.Raw(msgspec.json.encode(row)) for row in rows_of(records.tensors, inputs)]
    return _from_csv(_text(bytes(records.body)), inputs)


def join(rows: Iterable[Row]) -> bytes:
    """Return one JSON array of those *rows* that are records."""
    return b"[" + b",".join(bytes(row) for row in rows if isinstance(row, msgspec.Raw)) + b"]"


def _line(place: int, line: bytes) -> Row:
    try:
        return _RAW.decode(line)
    except (msgspec.DecodeError, RecursionError) as error:
        detail = f"the line is not JSON: {error}{_hint(line)}"
        return FieldError(pointer=f"/records/{place}", detail=detail)


def _from_csv(text: str, inputs: Mapping[str, Input]) -> list[Row]:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(rows, [])
        lines = [row for row in rows if row]
    except csv.Error as error:
        raise _invalid("", f"the CSV cannot be read near line {rows.line_num}: {error}") from None
    _check_header(header, inputs)
    if not lines:
        raise _invalid("/records", "has no record: the first line of a CSV is its header")
    check_count(len(lines))
    readers = [_reader(_input_of(name, inputs)) for name in header]
    objects = tuple(given for given in inputs.values() if given.type == "object")
    return [_cells(place, header, readers, objects, cells) for place, cells in enumerate(lines)]


def _check_header(header: list[str], inputs: Mapping[str, Input]) -> None:
    # Of two columns with one name the last would win silently.
    if len(set(header)) != len(header):
        raise _invalid("", "the CSV's header names a column twice")
    if len(header) == 1 and header[0] not in inputs and any(mark in header[0] for mark in _SEPARATORS):
        raise _invalid("", f"the CSV has one column, {header[0][:60]!r}: separate columns by commas")


def _cells(
    place: int,
    header: list[str],
    readers: list[Callable[[str], Value]],
    objects: tuple[Input, ...],
    cells: list[str],
) -> Row:
    if len(cells) != len(header):
        detail = f"has {len(cells)} values, the header {len(header)}"
        return FieldError(pointer=f"/records/{place}", detail=detail)
    row: dict[str, Any] = {name: read(cell) for name, read, cell in zip(header, readers, cells, strict=True)}
    return msgspec.Raw(msgspec.json.encode(nest(row, objects) if objects else row))


def _input_of(name: str, inputs: Mapping[str, Input]) -> Input | None:
    """Return the input of a column; ``series.shop`` is the member shop of the object series."""
    owner, _, member = name.partition(".")
    if name in inputs or owner not in inputs:
        return inputs.get(name)
    return next((part for part in inputs[owner].fields if part.name == member), None)


def _reader(given: Input | None) -> Callable[[str], Value]:
    return reader_of(given.type, given.spelling) if given else reader_of("string", Spelling())


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _invalid("", f"the body is not UTF-8 text: byte {error.start} is wrong") from None


def _invalid(pointer: str, detail: str) -> InvalidBody:
    return InvalidBody(f"{pointer or 'The body'}: {detail}", (FieldError(pointer=pointer, detail=detail),))
