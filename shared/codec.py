"""Between our structs, plain rows and DynamoDB items: the one place where floats become Decimal."""

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

Row = dict[str, Any]


def to_row(value: msgspec.Struct) -> Row:
    """Return *value* as a plain row; attributes that are None are left out (DynamoDB indexes skip them)."""
    return {name: item for name, item in msgspec.to_builtins(value).items() if item is not None}


def from_row[T](row: Mapping[str, Any], kind: type[T]) -> T:
    """Return *row* as a *kind*; attributes the struct does not name are ignored."""
    return msgspec.convert(row, kind)


def to_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return *row* in DynamoDB's attribute notation."""
    return {name: to_attribute(value) for name, value in row.items()}


def from_item(item: Mapping[str, Any]) -> Row:
    """Return a DynamoDB item as a plain row: numbers come back as int where they are whole, else float."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def to_attribute(value: object) -> dict[str, Any]:
    """Return one value in DynamoDB's attribute notation.

    Raises
    ------
    ValueError
        For NaN and infinities, which DynamoDB cannot hold.
    """
    match value:
        case None:
            return {"NULL": True}
        # Before int: True is an int too, and would be stored as 1.
        case bool():
            return {"BOOL": value}
        case int() | float() | Decimal():
            return {"N": _number(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": base64.b64encode(value).decode()}
        case Mapping():
            return {"M": to_item(value)}
        case list() | tuple():
            return {"L": [to_attribute(item) for item in value]}
    raise TypeError(f"DynamoDB has no type for {type(value).__name__}")


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """Return the plain value of one attribute."""
    ((kind, value),) = attribute.items()
    match kind:
        case "NULL":
            return None
        case "N":
            # DynamoDB has one number type: whether 3 was written as 3 or as 3.0 is lost there.
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() else float(number)
        # In JSON bytes travel as base64.
        case "B":
            return base64.b64decode(value)
        case "M":
            return from_item(value)
        case "L":
            return [from_attribute(item) for item in value]
    return value


def _number(value: float | Decimal) -> str:
    """Spell a number for DynamoDB; ``repr`` of a float is its shortest exact text (17 of 38 digits)."""
    # Decimal(0.1) would be the binary fraction behind it, with 55 digits: DynamoDB refuses more than 38.
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise ValueError(f"{value} is not a number that DynamoDB can hold")
    return str(number)
