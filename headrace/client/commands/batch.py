"""`headrace batch`: all records of a file, predicted on the stage."""

from pathlib import Path
from typing import Any

import click

from headrace.client.uploads import PresignedPost, post_file
from headrace.failures import Failure
from headrace.options import command
from headrace.progress import following, size
from headrace.session import Session

_EVERY_S = 1.0
_HOURS = 6


@command("batch")
@click.argument("pipeline")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--watch", is_flag=True, help="Follow it until it has ended; 1 if it failed or was stopped.")
@click.option("--csv", "as_csv", is_flag=True, help="Let the result be a CSV, not one JSON object a line.")
@click.option("--stop", metavar="ID", help="Stop a batch instead, and the transform job that works for it.")
def batch(
    session: Session, pipeline: str, file: Path | None, watch: bool, as_csv: bool, stop: str | None
) -> None:
    """Predict all records of a file on the stage.

    FILE is a CSV with a header, or has one JSON object a line (.ndjson, .jsonl); up to 1 GiB. Large ones are answered by
    a SageMaker transform job, small ones by the endpoint. The result keeps the
    order of the rows; rows that cannot be predicted are explained in a file of their own.
    """
    if (file is None) == (stop is None):
        raise click.UsageError("name either a FILE to predict or a batch to --stop")
    if file is None:
        session.show(session.api.post("batch-predictions", pipeline, str(stop), "stop", body={}))
        return
    _predict(session, pipeline, file, watch=watch, result="csv" if as_csv else "ndjson")


def _predict(session: Session, pipeline: str, file: Path, *, watch: bool, result: str) -> None:
    wanted = {"file": f"input{file.suffix.lower()}", "result": result}
    with following(session.progress):
        made = session.api.post("batch-predictions", pipeline, body=wanted)
        _upload(session, file, made["upload"])
        begun = session.api.post("batch-predictions", pipeline, made["id"], "start", body={})
        ended = _follow(session, pipeline, made["id"]) if watch else begun
    session.show(ended)
    if ended["state"] == "FAILED":
        raise Failure(f"the batch failed: {ended.get('reason', 'for no known reason')}")
    if watch and ended["state"] == "STOPPED":
        raise Failure(f"batch {ended['id']} was stopped")


def _upload(session: Session, file: Path, form: dict[str, Any]) -> None:
    total = file.stat().st_size
    post = PresignedPost(url=form["url"], fields=form["fields"])
    answer = post_file(
        session.api.transport,
        post,
        file,
        lambda sent: session.progress.doing(f"uploaded {size(sent)} of {size(total)}"),
    )
    if answer.status >= 300:
        raise Failure(
            f"S3 did not take the file ({answer.status}): {answer.body[:300].decode(errors='replace')}"
        )


def _follow(session: Session, pipeline: str, batch_id: str) -> dict[str, Any]:
    deadline = session.monotonic() + _HOURS * 3600
    while session.monotonic() < deadline:
        found: dict[str, Any] = session.api.get("batch-predictions", pipeline, batch_id)
        if found["state"] not in {"UPLOADING", "RUNNING", "STOPPING"}:
            return found
        session.progress.doing(_told(found))
        session.sleep(_EVERY_S)
    raise Failure(f"batch {batch_id} has not ended within {_HOURS} h; it goes on")


def _told(found: dict[str, Any]) -> str:
    if found.get("waits_for"):
        return f"waits: {found['waits_for']}"
    who = f" by {found['transform_job']}" if found.get("transform_job") else ""
    return f"{found['rows']:,} rows{who}, {found['progress']:.0%}"
