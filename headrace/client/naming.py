"""The pipeline that is meant when none is named."""

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
    names = [str(row["pipeline"]) for row in api.get("pipelines", limit=20).get("pipelines", [])]
    if len(names) == 1:
        return names[0]
    if not names:
        raise Missing("there is no pipeline yet: write one with `headrace init DATA --target COLUMN`")
    raise click.UsageError(f"name a pipeline: {', '.join(names)}")
