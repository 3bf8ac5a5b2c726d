"""`headrace validate`: what the service would make of a definition."""

from pathlib import Path

import click
import yaml

from headrace.client.definitions import DEFINITION, load_definition
from headrace.options import command
from headrace.session import Session


@command("validate")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=DEFINITION)
@click.option("--show-effective", is_flag=True, help="Print the definition with every default filled in.")
def validate(session: Session, file: Path, show_effective: bool) -> None:
    """Check the pipeline that a file defines, changing nothing.

    The service judges it, so that nothing passes here and fails in `apply`. Ends with 6 and every wrong place.
    """
    definition = load_definition(file)
    name = str(definition["name"])
    answer = session.api.ask("pipelines", name, "validate", body=definition)
    session.progress.done("validate", f"{file} is a valid {answer['definition']['task']} pipeline, {name!r}")
    if not show_effective:
        return
    if session.output == "table":
        # As it would stand in pipeline.yaml: what is printed can be saved and applied.
        click.echo(yaml.safe_dump(answer["definition"], sort_keys=False, allow_unicode=True), nl=False)
    else:
        session.show(answer["definition"])
