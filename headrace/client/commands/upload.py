"""`headrace upload`: a data file to a pipeline."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from headrace.client.commands.watch import eyes_of
from headrace.client.following import Watch, await_version, find_uploaded, follow
from headrace.client.packing import Listing, list_pictures, pack
from headrace.client.resuming import state_folder
from headrace.client.sending import Sending, Uploaded
from headrace.client.sources import Source, source_of
from headrace.options import command
from headrace.progress import Progress, following, size
from headrace.session import Session

_TOLD = 5


@command("upload")
@click.argument("pipeline")
@click.argument("file", metavar="FILE|DIR", type=click.Path(exists=True, path_type=Path))
@click.option("--watch", "watched", is_flag=True, help="Follow it until its model is live.")
def upload(session: Session, pipeline: str, file: Path, watched: bool) -> None:
    """Upload a data file, or a folder of pictures, to a pipeline.

    The upload starts everything else: validation, training, gate and release. A folder holds one folder per label
    with the pictures in it, and is sent as one zip. Files above 64 MiB go in parts: the same command again goes on
    with an upload that was interrupted.
    """
    with following(session.progress):
        arrived = upload_file(session, pipeline, file)
        if not watched:
            session.progress.note(f"follow it with `headrace watch {pipeline}`")
            shown = {"pipeline": pipeline, "key": arrived.key, "size_bytes": arrived.size_bytes}
            session.show({**shown, "version": arrived.version} if arrived.version else shown)
            return
        eyes = eyes_of(session)
        ending = follow(eyes, pipeline, version_of(eyes, arrived))
    session.show(msgspec.to_builtins(ending))


def upload_file(session: Session, pipeline: str, file: Path) -> Uploaded:
    """Send the file or folder; return what is needed to find the dataset version it becomes."""
    began = session.monotonic()
    sending = Sending(
        api=session.api,
        progress=session.progress,
        sleep=session.sleep,
        state=state_folder(session.environ, session.folder),
    )
    with source_at(file, session.progress) as source:
        arrived = sending.send(pipeline, source)
    sent = f"{source.name}, {size(source.size_bytes)} → {arrived.key}"
    session.progress.done("upload", sent, session.monotonic() - began)
    return arrived


def version_of(eyes: Watch, arrived: Uploaded) -> str:
    """Wait for the dataset version that an upload becomes."""
    if arrived.version:
        return await_version(eyes, arrived.pipeline, arrived.version)
    return find_uploaded(eyes, arrived.pipeline, arrived.key, arrived.known)


@contextmanager
def source_at(file: Path, progress: Progress) -> Iterator[Source]:
    """Give what to send: the file itself, or the zip of a folder for as long as it is needed."""
    if not file.is_dir():
        yield source_of(file)
        return
    listing = list_pictures(file)
    tell(listing, progress)
    with tempfile.TemporaryDirectory(prefix="headrace-") as folder:
        progress.doing(f"packing {len(listing.pictures):,} files")
        source = pack(file, listing, Path(folder))
        progress.close()
        made = f"{len(listing.pictures):,} files of {len(listing.labels)} labels in {source.name}"
        progress.done("pack", made)
        yield source


def tell(listing: Listing, progress: Progress) -> None:
    """Say what of a folder is not sent."""
    for left_out in listing.left_out[:_TOLD]:
        progress.note(f"left out: {left_out}")
    more = len(listing.left_out) - _TOLD
    if more > 0:
        progress.note(f"left out: {more:,} more")
