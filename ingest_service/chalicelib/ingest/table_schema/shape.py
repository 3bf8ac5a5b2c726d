"""What a declared schema must be as a JSON document: its keys, its names and what refers to them."""

import difflib
from collections.abc import Collection, Iterator
from typing import Any

from chalicelib.ingest.table_schema.model import MAX_FIELDS, MAX_LISTED

Wrong = tuple[str, str]  # JSON pointer below the schema, and what is wrong there
Plain = dict[str, Any]

_SCHEMA_KEYS = ("fields", "missingValues", "primaryKey", "foreignKeys", "lists")
_FIELD_KEYS = (
    *("name", "type", "format", "constraints", "missingValues", "title", "description"),
    *("trueValues", "falseValues", "decimalChar", "groupChar"),
    *("categories", "identifier", "note", "observed"),
)
_CONSTRAINT_KEYS = (
    *("required", "unique", "enum", "minimum", "maximum"),
    *("pattern", "minLength", "maxLength"),
)
_TYPES = ("integer", "number", "boolean", "date", "datetime", "string")
_MAX_NAME = 128  # as in a file's header


def wrong_shape(document: Any) -> Iterator[Wrong]:
    """Yield every place of *document* that no schema has."""
    if not isinstance(document, dict):
        yield "", "must be an object with 'fields'"
        return
    yield from _unknown_keys(document, _SCHEMA_KEYS, "")
    fields = document.get("fields")
    if not isinstance(fields, list) or not 1 <= len(fields) <= MAX_FIELDS:
        yield "/fields", f"must list 1 to {MAX_FIELDS} columns"
        return
    for place, field in enumerate(fields):
        yield from _wrong_field(field, f"/fields/{place}")
    names = [field.get("name") for field in fields if isinstance(field, dict)]
    yield from _repeated_names(names)
    yield from _wrong_primary_key(document.get("primaryKey", names[:1]), names)
    yield from _wrong_foreign_keys(document, names)
    for name, values in _lists(document).items():
        yield from _wrong_list(values, f"/lists/{_escape(name)}")


def _wrong_field(field: Any, at: str) -> Iterator[Wrong]:
    if not isinstance(field, dict):
        yield at, "must be an object with 'name' and 'type'"
        return
    yield from _unknown_keys(field, _FIELD_KEYS, at)
    name, kind = field.get("name"), field.get("type")
    if not isinstance(name, str) or not 1 <= len(name) <= _MAX_NAME:
        yield f"{at}/name", f"must be a text of 1 to {_MAX_NAME} characters"
    if kind not in _TYPES:
        yield f"{at}/type", f"{kind!r} is none of the types {', '.join(_TYPES)}{_meant(kind, _TYPES)}"
    yield from _wrong_constraints(field.get("constraints", {}), f"{at}/constraints")


def _wrong_constraints(constraints: Any, at: str) -> Iterator[Wrong]:
    if not isinstance(constraints, dict):
        yield at, "must be an object"
        return
    yield from _unknown_keys(constraints, _CONSTRAINT_KEYS, at)
    if "enum" in constraints:
        yield from _wrong_list(constraints["enum"], f"{at}/enum")


def _repeated_names(names: list[Any]) -> Iterator[Wrong]:
    seen: set[str] = set()
    for place, name in enumerate(names):
        folded = name.casefold() if isinstance(name, str) else ""
        if folded and folded in seen:
            yield f"/fields/{place}/name", f"{name!r} is there already (upper and lower case count as equal)"
        seen.add(folded)


def _wrong_primary_key(key: Any, names: list[Any]) -> Iterator[Wrong]:
    if not isinstance(key, list) or (names and not key):
        yield "/primaryKey", "must name one or more columns"
        return
    for place, name in enumerate(key):
        if name not in names:
            yield f"/primaryKey/{place}", f"{name!r} is no column{_meant(name, names)}"


def _wrong_foreign_keys(document: Plain, names: list[Any]) -> Iterator[Wrong]:
    keys = document.get("foreignKeys", [])
    if not isinstance(keys, list):
        yield "/foreignKeys", "must be a list"
        return
    for place, key in enumerate(keys):
        yield from _wrong_foreign_key(key, f"/foreignKeys/{place}", names, list(_lists(document)))


def _wrong_foreign_key(key: Any, at: str, names: list[Any], lists: list[str]) -> Iterator[Wrong]:
    if not isinstance(key, dict) or not isinstance(key.get("reference"), dict):
        yield at, "must be an object with 'fields' and 'reference'"
        return
    fields, resource = key.get("fields"), key["reference"].get("resource")
    if not isinstance(fields, list) or len(fields) != 1 or fields[0] not in names:
        yield f"{at}/fields", f"must name one column of the schema, not {fields!r}"
    if resource not in lists:
        yield f"{at}/reference/resource", f"{resource!r} is no name in 'lists'{_meant(resource, lists)}"


def _wrong_list(values: Any, at: str) -> Iterator[Wrong]:
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_LISTED:
        yield at, f"must list 1 to {MAX_LISTED} values"
    elif not all(isinstance(value, str | int | float) for value in values):
        yield at, "must list texts, numbers or truth values only"


def _unknown_keys(found: Plain, known: Collection[str], at: str) -> Iterator[Wrong]:
    for key in found:
        if key not in known:
            yield f"{at}/{_escape(key)}", f"unknown key {key!r}{_meant(key, known)}"


def _meant(word: Any, known: Collection[Any]) -> str:
    close = difflib.get_close_matches(str(word), [name for name in known if isinstance(name, str)], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _lists(document: Plain) -> Plain:
    # What is no object is told by the struct: msgspec names the type that it found.
    lists = document.get("lists")
    return lists if isinstance(lists, dict) else {}


def _escape(key: Any) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
