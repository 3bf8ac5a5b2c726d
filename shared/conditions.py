"""What a row must be for a write to happen, as data.

A condition renders itself as a DynamoDB expression and also judges a row in memory, so the tests'
in-memory table and DynamoDB obey one definition.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec


class Names:
    """Collect placeholders for one DynamoDB request (reserved words make them necessary)."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: dict[str, Any] = {}

    def name(self, attribute: str) -> str:
        """Return the placeholder of *attribute*."""
        # Named after the attribute, so that parts of one request that speak of it share the placeholder.
        token = f"#{attribute}"
        self.names[token] = attribute
        return token

    def value(self, value: object) -> str:
        """Return a fresh placeholder for *value*."""
        token = f":v{len(self.values)}"
        self.values[token] = value
        return token


class Condition(Protocol):
    """What must hold of the row a write meets; an absent row is an empty mapping."""

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Judge *row* in memory."""

    def render(self, names: Names) -> str:
        """Return the DynamoDB condition expression."""


class Is(msgspec.Struct, frozen=True):
    """The attribute has one of the values."""

    attribute: str
    values: tuple[Any, ...]

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Judge *row* in memory."""
        return self.attribute in row and row[self.attribute] in self.values

    def render(self, names: Names) -> str:
        """Return the DynamoDB condition expression."""
        options = ", ".join(names.value(value) for value in self.values)
        return f"{names.name(self.attribute)} IN ({options})"


class Absent(msgspec.Struct, frozen=True):
    """The attribute is not there; of a key attribute: the row is not there."""

    attribute: str

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Judge *row* in memory."""
        return self.attribute not in row

    def render(self, names: Names) -> str:
        """Return the DynamoDB condition expression."""
        return f"attribute_not_exists({names.name(self.attribute)})"


class Present(msgspec.Struct, frozen=True):
    """The attribute is there."""

    attribute: str

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Judge *row* in memory."""
        return self.attribute in row

    def render(self, names: Names) -> str:
        """Return the DynamoDB condition expression."""
        return f"attribute_exists({names.name(self.attribute)})"


class AtMost(msgspec.Struct, frozen=True):
    """The attribute is there and not greater than the value (texts of times sort as times do)."""

    attribute: str
    value: Any

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Judge *row* in memory."""
        # DynamoDB too takes a comparison with an absent attribute for false, not for an error.
        return self.attribute in row and bool(row[self.attribute] <= self.value)

    def render(self, names: Names) -> str:
        """Return the DynamoDB condition expression."""
        return f"{names.name(self.attribute)} <= {names.value(self.value)}"


class AllOf(msgspec.Struct, frozen=True):
    """Every part holds."""

    parts: tuple[Any, ...]

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Judge *row* in memory."""
        return all(part.holds(row) for part in self.parts)

    def render(self, names: Names) -> str:
        """Return the DynamoDB condition expression."""
        return "(" + " AND ".join(part.render(names) for part in self.parts) + ")"


class AnyOf(msgspec.Struct, frozen=True):
    """At least one part holds."""

    parts: tuple[Any, ...]

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Judge *row* in memory."""
        return any(part.holds(row) for part in self.parts)

    def render(self, names: Names) -> str:
        """Return the DynamoDB condition expression."""
        return "(" + " OR ".join(part.render(names) for part in self.parts) + ")"


def having(attribute: str, *values: object) -> Is:
    """Require that *attribute* has one of *values*."""
    return Is(attribute, values)


def all_of(*parts: Condition) -> AllOf:
    """Require every one of *parts*."""
    return AllOf(parts)


def any_of(*parts: Condition) -> AnyOf:
    """Require at least one of *parts*."""
    return AnyOf(parts)
