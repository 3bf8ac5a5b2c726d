"""`headrace promote`, `rollback` and `history`: what is live."""

import click

from headrace.options import command
from headrace.session import Session

_COLUMNS = ("at", "outcome", "from_version", "to_version", "who", "why")


@command("promote")
@click.argument("pipeline")
@click.argument("version")
@click.option("--reason", metavar="TEXT", help="Why, for the history.")
@click.option(
    "--force", is_flag=True, help="Although the comparison with what is live is stale; needs --reason."
)
def promote(session: Session, pipeline: str, version: str, reason: str | None, force: bool) -> None:
    """Make a model version the live one.

    Its endpoint is made and warmed first; what is live serves until then. Follow it with `headrace status`.
    """
    if force and reason is None:
        raise click.UsageError("--force needs a --reason: it stays in the history")
    body = {"version": version, "force": force, "reason": reason}
    session.show(session.api.post("endpoints", pipeline, "promote", body=body))


@command("rollback")
@click.argument("pipeline")
@click.option("--reason", metavar="TEXT", help="Why, for the history.")
def rollback(session: Session, pipeline: str, reason: str | None) -> None:
    """Go back to the model version that was live before.

    While something rolls out, that is stopped and what is live stays. Effective within three seconds.
    """
    began = session.monotonic()
    release = session.api.post("endpoints", pipeline, "rollback", body={"reason": reason})
    session.progress.done("rollback", f"live is {release.get('live')}", session.monotonic() - began)
    session.show(release)


@command("history")
@click.argument("pipeline")
def history(session: Session, pipeline: str) -> None:
    """Show what was live, since when and why."""
    answer = session.api.get("endpoints", pipeline, "history")
    session.show(answer["entries"], _COLUMNS)
