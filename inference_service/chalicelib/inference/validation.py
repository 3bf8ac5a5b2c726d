"""Records of a prediction request, checked against the inputs of the model that will answer.

A validator is compiled once per model version: msgspec decodes and checks a row in a microsecond or two. Only
when that fails are the rows looked at again, one by one, so that the caller learns of every wrong place.
"""

import functools
from collections.abc import Buffer, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from chalicelib.inference.faults import Fault, Faults, collect, faults_of, refusal
from chalicelib.inference.inputs import read_signature, record_type

from shared.errors import FieldError, InvalidBody, PayloadTooLarge
from shared.parsing import too_deep

MAX_ROWS = 1_000
MAX_NAMED_IN_ROW = 10
_RAWS = msgspec.json.Decoder(list[msgspec.Raw])

# One record as it was sent, or why it is none.
Row = msgspec.Raw | FieldError


class Sifted(msgspec.Struct, frozen=True, kw_only=True):
    """The records that fit, with their places in the request, and what is wrong with the others by place."""

    good: list[msgspec.Raw]
    places: list[int]
    faults: dict[int, Faults]


class Validator:
    """Checks records against one model version's inputs; made before a release, so that each that is live has one."""

    def __init__(self, signature: Mapping[str, Any]) -> None:
        self._given = read_signature(signature).inputs
        self.inputs = {given.name: given for given in self._given}
        self._lists: msgspec.json.Decoder[Any] = msgspec.json.Decoder(list[record_type(self._given)])  # type: ignore[misc]

    def check(self, records: Buffer, *, only_seen: bool = False) -> int:
        """Return how many records the JSON array *records* has.

        Raises
        ------
        InvalidBody
            A field is unknown, missing or of a wrong type, or, with *only_seen*, a category is new; up to 100
            places are named.
        PayloadTooLarge
            There are more than 1,000 records.
        """
        try:
            count = len((self._lists_of_seen if only_seen else self._lists).decode(records))
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise self.refuse(split(records), only_seen=only_seen, otherwise=str(error)) from None
        check_count(count)
        return count

    def refuse(self, rows: Sequence[Row], *, only_seen: bool = False, otherwise: str = "") -> InvalidBody:
        """Return the answer to a request whose *rows* do not all fit."""
        check_count(len(rows))
        found = (fault for place, row in enumerate(rows) for fault in self._faults(place, row, only_seen))
        faults = collect(found)
        if not faults.named:
            # msgspec refuses what the walk finds good: better told in msgspec's words than not at all.
            faults = Faults(named=(FieldError(pointer="/records", detail=otherwise),))
        return refusal(faults)

    def sift(self, rows: Sequence[Row], *, only_seen: bool = False) -> Sifted:
        """Tell the rows that fit from those that do not."""
        check_count(len(rows))
        sifted = Sifted(good=[], places=[], faults={})
        for place, row in enumerate(rows):
            faults = collect(self._faults(place, row, only_seen), MAX_NAMED_IN_ROW)
            if faults.named:
                sifted.faults[place] = faults
            elif isinstance(row, msgspec.Raw):
                sifted.good.append(row)
                sifted.places.append(place)
        return sifted

    def _faults(self, place: int, row: Row, only_seen: bool) -> Iterator[Fault]:
        if isinstance(row, FieldError):
            yield lambda: row
        elif not self._fits(row, only_seen):
            yield from faults_of(self._given, bytes(row), f"/records/{place}", only_seen=only_seen)

    def _fits(self, row: msgspec.Raw, only_seen: bool) -> bool:
        try:
            (self._lists_of_seen if only_seen else self._lists).decode(b"[" + bytes(row) + b"]")
        except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return True

    @functools.cached_property
    def _lists_of_seen(self) -> msgspec.json.Decoder[Any]:
        return msgspec.json.Decoder(list[record_type(self._given, only_seen=True)])  # type: ignore[misc]


def split(records: Buffer) -> list[msgspec.Raw]:
    """Return the elements of a JSON array as they were sent.

    Raises
    ------
    InvalidBody
        It is none.
    """
    try:
        return _RAWS.decode(records)
    except msgspec.ValidationError:
        wrong = FieldError(pointer="/records", detail="must be a list of objects")
        raise InvalidBody("/records must be a list of objects", (wrong,)) from None
    except RecursionError:
        raise too_deep() from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidBody(f"The records are not JSON: {error}") from None


def check_count(count: int) -> None:
    """Refuse a request with no record or too many."""
    if count > MAX_ROWS:
        raise PayloadTooLarge(f"the request has {count} records; the limit is {MAX_ROWS}")
    if count == 0:
        wrong = FieldError(pointer="/records", detail="has no record")
        raise InvalidBody("/records has no record", (wrong,))
