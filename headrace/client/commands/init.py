"""`headrace init`: a pipeline definition for a data file."""

import json
from pathlib import Path
from typing import Any

import click

from headrace.client.definitions import DEFINITION, SCHEMA
from headrace.client.drafting import Draft, draft, draft_image
from headrace.client.packing import count_pictures
from headrace.client.samples.unpacking import ZIP, magic
from headrace.client.sampling import read_sample
from headrace.client.task_keys import TASKS, Roles, settle_task
from headrace.failures import BadData, Failure
from headrace.options import command
from headrace.session import Session


@command("init")
@click.argument("data", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--target", metavar="COLUMN", help="What to predict.")
@click.option("--name", metavar="NAME", help="The pipeline's name; without it from the file's.")
@click.option(
    "--task", type=click.Choice(TASKS), help="What kind of prediction; without it as the data looks."
)
@click.option("--time", metavar="COLUMN", help="When each row happened; then data is split by time.")
@click.option("--key", metavar="COLUMN", help="What names a row; then data is split by it.")
@click.option("--group", metavar="COLUMN", help="Rows that belong together stay on one side of the split.")
@click.option(
    "--text", multiple=True, metavar="COLUMN", help="text: what is read; may be given several times."
)
@click.option("--series", multiple=True, metavar="COLUMN", help="forecasting: what names a series; likewise.")
@click.option("--horizon", type=click.IntRange(min=1), help="forecasting: how many values ahead.")
@click.option("--user", metavar="COLUMN", help="recommendation: who.")
@click.option("--item", metavar="COLUMN", help="recommendation: what they took.")
@click.option("--rating", metavar="COLUMN", help="recommendation: how they liked it.")
@click.option("--encoding", metavar="NAME", help="What text is written in, such as cp1252; without it UTF-8.")
@click.option(
    "--recipe",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Write a recipe of your own to begin with, instead.",
)
def init(
    session: Session,
    data: Path | None,
    name: str | None,
    encoding: str | None,
    recipe: Path | None,
    **options: Any,
) -> None:
    """Write pipeline.yaml and schema.json for a data file, or a recipe to begin with.

    DATA is CSV, TSV or JSON Lines, also packed with gzip or zstd, or Parquet; or pictures, as a folder or zip of
    label/name. Looks at the first rows only, and infers the task. An existing file is never overwritten.
    """
    if recipe is not None:
        init_recipe(session, recipe, [data, name, encoding, *options.values()])
        return
    if data is None:
        raise click.UsageError("name a data file, or a folder with --recipe")
    roles = Roles(**options)
    if is_folder_or_zip(data):
        made = draft_pictures(data, roles, name)
    else:
        made = draft_table(data, roles, name, checked_encoding(encoding))
    write_draft(made, session.folder)
    for note in made.notes:
        session.progress.note(note)
    written = DEFINITION if made.schema is None else f"{DEFINITION} and {SCHEMA}"
    session.progress.done("init", f"{written}: look through, then `headrace apply`")
    click.echo(made.definition, nl=False)


def init_recipe(session: Session, folder: Path, others: list[Any]) -> None:
    """Write the template of a recipe; nothing else can be asked for beside it."""
    if any(others):
        raise click.UsageError("--recipe stands alone: the recipe learns of data from the pipeline")
    from headrace.client.recipe_drafting import write_recipe

    written = write_recipe(session.folder / folder)
    session.progress.done("init", f"{folder}: look into README.md, then `headrace recipes push {folder}`")
    session.show([{"file": name} for name in written], ("file",))


def is_folder_or_zip(data: Path) -> bool:
    """Say whether it holds pictures, if anything."""
    return data.is_dir() or magic(data) == ZIP


def checked_encoding(name: str | None) -> str | None:
    """Return *name*, which must be an encoding of text."""
    try:
        if name is not None:
            "a".encode(name)
    except LookupError:
        raise click.UsageError(f"{name!r} is no encoding: try cp1252, latin-1, utf-16 or gb18030") from None
    return name


def draft_table(data: Path, roles: Roles, name: str | None, encoding: str | None = None) -> Draft:
    """Return the draft for a file of rows."""
    if roles.task == "image":
        raise BadData(f"{data} is no folder and no zip of pictures")
    return draft(read_sample(data, encoding), data, settle_task(roles), name=name, encoding=encoding)


def draft_pictures(data: Path, roles: Roles, name: str | None) -> Draft:
    """Return the draft for pictures.

    Raises
    ------
    BadData
        It holds none, or only one label.
    """
    if roles.task not in {None, "image"} or roles.target:
        raise click.UsageError(
            f"{data} can only hold pictures: their folder is the target, the task is image"
        )
    found = count_pictures(data)
    if len(found.labels) < 2:
        raise BadData(f"{data} has one label, {next(iter(found.labels))!r}: there is nothing to tell apart")
    return draft_image(data, found.suffixes, name)


def write_draft(made: Draft, folder: Path) -> None:
    """Write both files, or none.

    Raises
    ------
    Failure
        One of them exists.
    """
    texts = {DEFINITION: made.definition}
    if made.schema is not None:
        texts[SCHEMA] = json.dumps(made.schema, indent=2, ensure_ascii=False) + "\n"
    for name in texts:
        if (folder / name).exists():
            raise Failure(f"{folder / name} exists already: remove it, or work in another folder")
    for name, text in texts.items():
        # Exclusive all the same: between the look and this, an editor may have saved one.
        with (folder / name).open("x", encoding="utf-8") as handle:
            handle.write(text)
