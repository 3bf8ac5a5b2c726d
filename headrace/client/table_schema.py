"""`schema.json` as it is read from disk: a Frictionless Table Schema that names its columns.

Types, constraints and formats are the service's to judge; here it is told where a file is no schema at all.
"""

import difflib
import json
from pathlib import Path
from typing import Any

from headrace.client.samples.table import unique_header
from headrace.failures import BadData

MAX_BYTES = 1024 * 1024
TYPES = ("integer", "number", "boolean", "date", "datetime", "string")
CONSTRAINTS = ("required", "unique", "enum", "minimum", "maximum", "pattern", "minLength", "maxLength")


def read_schema(file: Path, *, named_in: Path) -> dict[str, Any]:
    """Return the schema in *file*, which the definition *named_in* names.

    Raises
    ------
    BadData
        It is not there, no JSON, or no Table Schema; the message says where.
    """
    schema = _parse(_read(file, named_in), file)
    fields = schema.get("fields")
    if not isinstance(fields, list) or not fields:
        raise BadData(
            f'{file}: `fields` must be a list of columns such as {{"name": "age", "type": "integer"}}'
        )
    names = [_check_field(field, f"{file}: fields[{place}]") for place, field in enumerate(fields)]
    # The header of a data file is held to the same.
    unique_header(names, file)
    return schema


def _read(file: Path, named_in: Path) -> bytes:
    try:
        content = file.read_bytes()
    except (OSError, ValueError) as error:
        # ValueError: a NUL in the name.
        reason = getattr(error, "strerror", None) or error
        raise BadData(
            f"{named_in}: data.schema names {str(file)!r}, which cannot be read: {reason}"
        ) from error
    if len(content) > MAX_BYTES:
        raise BadData(f"{file} has {len(content)} bytes; a schema has at most {MAX_BYTES}")
    return content


def _parse(content: bytes, file: Path) -> dict[str, Any]:
    try:
        document = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise BadData(f"{file} is not UTF-8: byte {error.start} is wrong") from error
    except json.JSONDecodeError as error:
        raise BadData(f"{file} is no JSON: line {error.lineno}, column {error.colno}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise BadData(f"{file} is no JSON: {error}") from error
    if not isinstance(document, dict):
        raise BadData(f"{file} must hold an object with `fields`")
    return document


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _check_field(field: Any, where: str) -> str:
    """Return the name of a field that has one."""
    if not isinstance(field, dict) or not isinstance(field.get("name"), str) or not field["name"]:
        raise BadData(f"{where} has no `name`")
    where = f"{where} ({field['name']!r})"
    if "type" in field and field["type"] not in TYPES:
        raise BadData(f"{where}: type {field['type']!r} is unknown; {_hint(field['type'], TYPES)}")
    _check_constraints(field.get("constraints", {}), where)
    return str(field["name"])


def _check_constraints(constraints: Any, where: str) -> None:
    if not isinstance(constraints, dict):
        raise BadData(f'{where}: `constraints` must be an object such as {{"required": true}}')
    for name in constraints:
        if name not in CONSTRAINTS:
            raise BadData(f"{where}: constraint {name!r} is unknown; {_hint(name, CONSTRAINTS)}")


def _hint(given: Any, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(given), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
