"""`pipeline.yaml` as it is read from disk; what it may say is the service's to judge."""

import re
from pathlib import Path
from typing import Any

import yaml

from headrace.client.recipes import pack_recipe
from headrace.client.table_schema import read_schema
from headrace.failures import BadData

DEFINITION = "pipeline.yaml"
SCHEMA = "schema.json"
MAX_BYTES = 64 * 1024


class _Loader(yaml.SafeLoader):
    """Plain texts as YAML 1.2 and JSON know them.

    For YAML 1.1, as PyYAML reads it, the key `on` of `retrain` is `True`, `10:30` is 630, and a day is no text.
    """


_BOOL, _INT, _TIME = (f"tag:yaml.org,2002:{kind}" for kind in ("bool", "int", "timestamp"))
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in rules if tag not in {_BOOL, _INT, _TIME}]
    for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(_BOOL, re.compile(r"(?:true|false)$"), ["t", "f"])
_Loader.add_implicit_resolver(_INT, re.compile(r"[-+]?(?:0|[1-9][0-9_]*)$"), [*"-+0123456789"])


def load_definition(file: Path) -> dict[str, Any]:
    """Return the definition in *file* as the service takes it.

    The schema that it names by a file is inside, and a recipe that it names by a folder is named by its SHA-256.

    Raises
    ------
    BadData
        One of the files is not what it should be; the message says where.
    """
    definition = read_definition(file)
    folder = recipe_folder(file, definition)
    if folder is not None:
        definition |= {"model": {**definition["model"], "recipe": pack_recipe(folder).sha256}}
    data = definition.get("data")
    if isinstance(data, dict) and isinstance(data.get("schema"), str):
        schema = read_schema(file.parent / data["schema"], named_in=file)
        return {**definition, "data": {**data, "schema": schema}}
    return definition


def recipe_folder(file: Path, definition: dict[str, Any]) -> Path | None:
    """Return the recipe folder that a definition names, from where it lies; None where it names none.

    Raises
    ------
    BadData
        There is no such folder.
    """
    model = definition.get("model")
    named = model.get("recipe") if isinstance(model, dict) else None
    # A slash is in no name of ours, nor in a hash.
    if not isinstance(named, str) or "/" not in named:
        return None
    folder = file.parent / named
    if not folder.is_dir():
        raise BadData(f"{file} names the recipe {named}, but there is no folder {folder}")
    return folder


def read_definition(file: Path) -> dict[str, Any]:
    """Return the definition in *file* as it is written.

    Raises
    ------
    BadData
        It is no YAML mapping with a name; the message says where.
    """
    content = file.read_bytes()
    if len(content) > MAX_BYTES:
        raise BadData(f"{file} has {len(content)} bytes; a pipeline definition has at most {MAX_BYTES}")
    try:
        document = yaml.load(content, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        raise BadData(f"{file} is no YAML: {_where(error)}") from error
    except RecursionError:
        raise BadData(f"{file} is no pipeline definition: it nests too deeply") from None
    if not isinstance(document, dict):
        raise BadData(f"{file} must hold keys and values such as `name: flights`")
    if not isinstance(document.get("name"), str):
        raise BadData(f"{file} has no `name`")
    return document


def _where(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).split("\n")[0]
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else problem
