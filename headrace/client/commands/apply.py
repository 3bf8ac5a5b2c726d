"""`headrace apply`: the pipeline a file defines."""

from pathlib import Path

import click

from headrace.client.definitions import DEFINITION, load_definition
from headrace.options import command
from headrace.session import Session


@command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=DEFINITION)
def apply(session: Session, file: Path) -> None:
    """Create or update the pipeline that a file defines.

    The same definition again changes nothing.
    """
    definition = load_definition(file)
    stored = session.api.put("pipelines", str(definition["name"]), body=definition)
    session.progress.done("apply", f"pipeline {definition['name']} from {file}")
    session.show(stored)
