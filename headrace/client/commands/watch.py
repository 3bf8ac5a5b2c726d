"""`headrace watch`: follow a dataset version until its model is live."""

import click
import msgspec

from headrace.client.following import Watch, find_newest, follow
from headrace.client.naming import default_pipeline
from headrace.options import command
from headrace.progress import following
from headrace.session import Session

TIMEOUT_MIN = 60


@command("watch")
@click.argument("pipeline", required=False)
@click.option(
    "--version", "version", metavar="V", help="A dataset version, such as d7; without it the newest."
)
@click.option(
    "--timeout",
    "minutes",
    type=click.IntRange(min=1),
    default=TIMEOUT_MIN,
    show_default=True,
    help="Minutes each step may take.",
)
def watch(session: Session, pipeline: str | None, version: str | None, minutes: int) -> None:
    """Follow a dataset version until its model is live.

    Ends with 0 when it is live (or nothing was to be trained), 6 when the data was rejected, 4 when the gate
    refused the model, 1 when something failed.
    """
    name = pipeline or default_pipeline(session.api, session.folder)
    eyes = eyes_of(session, minutes)
    with following(session.progress):
        ending = follow(eyes, name, version or find_newest(eyes, name))
    session.show(msgspec.to_builtins(ending))


def eyes_of(session: Session, minutes: int = TIMEOUT_MIN) -> Watch:
    """Return a watch of the session's stage."""
    return Watch(
        api=session.api,
        progress=session.progress,
        sleep=session.sleep,
        monotonic=session.monotonic,
        timeout_s=60.0 * minutes,
    )
