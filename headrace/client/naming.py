"""Names as people type them: a pipeline left out, a dataset version by its alias."""

from pathlib import Path

import click

from headrace.client.api import Api
from headrace.client.definitions import DEFINITION, read_definition
from headrace.failures import Missing


def default_pipeline(api: Api, folder: Path) -> str:
    """Return the pipeline of the folder's `pipeline.yaml`, or the only one there is.

    Raises
    ------
    UsageError
        There are several.
    """
    file = folder / DEFINITION
    if file.is_file():
        return str(read_definition(file).get("name"))
    names = [str(row["name"]) for row in api.get("pipelines", limit=20).get("pipelines", [])]
    if len(names) == 1:
        return names[0]
    if not names:
        raise Missing("there is no pipeline yet: write one with `headrace init DATA --target COLUMN`")
    raise click.UsageError(f"name a pipeline: {', '.join(names)}")


def resolve_version(api: Api, pipeline: str, version: str) -> str:
    """Return the identifier of a dataset version given as identifier or as alias (`d7`)."""
    if not (version.startswith("d") and version[1:].isdigit()):
        return version
    for row in api.every("versions", "datasets", pipeline):
        if row.get("alias") == version:
            return str(row["version"])
    raise Missing(f"no dataset version {version!r} of {pipeline!r}: see `headrace datasets ls {pipeline}`")
