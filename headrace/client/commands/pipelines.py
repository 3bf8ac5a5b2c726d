"""`headrace pipelines`: what is defined."""

import click

from headrace.options import command
from headrace.session import Session

_DEFINED = ("task", "target")


@command("pipelines")
@click.argument("pipeline", required=False)
def pipelines(session: Session, pipeline: str | None) -> None:
    """Show the pipelines.

    With a name, the definition of that one.
    """
    if pipeline:
        session.show(session.api.get("pipelines", pipeline))
    else:
        found = session.api.every("pipelines", "pipelines")
        rows = [{**row, **{name: row["definition"].get(name) for name in _DEFINED}} for row in found]
        session.show(rows, ("pipeline", *_DEFINED, "rev", "updated_at"))
