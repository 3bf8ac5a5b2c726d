"""`headrace upload`: a data file to a pipeline."""

from pathlib import Path

import click
import msgspec

from headrace.client.commands.watch import eyes_of
from headrace.client.following import find_newest, follow
from headrace.client.uploads import PresignedPost, send_file
from headrace.failures import BadData
from headrace.options import command
from headrace.progress import following, size
from headrace.session import Session


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """A file that arrived: its key, and the versions of the pipeline that were there before."""

    pipeline: str
    key: str
    size_bytes: int
    known: tuple[str, ...] = ()


@command("upload")
@click.argument("pipeline")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--watch", "watched", is_flag=True, help="Follow it until its model is live.")
def upload(session: Session, pipeline: str, file: Path, watched: bool) -> None:
    """Upload a data file to a pipeline.

    The upload starts everything else: validation, training, gate and release.
    """
    with following(session.progress):
        arrived = upload_file(session, pipeline, file)
        if not watched:
            session.progress.note(f"follow it with `headrace watch {pipeline}`")
            session.show({"pipeline": pipeline, "key": arrived.key, "size_bytes": arrived.size_bytes})
            return
        eyes = eyes_of(session)
        version = find_newest(eyes, pipeline, key=arrived.key, known=arrived.known)
        ending = follow(eyes, pipeline, version)
    session.show(msgspec.to_builtins(ending))


def upload_file(session: Session, pipeline: str, file: Path) -> Uploaded:
    """Send the file; return what is needed to find the dataset version it becomes."""
    api, began, size_bytes = session.api, session.monotonic(), file.stat().st_size
    # The same file name may have been uploaded before: its versions are told apart by being there already.
    before = (api.find("datasets", pipeline, limit=20) or {}).get("versions", [])
    asked = {"filename": file.name, "size_bytes": size_bytes}
    granted = api.post("datasets", pipeline, "uploads", body=asked)
    if size_bytes > granted["max_bytes"]:
        raise BadData(f"{file} has {size(size_bytes)}; the limit is {size(granted['max_bytes'])}")
    post = msgspec.convert(granted["upload"], PresignedPost)
    total = size(size_bytes)
    send_file(
        api.transport, post, file, lambda sent: session.progress.doing(f"upload {size(sent)} of {total}")
    )
    session.progress.done("upload", f"{file.name}, {total} → {granted['key']}", session.monotonic() - began)
    known = tuple(row["version"] for row in before)
    return Uploaded(pipeline=pipeline, key=granted["key"], size_bytes=size_bytes, known=known)
