"""The reference of ``pipeline.yaml`` as a page: every key with its values and its default, from the models."""

import inspect
import json
import re
from collections.abc import Iterator
from typing import Any, get_args

import msgspec

from shared.entities.monitoring import Monitor
from shared.entities.pipeline import Data, ImageInput, Model, PipelineDefinition, Retrain, Split, Train
from shared.entities.releasing import Release

_HEAD = """# Every key of `pipeline.yaml`

Generated from the code by `make docs`; what the keys mean together is told in [pipeline.md](pipeline.md).
"""
_SECTIONS: dict[str, type[msgspec.Struct]] = {
    "data": Data,
    "split": Split,
    "model": Model,
    "train": Train,
    "release": Release,
    "monitor": Monitor,
    "retrain": Retrain,
    "image": ImageInput,
}


def pipeline_keys() -> str:
    """Return the page."""
    parts = [_HEAD]
    tasks: tuple[type[msgspec.Struct], ...] = get_args(PipelineDefinition)
    parts += [_chapter(f"`task: {task.__struct_config__.tag}`", task, own=True) for task in tasks]
    parts += [_chapter(f"`{name}`", section, own=False) for name, section in _SECTIONS.items()]
    return "\n".join(parts)


def _chapter(title: str, model: type[msgspec.Struct], *, own: bool) -> str:
    """Return a heading, the model's own words and its keys; of a task only those that it does not share."""
    shared = _SECTIONS.keys() - {"image"} if own else set()
    rows = [_row(*described) for described in _keys(model) if described[0] not in shared]
    table = ["| key | values | default |", "|---|---|---|", *rows]
    words = re.sub(r"``(.+?)``", r"`\1`", inspect.getdoc(model) or "")
    return f"## {title}\n\n{words}\n\n" + "\n".join(table) + "\n"


def _keys(model: type[msgspec.Struct]) -> Iterator[tuple[str, dict[str, Any], bool]]:
    """Yield each key with its schema and whether it must be written."""
    schema = msgspec.json.schema(model)["$defs"][model.__name__]
    for key, described in schema["properties"].items():
        if key != "task":
            yield key, described, key in schema["required"]


def _row(key: str, schema: dict[str, Any], is_required: bool) -> str:
    default = "required" if is_required else f"`{json.dumps(schema.get('default'), ensure_ascii=False)}`"
    return f"| `{key}` | {_values(schema)} | {default} |"


def _values(schema: dict[str, Any]) -> str:
    """Say in a few words what may be written."""
    if "anyOf" in schema:
        options = [_values(option) for option in schema["anyOf"] if option.get("type") != "null"]
        return " or ".join(options)
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "$ref" in schema:
        return f"{schema['$ref'].rpartition('/')[2]}"
    if schema.get("type") == "array":
        return f"list of {_values(schema['items'])}"
    return _simple(schema)


def _simple(schema: dict[str, Any]) -> str:
    kind = str(schema.get("type", "anything"))
    if "description" in schema:
        return f"{kind}, {schema['description']}"
    if "pattern" in schema:
        return f"{kind} like `{schema['pattern']}`".replace("|", "\\|")
    bounds = [
        f"{word} {schema[key]}" for key, word in (("minimum", "from"), ("maximum", "to")) if key in schema
    ]
    return " ".join([kind, *bounds])
