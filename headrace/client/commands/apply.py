"""`headrace apply`: the pipeline a file defines."""

from pathlib import Path

import click

from headrace.client.definitions import DEFINITION, load_definition, read_definition, recipe_folder
from headrace.client.recipes import pack_recipe, push_recipe
from headrace.options import command
from headrace.session import Session


@command("apply")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=DEFINITION)
def apply(session: Session, file: Path) -> None:
    """Create or update the pipeline that a file defines.

    The same definition again changes nothing. A recipe that it names by its folder is pushed first.
    """
    written = read_definition(file)
    folder = recipe_folder(file, written)
    if folder is not None and push_recipe(session.api, pack_recipe(folder)):
        session.progress.done("push", f"the recipe in {folder}")
    definition = load_definition(file)
    stored = session.api.put("pipelines", str(definition["name"]), body=definition)
    session.progress.done("apply", f"pipeline {definition['name']} from {file}")
    session.show(stored)
