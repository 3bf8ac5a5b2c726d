"""A schema as a user writes it, read strictly: every problem at once, each with its place."""

import difflib
from collections.abc import Collection
from typing import Any

import msgspec
from chalicelib.ingest.table_schema.allowing import wrong_constraints, wrong_lists, wrong_reading
from chalicelib.ingest.table_schema.model import MAX_FIELDS, MAX_LISTED, TableSchema

from shared.errors import FieldError, InvalidBody

_SCHEMA_KEYS = (
    "fields",
    "missingValues",
    "primaryKey",
    "foreignKeys",
    "lists",
    "$schema",
    "title",
    "description",
)
_FIELD_KEYS = (
    "name",
    "type",
    "format",
    "constraints",
    "categories",
    "missingValues",
    "trueValues",
    "falseValues",
    "decimalChar",
    "groupChar",
    "identifier",
    "title",
    "description",
    "note",
)
_CONSTRAINT_KEYS = (
    "required",
    "unique",
    "enum",
    "minimum",
    "maximum",
    "pattern",
    "minLength",
    "maxLength",
)
_TYPES = ("integer", "number", "boolean", "date", "datetime", "string")
_MAX_NAME = 128

Problems = list[FieldError]


def parse_declared(document: Any, at: str = "") -> TableSchema:
    """Return the schema that *document* (plain JSON values) declares; *at* is the JSON pointer it stands at.

    Raises
    ------
    InvalidBody
        With an entry for every wrong place.
    """
    problems: Problems = []
    normal = _normalize(document)
    _check_schema(normal, at, problems)
    if not problems:
        schema = _convert(normal, at, problems)
    if problems:
        raise InvalidBody(f"{problems[0].pointer or '/'}: {problems[0].detail}", tuple(problems))
    return schema


def _normalize(document: Any) -> Any:
    """Return *document* with the lists that Frictionless lets one write as a single name."""
    if not isinstance(document, dict):
        return document
    normal = {key: value for key, value in document.items() if key not in ("$schema", "title", "description")}
    if isinstance(normal.get("primaryKey"), str):
        normal["primaryKey"] = [normal["primaryKey"]]
    if isinstance(normal.get("foreignKeys"), list):
        normal["foreignKeys"] = [_normalize_key(key) for key in normal["foreignKeys"]]
    return normal


def _normalize_key(key: Any) -> Any:
    if not isinstance(key, dict) or not isinstance(key.get("reference"), dict):
        return key
    fields, reference = key.get("fields"), dict(key["reference"])
    reference["fields"] = (
        [reference["fields"]] if isinstance(reference.get("fields"), str) else reference.get("fields", [])
    )
    return {**key, "fields": [fields] if isinstance(fields, str) else fields, "reference": reference}


def _convert(document: dict[str, Any], at: str, problems: Problems) -> TableSchema:
    """Return the struct; what its own types refuse is the last problem there can be."""
    try:
        schema = msgspec.convert(document, TableSchema)
    except msgspec.ValidationError as error:
        problems.append(FieldError(pointer=at, detail=str(error)))
        return TableSchema(fields=())
    for place, field in enumerate(schema.fields):
        here = f"{at}/fields/{place}"
        wrong = wrong_reading(field) or [
            (f"/constraints{path}", why) for path, why in wrong_constraints(field)
        ]
        problems += [FieldError(pointer=here + path, detail=why) for path, why in wrong]
    problems += [FieldError(pointer=at + path, detail=why) for path, why in wrong_lists(schema)]
    return schema


def _check_schema(document: Any, at: str, problems: Problems) -> None:
    if not isinstance(document, dict):
        problems.append(FieldError(pointer=at, detail="must be an object with 'fields'"))
        return
    _check_keys(document, _SCHEMA_KEYS, at, problems)
    fields = document.get("fields")
    if not isinstance(fields, list) or not 1 <= len(fields) <= MAX_FIELDS:
        detail = f"must list 1 to {MAX_FIELDS} columns"
        problems.append(FieldError(pointer=f"{at}/fields", detail=detail))
        return
    for place, field in enumerate(fields):
        _check_field(field, f"{at}/fields/{place}", problems)
    names = [field.get("name") for field in fields if isinstance(field, dict)]
    _check_names(names, at, problems)
    _check_primary_key(document.get("primaryKey"), names, at, problems)
    _check_foreign_keys(document, names, at, problems)
    for name, values in _items(document.get("lists")):
        _check_list(values, f"{at}/lists/{_escape(name)}", problems)


