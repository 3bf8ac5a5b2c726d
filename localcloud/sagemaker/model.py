"""Requests and answers as botocore's SageMaker model describes them: no shape is written by hand."""

import functools
from collections.abc import Iterator
from typing import Any

import botocore.session
import regex
from botocore.model import ServiceModel, Shape

from localcloud.sagemaker.errors import ApiError, validation

_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "timestamp": (int, float),
    "boolean": bool,
    "list": list,
    "map": dict,
    "structure": dict,
}


@functools.cache
def service_model() -> ServiceModel:
    """Return botocore's model of the control plane, loaded once (it is 2 MB of JSON)."""
    return botocore.session.get_session().get_service_model("sagemaker")


@functools.cache
def runtime_model() -> ServiceModel:
    """Return botocore's model of the data plane, loaded once."""
    return botocore.session.get_session().get_service_model("sagemaker-runtime")


def check_request(operation: str, request: dict[str, Any]) -> None:
    """Raise AWS's "N validation errors detected" unless the request fits the operation's shape."""
    shape = service_model().operation_model(operation).input_shape
    found = list(violations(request, shape, "")) if shape else []
    if found:
        plural = "s" if len(found) > 1 else ""
        raise validation(f"{len(found)} validation error{plural} detected: " + "; ".join(found))


def violations(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """Yield what of *value* (as JSON has it, at *path*) does not keep to the constraints of *shape*.

    Raises
    ------
    ApiError
        A value is of another type.
    """
    if value is None:
        return
    _check_type(value, shape, path)
    for constraint in _broken_constraints(value, shape):
        yield f"Value '{_as_java(value)}' at '{path}' failed to satisfy constraint: {constraint}"
    if shape.type_name == "structure":
        yield from _structure_violations(value, shape, path)
    elif shape.type_name == "list":
        yield from _list_violations(value, shape, path)
    elif shape.type_name == "map":
        yield from _map_violations(value, shape, path)


def _check_type(value: Any, shape: Shape, path: str) -> None:
    expected = _PYTHON_TYPES.get(shape.type_name)
    # In Python a bool is an int; in JSON, and for AWS, it is not.
    wrong = expected is not None and not isinstance(value, expected)
    if wrong or (isinstance(value, bool) and shape.type_name != "boolean"):
        raise ApiError(
            "SerializationException",
            f"{type(value).__name__.upper()}_VALUE can not be converted to {shape.type_name} at '{path}'",
        )


def _structure_violations(value: dict[str, Any], shape: Any, path: str) -> Iterator[str]:
    prefix = f"{path}." if path else ""
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{prefix}{_camel(name)}' failed to satisfy constraint: Member must not be null"
    for name, member in shape.members.items():
        yield from violations(value.get(name), member, prefix + _camel(name))


def _list_violations(value: list[Any], shape: Any, path: str) -> Iterator[str]:
    for position, item in enumerate(value, start=1):
        yield from violations(item, shape.member, f"{path}.{position}.member")


def _map_violations(value: dict[str, Any], shape: Any, path: str) -> Iterator[str]:
    """AWS names the whole map and lists every constraint of its keys or values, broken or not."""
    for word, member, items in (
        ("keys", shape.key, list(value)),
        ("value", shape.value, list(value.values())),
    ):
        if any(next(_broken_constraints(item, member), None) for item in items):
            rules = ", ".join(_all_constraints(member))
            yield (
                f"Value '{_as_java(value)}' at '{path}' failed to satisfy constraint: "
                f"Map {word} must satisfy constraint: [{rules}]"
            )


def _broken_constraints(value: Any, shape: Shape) -> Iterator[str]:
    size = _size(value, shape)
    if size is not None:
        noun = "length" if isinstance(value, (str, list, dict)) else "value"
        yield from _broken_bounds(size, noun, shape)
    if isinstance(value, str):
        yield from _broken_text_constraints(value, shape)


def _broken_bounds(size: float, noun: str, shape: Shape) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield f"Member must have {noun} greater than or equal to {low}"
    if high is not None and size > high:
        yield f"Member must have {noun} less than or equal to {high}"


def _broken_text_constraints(value: str, shape: Any) -> Iterator[str]:
    pattern = shape.metadata.get("pattern")
    if pattern and not _matches(pattern, value):
        yield f"Member must satisfy regular expression pattern: {pattern}"
    allowed = getattr(shape, "enum", None)
    if allowed and value not in allowed:
        yield f"Member must satisfy enum value set: [{', '.join(allowed)}]"


def _all_constraints(shape: Shape) -> Iterator[str]:
    if "max" in shape.metadata:
        yield f"Member must have length less than or equal to {shape.metadata['max']}"
    if "min" in shape.metadata:
        yield f"Member must have length greater than or equal to {shape.metadata['min']}"
    if "pattern" in shape.metadata:
        yield f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}"


def _size(value: Any, shape: Shape) -> float | None:
    if shape.type_name in ("string", "list", "map"):
        return len(value)
    return value if shape.type_name in ("integer", "long", "float", "double") else None


@functools.cache
def _compiled(pattern: str) -> Any:
    # A few of AWS's patterns are Java only; AWS would check those, we cannot (None = skipped).
    try:
        return regex.compile(pattern)
    except regex.error:
        return None


def _matches(pattern: str, value: str) -> bool:
    compiled = _compiled(pattern)
    # Some patterns backtrack for ever on long input; giving up lets the request pass.
    try:
        return compiled is None or compiled.fullmatch(value, timeout=2) is not None
    except TimeoutError:
        return True


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]


def _as_java(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_as_java(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_as_java(item)}" for key, item in value.items()) + "}"
    return str(value)


def shape_answer(operation: str, record: dict[str, Any]) -> dict[str, Any]:
    """Keep of a record what the operation answers with; times stay epoch seconds, as JSON 1.1 wants."""
    return shape_value(record, service_model().operation_model(operation).output_shape) or {}


def shape_value(value: Any, shape: Any, time_scale: int = 1) -> Any:
    """Return the part of `value` the shape knows, without nulls; events use milliseconds (scale 1000)."""
    if value is None or shape is None:
        return None
    if shape.type_name == "structure":
        return _shape_structure(value, shape, time_scale)
    if shape.type_name == "list":
        return [shape_value(item, shape.member, time_scale) for item in value]
    if shape.type_name == "map":
        return {key: shape_value(item, shape.value, time_scale) for key, item in value.items()}
    return _shape_scalar(value, shape, time_scale)


def _shape_scalar(value: Any, shape: Shape, time_scale: int) -> Any:
    # Plain seconds keep their fraction; AWS's events have whole milliseconds.
    is_scaled = shape.type_name == "timestamp" and time_scale != 1
    return int(value * time_scale) if is_scaled else value


def _shape_structure(value: dict[str, Any], shape: Any, time_scale: int) -> dict[str, Any]:
    # Members that start with an underscore, and all that botocore does not know, end here.
    shaped = {
        name: shape_value(value.get(name), member, time_scale) for name, member in shape.members.items()
    }
    return {name: item for name, item in shaped.items() if item is not None}
