"""From untrusted JSON to frozen structs, with every complaint naming a place and, for names, a likely meaning."""

import difflib
import json
import re
from typing import Any

import msgspec

from shared.errors import FieldError, InvalidBody

MAX_DEPTH = 32
_BRACKETS = re.compile(rb"[\[\]{}]")
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)


def decode[T](body: bytes, kind: type[T]) -> T:
    """Return *body* as a *kind*.

    Raises
    ------
    InvalidBody
        Not JSON, nested deeper than 32, NaN, an unknown, missing or wrongly typed field; its ``errors`` say where.
    """
    _check_depth(body)
    return decode_typed(body, kind)


def decode_typed[T](body: bytes, kind: type[T]) -> T:
    """Return *body* as a *kind* whose own types bound its depth; raises as :func:`decode` does."""
    if not body:
        raise InvalidBody("The body is empty; send JSON.", (FieldError(pointer="", detail="missing"),))
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise _invalid(error, kind) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise unreadable(error) from None
    except RecursionError:
        # From msgspec's own guard of the C stack, before a value of that depth exists.
        raise too_deep() from None


def convert[T](value: object, kind: type[T]) -> T:
    """Return the plain *value* (of YAML, of a row) as a *kind*; raises as :func:`decode` does."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _invalid(error, kind) from None


def unreadable(error: msgspec.DecodeError | UnicodeDecodeError, within: str = "") -> InvalidBody:
    """Return the complaint for bytes that are no value of any type: broken JSON, or a number such as 1e999.

    *within* is the pointer to what was decoded, where that is a part of the body.
    """
    text, path = _reason_and_path(error)
    pointer = within + _pointer(path)
    # Only a value that was reached has a path; without one the text itself is broken.
    detail = text if path else f"is not JSON: {text}"
    return InvalidBody(f"{pointer or 'The body'}: {detail}", (FieldError(pointer=pointer, detail=detail),))


def _check_depth(body: bytes) -> None:
    # Most bodies have fewer brackets in all, and are not looked at closely.
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKETS.finditer(_STRINGS.sub(b"", body)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            raise too_deep()


def too_deep() -> InvalidBody:
    """Return the complaint for JSON that is nested too deeply."""
    return InvalidBody(f"The body is nested deeper than {MAX_DEPTH} levels.")


def _invalid(error: msgspec.ValidationError, kind: Any) -> InvalidBody:
    """Return the complaint for a value of a wrong type, with a field error."""
    text, path = _reason_and_path(error)
    detail = text + _suggestion(text, kind)
    pointer = _pointer(path)
    return InvalidBody(f"{pointer or 'The body'}: {detail}", (FieldError(pointer=pointer, detail=detail),))


def _reason_and_path(error: Exception) -> tuple[str, str]:
    """Split msgspec's ``reason - at `$.path` ``; the path is empty where the error names none."""
    text, _, path = str(error).partition(" - at `")
    return text, path.rstrip("`")


def _pointer(path: str) -> str:
    """Return an RFC 6901 pointer for msgspec's ``$.a.b[0]``, as far as msgspec knows the way."""
    # "[...]" is some member of a map, which one it does not say: the map itself is the nearest place that exists.
    path = path.partition("[...]")[0]
    steps = re.findall(r"\.([^.\[\]]+)|\[([^\]]*)\]", path.removeprefix("key in ").lstrip("$"))
    names = [(name or index).replace("~", "~0").replace("/", "~1") for name, index in steps]
    return "".join(f"/{name}" for name in names)


def _suggestion(text: str, kind: Any) -> str:
    """Return "; did you mean X?" where an unknown field resembles one that the model has somewhere."""
    match = re.search(r"unknown field `(.+)`", text)
    if not match:
        return ""
    close = difflib.get_close_matches(match[1], _field_names(kind), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _field_names(kind: Any) -> list[str]:
    """Return every property name in the JSON Schema of *kind*."""
    schema = json.dumps(msgspec.json.schema(kind))
    names: set[str] = set()

    def collect(node: dict[str, Any]) -> dict[str, Any]:
        properties = node.get("properties")
        names.update(properties if isinstance(properties, dict) else ())
        return node

    json.loads(schema, object_hook=collect)
    return sorted(names)
