"""Records of a prediction request, checked against the inputs of the model that will answer.

A validator is compiled once per model version: msgspec decodes and checks a row in a microsecond or two. Only
when that fails are the rows walked again, value by value, so that the caller learns of every wrong place.
"""

import datetime as dt
import difflib
import json
import math
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Annotated, Any, Literal

import msgspec
from chalicelib.inference.spelling import Spelling
from chalicelib.inference.states import Refused

from shared.errors import FieldError, HeadraceError, InvalidBody, PayloadTooLarge
from shared.parsing import MAX_DEPTH, unreadable

MAX_ROWS = 1_000
MAX_ERRORS = 20
_SHOWN = 40  # characters of a wrong value that are repeated to the caller

# Whole numbers may be spelled 5.0, as data frames with gaps do; the model takes them so.
_TYPES: dict[str, tuple[Any, str]] = {
    "integer": (Annotated[float, msgspec.Meta(multiple_of=1)], "a whole number"),
    "number": (float, "a number"),
    "string": (str, "a string"),
    "boolean": (bool, "true or false"),
    "datetime": (dt.datetime, "an RFC 3339 time such as 2013-06-01T09:30:00Z"),
    "date": (dt.date, "a date such as 2013-06-01"),
    # A picture or any other file, of which only the model can say more.
    "binary": (bytes, "base64 text"),
}


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One input of a model, as its ``signature.json`` has it; an object has ``fields``, a number may have bounds."""

    name: str
    type: Literal["integer", "number", "string", "boolean", "datetime", "date", "binary", "object"]
    required: bool = False
    spelling: Spelling = Spelling()
    fields: tuple["Input", ...] = ()
    minimum: float | None = None
    maximum: float | None = None


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """The part of ``signature.json`` that requests are checked against."""

    inputs: tuple[Input, ...]


class Validator:
    """Checks records against one model version's inputs; made before a release, so that each that is live has one."""

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        try:
            signature = msgspec.convert(dict(inputs), Signature)
        except msgspec.ValidationError as error:
            raise Refused(f"signature.json cannot be used: {error}") from error
        self.inputs = {given.name: given for given in signature.inputs}
        self._decoder = msgspec.json.Decoder(list[_row_type(tuple(self.inputs.values()))])  # type: ignore[misc]

    def check(self, records: bytes) -> int:
        """Return how many records the JSON array *records* has.

        Raises
        ------
        InvalidBody
            A field is unknown, missing or of a wrong type; up to 20 places are named.
        PayloadTooLarge
            There are more than 1,000 records.
        """
        try:
            count = len(self._decoder.decode(records))
        except msgspec.ValidationError as error:
            raise self._explain(records, str(error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InvalidBody(f"The records are not JSON: {error}") from None
        except RecursionError:
            raise _too_deep() from None
        _check_count(count)
        return count

    def _explain(self, records: bytes, fallback: str) -> HeadraceError:
        """Walk the records once more and name what is wrong with them."""
        # Untyped this time, and by the reader that holds 1e999 as infinity, so that its field can be named;
        # slow, but only refused requests come here.
        try:
            rows = json.loads(records)
        except RecursionError:
            return _too_deep()
        except ValueError as error:
            return unreadable(msgspec.DecodeError(str(error)), "/records")
        if not isinstance(rows, list):
            wrong = FieldError(pointer="/records", detail="must be a list of objects")
            return InvalidBody("/records must be a list of objects", (wrong,))
        if len(rows) > MAX_ROWS:
            return _too_many(len(rows))
        found = tuple(islice(self._errors(rows), MAX_ERRORS + 1))
        more = f" (the first {MAX_ERRORS} are named)" if len(found) > MAX_ERRORS else ""
        named = found[:MAX_ERRORS] or (FieldError(pointer="/records", detail=fallback),)
        return InvalidBody(f"{named[0].pointer}: {named[0].detail}{more}", named)

    def _errors(self, rows: list[Any]) -> Iterator[FieldError]:
        for place, row in enumerate(rows):
            pointer = f"/records/{place}"
            if not isinstance(row, dict):
                yield FieldError(pointer=pointer, detail="must be an object of field names and values")
                continue
            yield from _errors_of(tuple(self.inputs.values()), row, pointer)


def _errors_of(inputs: tuple[Input, ...], row: Mapping[str, Any], pointer: str) -> Iterator[FieldError]:
    names = [given.name for given in inputs]
    for name in row.keys() - set(names):
        close = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        yield FieldError(pointer=_join(pointer, name), detail=f"is not an input of this model{hint}")
    for given in inputs:
        value = row.get(given.name)
        if given.type == "object" and isinstance(value, dict):
            yield from _errors_of(given.fields, value, _join(pointer, given.name))
        elif wrong := _wrong(given, row):
            yield FieldError(pointer=_join(pointer, given.name), detail=wrong)


def _row_type(inputs: tuple[Input, ...]) -> type[msgspec.Struct]:
    """Return a struct for one record; inputs may have any name, so fields are numbered and renamed."""
    fields: list[Any] = []
    for place, given in enumerate(inputs):
        kind = _kind(given)
        fields.append((f"f{place}", kind) if given.required else (f"f{place}", kind | None, None))
    return msgspec.defstruct(
        "Record",
        fields,
        rename={f"f{place}": given.name for place, given in enumerate(inputs)},
        kw_only=True,
        forbid_unknown_fields=True,
        # A thousand short-lived rows are no work for the garbage collector: they hold no cycles.
        gc=False,
    )


def _kind(given: Input) -> Any:
    if given.type == "object":
        return _row_type(given.fields)
    kind = _TYPES[given.type][0]
    if given.minimum is None and given.maximum is None:
        return kind
    return Annotated[kind, msgspec.Meta(ge=given.minimum, le=given.maximum)]


def _expected(given: Input) -> str:
    if given.type == "object":
        return f"an object with {', '.join(part.name for part in given.fields)}"
    ends = ((" from ", given.minimum), (" to ", given.maximum))
    return _TYPES[given.type][1] + "".join(f"{word}{end:g}" for word, end in ends if end is not None)


def _wrong(given: Input, row: Mapping[str, Any]) -> str | None:
    """Return what is wrong with one field of a row, None where nothing is."""
    expected = _expected(given)
    value = row.get(given.name)
    if value is None:
        return f"is required: {expected}" if given.required else None
    if isinstance(value, float) and not math.isfinite(value):
        return f"is out of range: {expected} is expected"
    try:
        msgspec.convert(value, _kind(given))
    except msgspec.ValidationError:
        text = msgspec.json.encode(value).decode()
        shown = text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
        return f"{shown} is not {expected}"
    return None


def _join(pointer: str, name: str) -> str:
    """Return the RFC 6901 pointer to the member *name*."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def _check_count(count: int) -> None:
    if count > MAX_ROWS:
        raise _too_many(count)
    if count == 0:
        wrong = FieldError(pointer="/records", detail="has no record")
        raise InvalidBody("/records has no record", (wrong,))


def _too_many(count: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"the request has {count} records; the limit is {MAX_ROWS}")


def _too_deep() -> InvalidBody:
    return InvalidBody(f"The body is nested deeper than {MAX_DEPTH} levels.")
