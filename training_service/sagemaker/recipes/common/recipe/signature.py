"""What a model takes and gives, as `signature.json` says it beside the model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .columns import Column, Columns, is_missing
from .failure import ModelRefusedError
from .labels import Label
from .parameters import Field, Parameters

FORMAT = 1
CONTENT_TYPES = ("application/json", "text/csv")
MAX_CATEGORIES_SHOWN = 100


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input; `required` means it was never null in training (a missing value is still answered).

    `spelling` is how the training data's files spell it, by the names that Frictionless has for that. An input
    of type object has `fields` of its own, one of type array the one that describes its members; a number may have
    bounds, both inclusive, and an array a maximum of members.
    """

    name: str
    type: str
    required: bool
    categories: tuple[str, ...] | None = None
    spelling: dict[str, Any] = field(default_factory=dict)
    fields: tuple["Input", ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    def to_document(self) -> dict[str, Any]:
        """Return the input as `signature.json` has it; what only some inputs have is left out of the others."""
        document = {
            name: getattr(self, name) for name in ("name", "type", "required", "categories", "spelling")
        }
        bounds = {name: getattr(self, name) for name in ("minimum", "maximum")}
        document |= {name: bound for name, bound in bounds.items() if bound is not None}
        return document | ({"fields": [f.to_document() for f in self.fields]} if self.fields else {})

    @property
    def missing(self) -> frozenset[str]:
        """Texts that mean "no value", beside the empty one."""
        return frozenset(self.spelling.get("missingValues", ()))


@dataclass(frozen=True, kw_only=True)
class Signature:
    """Inputs in the order the model's matrix is built from, and the classes in the order of its scores."""

    task: str
    target: Field
    inputs: tuple[Input, ...]
    classes: tuple[Label, ...] | None = None

    @property
    def fields(self) -> tuple[Field, ...]:
        """The inputs as fields of a schema."""
        return tuple(Field(name=i.name, type=i.type) for i in self.inputs)

    def to_document(self) -> dict[str, Any]:
        """Return what `signature.json` holds."""
        return {
            "format": FORMAT,
            "task": self.task,
            "target": {"name": self.target.name, "type": self.target.type},
            "inputs": [i.to_document() for i in self.inputs],
            "classes": list(self.classes) if self.classes else None,
            "content_types": list(CONTENT_TYPES),
        }


def make_signature(
    parameters: Parameters,
    train: Columns,
    seen: Mapping[str, Sequence[str]],
    classes: tuple[Label, ...] | None,
) -> Signature:
    """Describe the inputs by what training saw; `seen` holds the known categories of string fields."""
    inputs = tuple(_describe(f, train[f.name], seen.get(f.name)) for f in parameters.features)
    target = parameters.target_field
    return Signature(
        task=parameters.task, target=Field(name=target.name, type=target.type), inputs=inputs, classes=classes
    )


def _describe(column: Field, values: Column, seen: Sequence[str] | None) -> Input:
    known = column.categories or tuple(seen or ())
    shown = known if known and len(known) <= MAX_CATEGORIES_SHOWN and column.type == "string" else None
    # Where no training row lacked it, the model never learned what its absence means.
    required = not bool(np.any(is_missing(values)))
    return Input(
        name=column.name, type=column.type, required=required, categories=shown, spelling=column.spelling
    )


def parse_signature(content: bytes) -> Signature:
    """Read `signature.json`; raise `ModelRefusedError` when it is not one."""
    try:
        document = json.loads(content)
        inputs = tuple(_parse_input(i) for i in document["inputs"])
        classes = _tuple(document["classes"])
        target = Field(name=document["target"]["name"], type=document["target"]["type"])
        return Signature(task=document["task"], target=target, inputs=inputs, classes=classes)
    except (ValueError, KeyError, TypeError) as error:
        raise ModelRefusedError(f"signature.json cannot be read: {error!r}") from error


def _parse_input(document: Mapping[str, Any]) -> Input:
    return Input(
        name=document["name"],
        type=document["type"],
        required=bool(document["required"]),
        categories=_tuple(document["categories"]),
        spelling=document.get("spelling") or {},
        fields=tuple(_parse_input(f) for f in document.get("fields") or ()),
        minimum=document.get("minimum"),
        maximum=document.get("maximum"),
    )


def _tuple(values: list[Any] | None) -> tuple[Any, ...] | None:
    return tuple(values) if values else None
