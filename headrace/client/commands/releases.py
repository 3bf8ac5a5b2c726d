"""`headrace promote`, `rollback` and `history`: what is live."""

from typing import Any

import click
import msgspec

from headrace.client.commands.watch import TIMEOUT_MIN, eyes_of
from headrace.client.releasing import follow_release
from headrace.options import command
from headrace.progress import following
from headrace.session import Session

_COLUMNS = ("at", "outcome", "candidate", "weight", "from_version", "to_version", "who", "why")
_watch = click.option("--watch", is_flag=True, help="Follow it until it has ended; 1 if it did not go live.")


@command("promote")
@click.argument("pipeline")
@click.argument("version")
@click.option("--reason", metavar="TEXT", help="Why, for the history.")
@click.option(
    "--force", is_flag=True, help="Although the comparison with what is live is stale; needs --reason."
)
@_watch
def promote(
    session: Session, pipeline: str, version: str, reason: str | None, force: bool, watch: bool
) -> None:
    """Make a model version the live one.

    Its endpoint is made and answers golden rows first; then it goes live, or on trial if the pipeline says so.
    What is live serves until then.
    """
    if force and reason is None:
        raise click.UsageError("--force needs a --reason: it stays in the history")
    body = {"version": version, "force": force, "reason": reason}
    _end(session, session.api.post("endpoints", pipeline, "promote", body=body), watch)


@command("rollback")
@click.argument("pipeline")
@click.option("--reason", metavar="TEXT", help="Why, for the history.")
@_watch
def rollback(session: Session, pipeline: str, reason: str | None, watch: bool) -> None:
    """Go back to the model version that was live before.

    While something rolls out, that is stopped and what is live stays. Effective within three seconds; where the
    endpoint of that version was deleted, once it is made again (`--watch` waits for it).
    """
    began = session.monotonic()
    release = session.api.post("endpoints", pipeline, "rollback", body={"reason": reason})
    session.progress.done("rollback", f"live is {release.get('live')}", session.monotonic() - began)
    _end(session, release, watch)


@command("history")
@click.argument("pipeline")
@click.option("--at", metavar="TIME", help="Only what had happened by then, such as 2026-01-31T14:03:00Z.")
def history(session: Session, pipeline: str, at: str | None) -> None:
    """Show every change of what is live, by whom and why."""
    answer = session.api.get("endpoints", pipeline, "history", at=at)
    if at:
        session.progress.note(f"live at {at} was {answer['live'] or 'nothing'}")
    session.show(answer["entries"], _COLUMNS)


def _end(session: Session, release: dict[str, Any], watch: bool) -> None:
    """Show the release as it is, or as it ended where somebody wants to watch."""
    if not watch:
        session.show(release)
        return
    with following(session.progress):
        ending = follow_release(eyes_of(session, TIMEOUT_MIN), release)
    session.show(msgspec.to_builtins(ending))
