"""The schema of a dataset, as ``schema.json`` has it: a Frictionless Table Schema.

``type``, ``format`` and ``constraints`` are what rows are held against; ``categories`` only tell what was
seen, so a new carrier in a later month is no error.
"""

import hashlib
from collections.abc import Collection
from typing import Any

import msgspec
from chalicelib.ingest.table_schema.types import DEFAULT, EPOCHS, Type

MAX_FIELDS = 1000
MAX_CATEGORIES = 100  # more distinct texts than this are names or free text
MAX_LISTED = 10_000  # values of one enum or list

Scalar = str | bool | int | float


class Constraints(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """What a value must be beyond its type; lengths count characters."""

    required: bool = False
    unique: bool = False
    enum: tuple[Scalar, ...] = ()
    minimum: Scalar | None = None
    maximum: Scalar | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None


class Observed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the good rows of one version hold: no rule, and no part of the schema's identity."""

    minimum: Scalar | None = None
    maximum: Scalar | None = None
    missing: int = 0


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One column.

    ``missing_values`` are texts that mean "no value" here, beyond those of the schema. ``identifier`` marks
    texts or integers that name a row and measure nothing; ``observed`` tells what one version holds; ``note`` says why a column is not what it seems.
    """

    name: str
    type: Type
    format: str = DEFAULT
    constraints: Constraints = Constraints()
    categories: tuple[str, ...] = ()
    missing_values: tuple[str, ...] = ()
    true_values: tuple[str, ...] = ()
    false_values: tuple[str, ...] = ()
    decimal_char: str = "."
    group_char: str = ""
    identifier: bool = False
    title: str = ""
    description: str = ""
    note: str = ""
    observed: Observed | None = None

    @property
    def is_custom(self) -> bool:
        """Say whether cells are read in a way that inference never finds out by itself."""
        has_epoch = self.format in EPOCHS
        numbers = self.decimal_char != "." or bool(self.group_char)
        return has_epoch or numbers or bool(self.true_values or self.false_values)


class Reference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a foreign key leads to: ``resource`` names one of the schema's lists."""

    resource: str
    fields: tuple[str, ...] = ()


class ForeignKey(msgspec.Struct, frozen=True, kw_only=True):
    """A column whose values must be in a list."""

    fields: tuple[str, ...]
    reference: Reference


class TableSchema(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """All columns, in the order of the pipeline's first upload; ``lists`` are ours: allowed values by name."""

    fields: tuple[Field, ...]
    missing_values: tuple[str, ...] = ("",)
    primary_key: tuple[str, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    lists: dict[str, tuple[Scalar, ...]] = {}

    @property
    def types(self) -> dict[str, Type]:
        """Type by column name."""
        return {field.name: field.type for field in self.fields}

    @property
    def has_pictures(self) -> bool:
        """Whether a column holds the bytes of pictures."""
        return any(field.type is Type.BINARY for field in self.fields)

    def plain(self) -> dict[str, Any]:
        """Return the schema as JSON has it."""
        document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        # Written out although it is the default: readers should not have to know Frictionless by heart.
        return {"fields": document.pop("fields"), "missingValues": list(self.missing_values), **document}

    @property
    def sha256(self) -> str:
        """Identity of the schema, whatever was observed."""
        fields = tuple(msgspec.structs.replace(field, observed=None) for field in self.fields)
        bare = msgspec.structs.replace(self, fields=fields)
        return hashlib.sha256(msgspec.json.encode(bare.plain(), order="sorted")).hexdigest()

    def without(self, names: Collection[str]) -> "TableSchema":
        """Return the schema without the columns *names* and what is said of them."""
        return msgspec.structs.replace(
            self,
            fields=tuple(field for field in self.fields if field.name not in names),
            primary_key=() if set(self.primary_key) & set(names) else self.primary_key,
            foreign_keys=tuple(key for key in self.foreign_keys if not set(key.fields) & set(names)),
        )

    def missing_texts(self, name: str) -> tuple[str, ...]:
        """Return the texts that mean "no value" in the column *name*, the empty one aside."""
        own = [text for field in self.fields if field.name == name for text in field.missing_values]
        return tuple(dict.fromkeys(text for text in (*self.missing_values, *own) if text))
