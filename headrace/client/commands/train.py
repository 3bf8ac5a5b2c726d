"""`headrace train`: train a model because a person asks for it."""

import click
import msgspec

from headrace.client.commands.watch import eyes_of
from headrace.client.following import follow
from headrace.options import command
from headrace.progress import following
from headrace.session import Session


@command("train")
@click.argument("pipeline")
@click.option(
    "--version", "version", metavar="V", help="A dataset version, such as d7; without it the newest."
)
@click.option("--watch", "watched", is_flag=True, help="Follow it until its model is live.")
def train(session: Session, pipeline: str, version: str | None, watched: bool) -> None:
    """Train a model from data that is there.

    The same data, recipe and champion are never trained twice: the job that did it is shown. A job that waits because
    of train.quiet or train.at_most starts at once.
    """
    api = session.api
    body = {"pipeline": pipeline}
    if version is not None:
        body["dataset_version"] = api.get("datasets", pipeline, version)["version"]
    job = api.post("training-jobs", body=body)
    if not watched:
        session.progress.note(f"follow it with `headrace watch {pipeline}`")
        session.show(job)
        return
    with following(session.progress):
        ending = follow(eyes_of(session), pipeline, job["dataset_version"])
    session.show(msgspec.to_builtins(ending))
