"""`headrace recipes`: recipes of one's own."""

from pathlib import Path

import click

from headrace.options import command
from headrace.progress import size
from headrace.session import Session


@click.group("recipes")
def recipes() -> None:
    """Push a recipe folder of your own, for pipelines to train with."""


@recipes.add_command
@command("push")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def push(session: Session, folder: Path) -> None:
    """Pack a recipe folder and bring it to the stage.

    Prints the SHA-256 that a pipeline names as `model.recipe`. Equal folders have one name, and are sent once.
    """
    from headrace.client.recipes import pack_recipe, push_recipe

    packed = pack_recipe(folder)
    sent = push_recipe(session.api, packed)
    about = f"{len(packed.files)} files, {size(len(packed.content))}"
    session.progress.done("push", about if sent else f"{about}: stored already")
    session.show({"recipe": packed.sha256, "size_bytes": len(packed.content), "files": len(packed.files)})
