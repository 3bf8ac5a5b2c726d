"""Read a prediction request strictly: every refusal names the record and the field."""

import base64
import csv
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from typing import Any

import numpy as np

from .columns import Column, Columns
from .signature import Input
from .times import parse_time

JSON, CSV = "application/json", "text/csv"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
CSV_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
type Records = Sequence[dict[str, Any]]


class RequestError(Exception):
    """The request cannot be answered; carries the HTTP status and a sentence for the caller."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def parse_request(body: bytes | str, content_type: str, inputs: Sequence[Input]) -> Columns:
    """Return the columns the model takes; fields it does not know are ignored, missing ones stay missing.

    Raises
    ------
    RequestError
        415 for another content type; 400 for a body that cannot be read, no records, a record without any
        of the model's fields, or a value of the wrong type.
    """
    records = read_records(body, content_type, {taken.name: taken.type for taken in inputs})
    check_known(records, {taken.name for taken in inputs})
    return {taken.name: read_column(records, taken) for taken in inputs}


def read_records(body: bytes | str, content_type: str, types: Mapping[str, str]) -> Records:
    """Return the records of a JSON or CSV body, one or more; cells of a CSV become numbers by `types`."""
    kind = (content_type or JSON).partition(";")[0].strip().lower()
    if kind not in (JSON, CSV):
        # NPY and pickle end here too: reading either can run what a stranger wrote.
        raise RequestError(415, f"The content type '{kind[:80]}' is not known; send {JSON} or {CSV}.")
    records = _json_records(body) if kind == JSON else _csv_records(_text(body), types)
    if not records:
        raise RequestError(400, "The request has no records.")
    return records


def check_known(records: Records, names: Set[str]) -> None:
    """Refuse a record with none of the model's fields.

    Raises
    ------
    RequestError
        400, naming the record.
    """
    # All fields may be missing, but a record with none of them is a misspelt or a misdirected one.
    for position, record in enumerate(records):
        if names.isdisjoint(record):
            known = ", ".join(sorted(names))
            raise RequestError(400, f"Record {position} has none of the model's fields: {known}.")


def _text(body: bytes | str) -> str:
    try:
        return body if isinstance(body, str) else body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(400, f"The body is not UTF-8 text: byte {error.start} is wrong.") from error


def _json_records(body: bytes | str) -> Records:
    try:
        document = json.loads(_text(body), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise RequestError(400, "The JSON is nested too deeply.") from error
    except ValueError as error:
        raise RequestError(400, f"The body is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise RequestError(400, 'The body must be an object such as {"records": [{…}]}.')
    records = (
        _split_records(document["dataframe_split"]) if "dataframe_split" in document else _listed(document)
    )
    for position, record in enumerate(records):
        if not isinstance(record, dict):
            raise RequestError(400, f"Record {position} is not an object of field names and values.")
    return records


def _listed(document: dict[str, Any]) -> Records:
    # `instances` and `inputs` as MLflow's scoring server has them.
    named = next((name for name in ("records", "instances", "inputs") if name in document), "")
    records = document.get(named)
    if not isinstance(records, list):
        raise RequestError(
            400, "The body needs a list 'records', 'instances' or 'inputs', or an object 'dataframe_split'."
        )
    return records


def _split_records(split: Any) -> Records:
    columns, rows = (split.get("columns"), split.get("data")) if isinstance(split, dict) else (None, None)
    if not isinstance(columns, list) or not isinstance(rows, list):
        raise RequestError(400, "'dataframe_split' needs the lists 'columns' and 'data'.")
    if not all(isinstance(name, str) for name in columns):
        raise RequestError(400, "'dataframe_split' has a column whose name is not a string.")
    if not all(isinstance(row, list) for row in rows):
        raise RequestError(400, "'dataframe_split' has a row that is not a list.")
    return _zip_rows(columns, rows)


def _zip_rows(names: list[str], rows: list[list[Any]]) -> Records:
    if len(set(names)) != len(names):
        raise RequestError(400, "A column is named twice.")
    for position, row in enumerate(rows):
        if len(row) != len(names):
            raise RequestError(400, f"Record {position} has {len(row)} values for {len(names)} columns.")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _csv_records(text: str, types: Mapping[str, str]) -> Records:
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(rows, [])
        lines = [row for row in rows if row]
    except csv.Error as error:
        raise RequestError(400, f"The CSV cannot be read near line {rows.line_num}: {error}.") from error
    records = _zip_rows(header, lines)
    return [{name: _from_csv(value, types.get(name)) for name, value in record.items()} for record in records]


def _from_csv(text: str, kind: str | None) -> Any:
    if text == "":
        return None
    if kind in ("integer", "number") and NUMBER.fullmatch(text):
        return float(text)
    # What is not a number or a boolean stays text, and is refused by its type with a name.
    return CSV_BOOLEANS.get(text.lower(), text) if kind == "boolean" else text


def read_column(records: Records, taken: Input) -> Column:
    """Return one input of every record, missing where it is not there; raise `RequestError` for a wrong type."""
    convert, expected = _converter(taken)
    missing, dtype = EMPTY.get(taken.type, (math.nan, np.float64))
    values = []
    for position, record in enumerate(records):
        value = record.get(taken.name)
        # In training such a text was no value, so here it is none either.
        if taken.missing and isinstance(value, str) and value in taken.missing:
            value = None
        try:
            values.append(missing if value is None else convert(value))
        except (TypeError, ValueError, OverflowError) as error:
            shown = json.dumps(value, default=str)[:60]
            raise RequestError(
                400, f"Record {position}, field '{taken.name}': {shown} is not {expected}."
            ) from error
    # One by one: numpy would make a matrix of lists that happen to be of equal length.
    return np.fromiter(values, dtype, len(values)) if dtype is object else np.array(values, dtype=dtype)


def _converter(taken: Input) -> tuple[Callable[[Any], Any], str]:
    if taken.type != "array":
        return CONVERTERS[taken.type]
    convert, expected = CONVERTERS[taken.fields[0].type]
    most = taken.maximum or math.inf

    def each(values: Any) -> tuple[Any, ...]:
        """Convert every member."""
        if not isinstance(values, list) or len(values) > most:
            raise TypeError
        return tuple(convert(value) for value in values)

    return each, f"a list of at most {most:g}, each {expected}"


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise TypeError
    return float(value)


def _integer(value: Any) -> float:
    number = _number(value)
    if not number.is_integer():
        raise ValueError
    return number


def _boolean(value: Any) -> float:
    if not isinstance(value, bool):
        raise TypeError
    return float(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _binary(value: Any) -> bytes:
    # Strictly: what is no base64 would otherwise be skipped, and another picture answered.
    return base64.b64decode(_string(value), validate=True)


CONVERTERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "integer": (_integer, "a whole number"),
    "number": (_number, "a finite number"),
    "boolean": (_boolean, "true or false"),
    "string": (_string, "a string"),
    "datetime": (parse_time, "an RFC 3339 time such as 2013-06-01T09:30:00Z"),
    "date": (parse_time, "a date such as 2013-06-01"),
    "binary": (_binary, "base64 text"),
}
EMPTY: dict[str, tuple[Any, Any]] = {
    "string": (None, object),
    "binary": (None, object),
    "array": (None, object),
    "datetime": (np.datetime64("NaT", "us"), "datetime64[us]"),
    "date": (np.datetime64("NaT", "us"), "datetime64[us]"),
}
