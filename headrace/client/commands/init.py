"""`headrace init`: a pipeline definition for a data file."""

import json
from pathlib import Path

import click

from headrace.client.definitions import DEFINITION, SCHEMA
from headrace.client.drafting import Draft, Roles, draft
from headrace.client.samples.unpacking import ZIP, magic
from headrace.client.sampling import read_sample
from headrace.failures import BadData, Failure
from headrace.options import command
from headrace.session import Session


@command("init")
@click.argument("data", type=click.Path(exists=True, path_type=Path))
@click.option("--target", required=True, metavar="COLUMN", help="What to predict.")
@click.option("--name", metavar="NAME", help="The pipeline's name; without it from the file's.")
@click.option(
    "--task",
    type=click.Choice(("classification", "regression")),
    help="What kind of prediction; without it as the target looks.",
)
@click.option("--time", metavar="COLUMN", help="When each row happened; then data is split by time.")
@click.option("--key", metavar="COLUMN", help="What names a row; then data is split by it.")
@click.option("--group", metavar="COLUMN", help="Rows that belong together stay on one side of the split.")
def init(
    session: Session, data: Path, target: str, name: str | None, task: str | None, **columns: str | None
) -> None:
    """Write pipeline.yaml and schema.json for a data file.

    DATA is CSV, TSV or JSON Lines, also packed with gzip or zstd, or Parquet. Looks at the first rows only, and
    infers the task from the target. An existing file is never overwritten.
    """
    require_table(data)
    made = draft(read_sample(data), data, Roles(target=target, **columns), name=name, task=task)
    write_draft(made, session.folder)
    for note in made.notes:
        session.progress.note(note)
    session.progress.note(
        f"{SCHEMA}: types of the first rows; add what you know of a column under `constraints`"
        " (unique, enum, minimum, maximum, pattern)"
    )
    session.progress.done("init", f"{DEFINITION} and {SCHEMA}: look through them, then `headrace apply`")
    click.echo(made.definition, nl=False)


def require_table(data: Path) -> None:
    """Demand a file that may hold a table.

    Raises
    ------
    BadData
        It is a folder or a zip: pictures, which can be uploaded, and no task learns from yet.
    """
    if data.is_dir() or magic(data) == ZIP:
        kind = "folder" if data.is_dir() else "zip file (a spreadsheet is one too: save it as CSV)"
        raise BadData(f"{data} is a {kind}; init needs a table: CSV, TSV, JSON Lines or Parquet")


def write_draft(made: Draft, folder: Path) -> None:
    """Write both files, or none.

    Raises
    ------
    Failure
        One of them exists.
    """
    texts = {
        SCHEMA: json.dumps(made.schema, indent=2, ensure_ascii=False) + "\n",
        DEFINITION: made.definition,
    }
    for name in texts:
        if (folder / name).exists():
            raise Failure(f"{folder / name} exists already: remove it, or work in another folder")
    for name, text in texts.items():
        # Exclusive all the same: between the look and this, an editor may have saved one.
        with (folder / name).open("x", encoding="utf-8") as handle:
            handle.write(text)
