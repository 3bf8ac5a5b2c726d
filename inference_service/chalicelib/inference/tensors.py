"""Named tensors of the Open Inference Protocol and our records: one record per element of the first axis."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from chalicelib.inference.inputs import Input

from shared.errors import FieldError, InvalidBody

Datatype = Literal[
    "BOOL",
    "UINT8",
    "UINT16",
    "UINT32",
    "UINT64",
    "INT8",
    "INT16",
    "INT32",
    "INT64",
    "FP16",
    "FP32",
    "FP64",
    "BYTES",
]
# Times, dates and files are texts, as in our own JSON.
_DATATYPES: dict[str, Datatype] = {"integer": "INT64", "number": "FP64", "boolean": "BOOL"}


class Tensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One input or output: *n* values, its data flat or nested. A member of an object is named ``series.shop``."""

    name: str
    shape: tuple[int, ...]
    datatype: Datatype
    parameters: dict[str, Any] = {}
    data: list[Any]


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Columns and rows; None is a cell without a value."""

    columns: list[str]
    rows: list[list[Any]]


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What a tensor of a model is called and holds; one axis of any length."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...] = (-1,)
    parameters: dict[str, Any] = {}


def rows_of(tensors: Sequence[Tensor], inputs: Mapping[str, Input]) -> list[dict[str, Any]]:
    """Return the records that *tensors* hold; an input without a tensor is missing in all of them.

    Raises
    ------
    InvalidBody
        A tensor is no column, or they differ in length; all such places are named.
    """
    faults = tuple(_faults(tensors))
    if faults:
        raise InvalidBody(f"{faults[0].pointer}: {faults[0].detail}", faults)
    columns = {tensor.name: _flat(tensor.data) for tensor in tensors}
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    objects = tuple(given for given in inputs.values() if given.type == "object")
    return [nest(row, objects) for row in rows] if objects else rows


def nest(row: Mapping[str, Any], objects: Sequence[Input]) -> dict[str, Any]:
    """Return *row* with its members such as ``series.shop`` gathered in the object that owns them."""
    nested = dict(row)
    for given in objects:
        prefix = f"{given.name}."
        members = {name: nested.pop(name) for name in row if name.startswith(prefix)}
        if members:
            nested[given.name] = {name.removeprefix(prefix): value for name, value in members.items()}
    return nested


def at_tensors(error: InvalidBody, tensors: Sequence[Tensor]) -> InvalidBody:
    """Return *error* with pointers into the tensors instead of the records made of them."""
    places = {tensor.name: place for place, tensor in enumerate(tensors)}
    moved = tuple(
        FieldError(pointer=_at_tensor(fault.pointer, places), detail=fault.detail) for fault in error.errors
    )
    if not moved:
        return error
    _, _, said = str(error).partition(": ")
    return InvalidBody(f"{moved[0].pointer or 'The body'}: {said or str(error)}", moved)


def tensors_of(table: Table) -> list[Tensor]:
    """Return each column of *table* as a tensor of one axis."""
    cells = zip(*table.rows, strict=True)
    return [
        Tensor(name=name, shape=(len(values),), datatype=_datatype_of(values), data=list(values))
        for name, values in zip(table.columns, cells, strict=True)
    ]


def describe_inputs(inputs: Sequence[Input], prefix: str = "") -> Iterator[Described]:
    """Yield the tensors that a model takes."""
    for given in inputs:
        if given.type == "object":
            yield from describe_inputs(given.fields, f"{prefix}{given.name}.")
            continue
        datatype = _DATATYPES.get(given.type, "BYTES")
        about: dict[str, Any] = {"type": given.type, "required": given.required}
        yield Described(name=prefix + given.name, datatype=datatype, parameters=about)


def describe_outputs(signature: Mapping[str, Any]) -> list[Described]:
    """Return the tensors that a model with this ``signature.json`` answers."""
    names: dict[str, Datatype] = {"id": "BYTES"}
    classes = signature.get("classes")
    if signature.get("task") == "forecasting":
        names |= {"time": "BYTES", "value": "FP64", "low": "FP64", "high": "FP64"}
    elif signature.get("task") == "recommendation":
        names |= {"rank": "INT64", "item": "BYTES", "score": "FP64"}
    elif classes:
        names |= {"value": _datatype_of(classes)}
        names |= {f"score_{_label(label)}": "FP64" for label in sorted(classes, key=_label)}
    else:
        names |= {"value": "FP64"}
    return [Described(name=name, datatype=datatype) for name, datatype in names.items()]


def _faults(tensors: Sequence[Tensor]) -> Iterator[FieldError]:
    seen: set[str] = set()
    for place, tensor in enumerate(tensors):
        pointer = f"/inputs/{place}"
        if tensor.name in seen:
            yield FieldError(pointer=f"{pointer}/name", detail=f"{tensor.name[:40]!r} is named twice")
        seen.add(tensor.name)
        if len(tensor.shape) not in {1, 2} or tensor.shape[1:] not in {(), (1,)}:
            yield FieldError(pointer=f"{pointer}/shape", detail="must be [n] or [n, 1], a value a record")
        elif len(_flat(tensor.data)) != math.prod(tensor.shape):
            detail = f"has {len(_flat(tensor.data))} values, the shape {math.prod(tensor.shape)}"
            yield FieldError(pointer=f"{pointer}/data", detail=detail)
        elif tensors[0].shape and tensor.shape[0] != tensors[0].shape[0]:
            detail = f"has {tensor.shape[0]} records, the first input {tensors[0].shape[0]}"
            yield FieldError(pointer=f"{pointer}/shape", detail=detail)


def _flat(data: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a flat list, or of a list of lists; deeper ones are no columns and stay values."""
    if not any(isinstance(value, list) for value in data):
        return data
    return [value for part in data for value in (part if isinstance(part, list) else [part])]


def _at_tensor(pointer: str, places: Mapping[str, int]) -> str:
    """Return ``/inputs/2/data/5`` for ``/records/5/delay``, ``/inputs`` where no tensor has the name."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    if steps[:1] != ["records"]:
        return pointer
    place = places.get(".".join(steps[2:]))
    return "/inputs" if place is None else f"/inputs/{place}/data/{steps[1]}"


def _datatype_of(values: Sequence[Any]) -> Datatype:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return "BOOL"
    if kinds == {int}:
        return "INT64"
    return "FP64" if kinds and kinds <= {int, float} else "BYTES"


def _label(label: object) -> str:
    return str(label).lower() if isinstance(label, bool) else str(label)
