"""The inputs of a model as its ``signature.json`` has them, and the types that records are decoded with."""

import datetime as dt
import functools
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from chalicelib.inference.spelling import Spelling
from chalicelib.inference.states import Refused

MOST_WHOLE = 2**63 - 1
# Whole numbers may be spelled 5.0, as data frames with gaps do; the model takes them so.
_SPELLED_AS_FLOAT = Annotated[float, msgspec.Meta(multiple_of=1)]
# By far the most are spelled without a point, and as such are read faster; with more than 64 bits no model takes them.
_WHOLE = Annotated[int, msgspec.Meta(ge=-MOST_WHOLE, le=MOST_WHOLE)] | _SPELLED_AS_FLOAT
_TYPES: dict[str, tuple[Any, str]] = {
    "integer": (_WHOLE, "a whole number"),
    "number": (float, "a number"),
    "string": (str, "a string"),
    "boolean": (bool, "true or false"),
    "datetime": (dt.datetime, "an RFC 3339 time such as 2013-06-01T09:30:00Z"),
    "date": (dt.date, "a date such as 2013-06-01"),
    # A picture or any other file, of which only the model can say more.
    "binary": (bytes, "base64 text"),
}


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """One input; an object has ``fields``, a number may have bounds, a text the ``categories`` seen in training.

    An array has in ``fields`` the one input that describes its members; its ``maximum`` counts them.
    """

    name: str
    type: Literal["integer", "number", "string", "boolean", "datetime", "date", "binary", "object", "array"]
    required: bool = False
    categories: tuple[str, ...] | None = None
    spelling: Spelling = Spelling()
    fields: tuple["Input", ...] = ()
    minimum: float | None = None
    maximum: float | None = None


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """The part of ``signature.json`` that requests are checked against."""

    inputs: tuple[Input, ...]


def read_signature(inputs: Mapping[str, Any]) -> Signature:
    """Return the signature of a model row.

    Raises
    ------
    Refused
        It has another shape: such a model cannot be released.
    """
    try:
        return msgspec.convert(dict(inputs), Signature)
    except msgspec.ValidationError as error:
        raise Refused(f"signature.json cannot be used: {error}") from error


def record_type(inputs: tuple[Input, ...], *, only_seen: bool = False) -> type[msgspec.Struct]:
    """Return a struct for one record; with *only_seen* it takes no category that training had not."""
    fields: list[Any] = []
    for place, given in enumerate(inputs):
        kind = kind_of(given, only_seen=only_seen)
        fields.append((f"f{place}", kind) if given.required else (f"f{place}", kind | None, None))
    return msgspec.defstruct(
        "Record",
        fields,
        # Inputs may have any name, so fields are numbered and renamed.
        rename={f"f{place}": given.name for place, given in enumerate(inputs)},
        kw_only=True,
        forbid_unknown_fields=True,
        # A thousand short-lived rows are no work for the garbage collector: they hold no cycles.
        gc=False,
    )


# The walk over a refused request asks for the same few inputs again and again.
@functools.lru_cache(maxsize=1024)
def kind_of(given: Input, *, only_seen: bool = False) -> Any:
    """Return the type that a value of the input is decoded with."""
    if given.type == "object":
        return record_type(given.fields, only_seen=only_seen)
    if given.type == "array":
        most = None if given.maximum is None else int(given.maximum)
        return Annotated[list[kind_of(given.fields[0])], msgspec.Meta(max_length=most)]  # type: ignore[misc]
    if only_seen and given.type == "string" and given.categories:
        return Literal[given.categories]
    return _bounded(_TYPES[given.type][0], given)


def _bounded(kind: Any, given: Input) -> Any:
    if given.minimum is None and given.maximum is None:
        return kind
    # msgspec puts bounds on one type of number, not on two.
    kind = _SPELLED_AS_FLOAT if given.type == "integer" else kind
    return Annotated[kind, msgspec.Meta(ge=given.minimum, le=given.maximum)]


def expected(given: Input) -> str:
    """Return what the input takes, in words."""
    if given.type == "object":
        return f"an object with {', '.join(part.name for part in given.fields)}"
    if given.type == "array":
        most = "" if given.maximum is None else f" of at most {given.maximum:g}"
        return f"a list{most}, each {expected(given.fields[0])}"
    ends = ((" from ", given.minimum), (" to ", given.maximum))
    return _TYPES[given.type][1] + "".join(f"{word}{end:g}" for word, end in ends if end is not None)
