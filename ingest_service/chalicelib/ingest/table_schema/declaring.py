"""A schema as a user writes it, read strictly: every problem at once, each with its place."""

from typing import Any

import msgspec
from chalicelib.ingest.table_schema.allowing import wrong_constraints, wrong_lists, wrong_reading
from chalicelib.ingest.table_schema.model import TableSchema
from chalicelib.ingest.table_schema.shape import Wrong, wrong_shape

from shared.errors import FieldError, InvalidBody

_ABOUT = ("$schema", "title", "description")  # of the schema as a whole: read by people only


def parse_declared(document: Any, at: str = "") -> TableSchema:
    """Return the schema that *document* (plain JSON values) declares; *at* is the JSON pointer it stands at.

    Raises
    ------
    InvalidBody
        With an entry for every wrong place.
    """
    normal = _normalize(document)
    _refuse(list(wrong_shape(normal)), at)
    try:
        schema = msgspec.convert(normal, TableSchema)
    except msgspec.ValidationError as error:
        raise InvalidBody(f"{at or '/'}: {error}", (FieldError(pointer=at, detail=str(error)),)) from error
    _refuse(_wrong_meaning(schema), at)
    return schema


def _refuse(wrong: list[Wrong], at: str) -> None:
    errors = tuple(FieldError(pointer=at + path, detail=why) for path, why in wrong)
    if errors:
        raise InvalidBody(f"{errors[0].pointer or '/'}: {errors[0].detail}", errors)


def _wrong_meaning(schema: TableSchema) -> list[Wrong]:
    found = []
    for place, field in enumerate(schema.fields):
        # Constraints mean something only in a type and format that are right.
        wrong = wrong_reading(field) or [
            (f"/constraints{path}", why) for path, why in wrong_constraints(field)
        ]
        found += [(f"/fields/{place}{path}", why) for path, why in wrong]
    return found or wrong_lists(schema)


def _normalize(document: Any) -> Any:
    """Return *document* with the lists that Frictionless lets one write as a single name."""
    if not isinstance(document, dict):
        return document
    normal = {key: value for key, value in document.items() if key not in _ABOUT}
    if isinstance(normal.get("primaryKey"), str):
        normal["primaryKey"] = [normal["primaryKey"]]
    if isinstance(normal.get("foreignKeys"), list):
        normal["foreignKeys"] = [_normalize_key(key) for key in normal["foreignKeys"]]
    return normal


def _normalize_key(key: Any) -> Any:
    if not isinstance(key, dict) or not isinstance(key.get("reference"), dict):
        return key
    reference = dict(key["reference"])
    reference["fields"] = _as_list(reference.get("fields", []))
    return {**key, "fields": _as_list(key.get("fields")), "reference": reference}


def _as_list(names: Any) -> Any:
    return [names] if isinstance(names, str) else names
