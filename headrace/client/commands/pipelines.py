"""`headrace pipelines`: what is defined."""

import click

from headrace.options import command
from headrace.session import Session


@command("pipelines")
@click.argument("pipeline", required=False)
def pipelines(session: Session, pipeline: str | None) -> None:
    """Show the pipelines.

    With a name, the definition of that one.
    """
    if pipeline:
        session.show(session.api.get("pipelines", pipeline))
    else:
        session.show(
            list(session.api.every("pipelines", "pipelines")), ("name", "task", "target", "updated_at")
        )
