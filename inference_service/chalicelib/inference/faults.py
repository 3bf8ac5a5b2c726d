"""What is wrong with a record that did not fit: every place, in words. Slow; only refused requests come here."""

import difflib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import islice
from typing import Any

import msgspec
from chalicelib.inference.inputs import MOST_WHOLE, Input, expected, kind_of

from shared.errors import FieldError, InvalidBody
from shared.parsing import unreadable

MAX_NAMED = 100  # places named in one answer
MAX_COUNTED = 10_000
_MOST_DIGITS = 308
_SHOWN = 40  # characters of a wrong value, and values of a list, that are repeated to the caller

# A place is put into words only when it will be told: a hostile body has a hundred thousand of them.
Fault = Callable[[], FieldError]


class Faults(msgspec.Struct, frozen=True, kw_only=True):
    """The first wrong places, and how many more there are."""

    named: tuple[FieldError, ...]
    more: int = 0


def collect(found: Iterable[Fault], limit: int = MAX_NAMED) -> Faults:
    """Name the first *limit* faults and count the rest."""
    left = iter(found)
    named = tuple(tell() for tell in islice(left, limit))
    return Faults(named=named, more=sum(1 for _ in islice(left, MAX_COUNTED)))


def refusal(faults: Faults) -> InvalidBody:
    """Return the answer to a request with *faults*."""
    first, *others = faults.named
    count = len(others) + faults.more
    more = f" (and {count} more; `errors` names {len(faults.named)})" if count else ""
    return InvalidBody(f"{first.pointer or 'The body'}: {first.detail}{more}", faults.named)


def faults_of(inputs: tuple[Input, ...], raw: bytes, pointer: str, *, only_seen: bool) -> Iterator[Fault]:
    """Yield what is wrong with one record, *raw* JSON that stands at *pointer*."""
    # By the reader that holds 1e999 as infinity, so that its field can be named.
    try:
        record = json.loads(raw, parse_int=_whole)
    except RecursionError:
        yield partial(FieldError, pointer=pointer, detail="is nested too deeply")
        return
    except ValueError as error:
        yield partial(_unreadable, pointer, str(error))
        return
    if not isinstance(record, dict):
        yield partial(FieldError, pointer=pointer, detail="must be an object of field names and values")
        return
    yield from _of_object(inputs, record, pointer, only_seen)


def _of_object(
    inputs: tuple[Input, ...], row: Mapping[str, Any], pointer: str, only_seen: bool
) -> Iterator[Fault]:
    names = {given.name for given in inputs}
    for name in row:
        if name not in names:
            yield partial(_unknown, join(pointer, name), name, names)
    for given in inputs:
        value, place = row.get(given.name), join(pointer, given.name)
        if given.type == "object" and isinstance(value, dict):
            yield from _of_object(given.fields, value, place, only_seen)
        elif not _fits(given, value, only_seen):
            yield partial(_wrong, place, given, value)


def _whole(digits: str) -> int | float:
    # Python reads no more than 4,300 digits, and a float has no more than these.
    return int(digits) if len(digits) <= _MOST_DIGITS else math.inf


def _fits(given: Input, value: object, only_seen: bool) -> bool:
    if value is None:
        return not given.required
    if isinstance(value, float) and not math.isfinite(value):
        return False
    try:
        msgspec.convert(value, kind_of(given, only_seen=only_seen))
    except msgspec.ValidationError:
        return False
    return True


def _unreadable(pointer: str, reason: str) -> FieldError:
    return unreadable(msgspec.DecodeError(reason), pointer).errors[0]


def _unknown(pointer: str, name: str, names: Iterable[str]) -> FieldError:
    close = difflib.get_close_matches(name[:_SHOWN], names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return FieldError(pointer=pointer, detail=f"is not an input of this model{hint}")


def _wrong(pointer: str, given: Input, value: object) -> FieldError:
    wanted = expected(given)
    if value is None:
        return FieldError(pointer=pointer, detail=f"is required: {wanted}")
    if _is_beyond(value):
        return FieldError(pointer=pointer, detail=f"is out of range: {wanted} is expected")
    if isinstance(value, str) and given.type == "string" and given.categories:
        seen = ", ".join(given.categories[:_SHOWN])
        more = f" and {len(given.categories) - _SHOWN} more" if len(given.categories) > _SHOWN else ""
        return FieldError(pointer=pointer, detail=f"{_shown(value)} was not seen in training: {seen}{more}")
    return FieldError(pointer=pointer, detail=f"{_shown(value)} is not {wanted}")


def _is_beyond(value: object) -> bool:
    """Say whether a number is larger than what a model takes."""
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and abs(value) > MOST_WHOLE


def _shown(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def join(pointer: str, name: str) -> str:
    """Return the RFC 6901 pointer to the member *name*."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