def _check_field(field: Any, at: str, problems: Problems) -> None:
    if not isinstance(field, dict):
        problems.append(FieldError(pointer=at, detail="must be an object with 'name' and 'type'"))
        return
    _check_keys(field, _FIELD_KEYS, at, problems)
    name, kind = field.get("name"), field.get("type")
    if not isinstance(name, str) or not 1 <= len(name) <= _MAX_NAME:
        problems.append(
            FieldError(pointer=f"{at}/name", detail=f"must be a text of 1 to {_MAX_NAME} characters")
        )
    if kind not in _TYPES:
        detail = f"{kind!r} is none of the types {', '.join(_TYPES)}{_meant(kind, _TYPES)}"
        problems.append(FieldError(pointer=f"{at}/type", detail=detail))
    constraints = field.get("constraints", {})
    if not isinstance(constraints, dict):
        problems.append(FieldError(pointer=f"{at}/constraints", detail="must be an object"))
        return
    _check_keys(constraints, _CONSTRAINT_KEYS, f"{at}/constraints", problems)
    if "enum" in constraints:
        _check_list(constraints["enum"], f"{at}/constraints/enum", problems)


def _check_names(names: list[Any], at: str, problems: Problems) -> None:
    seen: set[str] = set()
    for place, name in enumerate(names):
        folded = name.casefold() if isinstance(name, str) else ""
        if folded and folded in seen:
            detail = f"{name!r} is there already (upper and lower case count as equal)"
            problems.append(FieldError(pointer=f"{at}/fields/{place}/name", detail=detail))
        seen.add(folded)


def _check_primary_key(key: Any, names: list[Any], at: str, problems: Problems) -> None:
    if key is None:
        return
    if not isinstance(key, list) or not key:
        problems.append(FieldError(pointer=f"{at}/primaryKey", detail="must name one or more columns"))
        return
    for place, name in enumerate(key):
        if name not in names:
            pointer = f"{at}/primaryKey/{place}"
            problems.append(FieldError(pointer=pointer, detail=f"{name!r} is no column{_meant(name, names)}"))


def _check_foreign_keys(document: dict[str, Any], names: list[Any], at: str, problems: Problems) -> None:
    keys = document.get("foreignKeys", [])
    lists = [name for name, _ in _items(document.get("lists"))]
    if not isinstance(keys, list):
        problems.append(FieldError(pointer=f"{at}/foreignKeys", detail="must be a list"))
        return
    for place, key in enumerate(keys):
        here = f"{at}/foreignKeys/{place}"
        fields = key.get("fields") if isinstance(key, dict) else None
        if not isinstance(fields, list) or len(fields) != 1 or fields[0] not in names:
            detail = f"must name one column of the schema, not {fields!r}"
            problems.append(FieldError(pointer=f"{here}/fields", detail=detail))
        reference = key.get("reference") if isinstance(key, dict) else None
        name = reference.get("resource") if isinstance(reference, dict) else None
        if name not in lists:
            detail = f"{name!r} is no name in 'lists'{_meant(name, lists)}"
            problems.append(FieldError(pointer=f"{here}/reference/resource", detail=detail))


def _check_list(values: Any, at: str, problems: Problems) -> None:
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_LISTED:
        problems.append(FieldError(pointer=at, detail=f"must list 1 to {MAX_LISTED} values"))
    elif not all(isinstance(value, str | int | float) for value in values):
        problems.append(FieldError(pointer=at, detail="must list texts, numbers or truth values only"))


def _check_keys(found: dict[str, Any], known: Collection[str], at: str, problems: Problems) -> None:
    for key in found:
        if key not in known:
            detail = f"unknown key {key!r}{_meant(key, known)}"
            problems.append(FieldError(pointer=f"{at}/{_escape(key)}", detail=detail))


def _meant(word: Any, known: Collection[Any]) -> str:
    close = difflib.get_close_matches(str(word), [name for name in known if isinstance(name, str)], n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _items(lists: Any) -> list[tuple[str, Any]]:
    return list(lists.items()) if isinstance(lists, dict) else []


def _escape(key: str) -> str:
    return str(key).replace("~", "~0").replace("/", "~1")
