"""`headrace init`: a pipeline definition for a data file."""

from pathlib import Path

import click

from headrace.client.definitions import DEFINITION
from headrace.client.drafting import draft
from headrace.client.sampling import read_sample
from headrace.failures import Failure
from headrace.options import command
from headrace.session import Session


@command("init")
@click.argument("data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--target", required=True, metavar="COLUMN", help="What to predict.")
@click.option("--name", metavar="NAME", help="The pipeline's name; without it from the file's.")
@click.option("--time", metavar="COLUMN", help="When each row happened; then data is split by time.")
def init(session: Session, data: Path, target: str, name: str | None, time: str | None) -> None:
    """Write pipeline.yaml for a data file.

    Looks at the first rows only, and infers the task from the target. An existing file is never overwritten.
    """
    text = draft(read_sample(data), data, target=target, name=name, time=time)
    file = session.folder / DEFINITION
    try:
        with file.open("x", encoding="utf-8") as handle:
            handle.write(text)
    except FileExistsError:
        raise Failure(f"{file} exists already: remove it, or work in another folder") from None
    session.progress.done("init", f"{DEFINITION}: look through it, then `headrace apply`")
    click.echo(text, nl=False)
