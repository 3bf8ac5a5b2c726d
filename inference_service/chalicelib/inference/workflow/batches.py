"""Batch predictions as they are asked for: made, started, stopped, looked at."""

import re
from collections.abc import Callable
from typing import Any

import msgspec
from chalicelib.inference.batch_input import KINDS
from chalicelib.inference.batch_plan import Where
from chalicelib.inference.batch_rows import ATTENTION, Batch, BatchState, Way, entry_of
from chalicelib.inference.batch_views import BatchList, BatchView, NewBatch, UploadForm, batch_view
from chalicelib.inference.naming import transform_name
from chalicelib.inference.ports import Artifacts, Transforms
from chalicelib.inference.routing import nothing_live

from shared.clock import Clock, to_text
from shared.errors import ConditionFailed, Conflict, FieldError, HeadraceError, InvalidBody, NotFound
from shared.objects import Bucket, split_uri

MAX_BYTES = 1024**3
LINK_S = 15 * 60
_SUFFIX = re.compile(r"\.(csv|ndjson|jsonl)$")


class Batching(msgspec.Struct, frozen=True, kw_only=True):
    """The adapters of batches.

    ``begin`` lets the function that works on them begin with one, ``wake`` starts the endpoint of a pipeline that slept.
    An input of ``transform_from_bytes`` or more is answered by a transform job, which runs as ``where`` says.
    """

    stage: str
    pipelines: Any
    batches: Any
    bucket: Bucket
    router: Any
    runtime: Any
    models: Any
    artifacts: Artifacts
    transforms: Transforms
    where: Where
    transform_from_bytes: int
    begin: Callable[[str, str], None]
    wake: Callable[[str], None]
    owner: Callable[[], str]
    clock: Clock
    pause: Callable[[float], None]
    log: Any


def create(
    adapters: Batching, pipeline: str, new: NewBatch, who: str, *, wish: str | None = None
) -> BatchView:
    """Take a batch: with ``input_uri`` it begins at once, with ``file`` when that has been uploaded.

    A *wish* that was granted within a day gives the batch that it made: its answer may have been lost.

    Raises
    ------
    NotFound
        There is no such pipeline, or no such object.
    Conflict
        Nothing is live yet.
    InvalidBody
        Neither or both are given, or the object is not one that a batch of this pipeline may read.
    """
    # Before the look at the pipeline: where that is deleted in between, the minute stops what is begun here.
    life = adapters.pipelines.life(pipeline)
    release = _live(adapters, pipeline)
    if (new.file is None) == (new.input_uri is None):
        raise _invalid("", "give either `file` or `input_uri`")
    batch = msgspec.structs.replace(_new(adapters, pipeline, new, release.live, who), life=life)
    planned = batch if new.file else _running(adapters, batch)
    made: Batch = adapters.batches.add(planned, wish, adapters.clock())
    if made.state is BatchState.RUNNING:
        adapters.begin(pipeline, made.id)
    return _view(adapters, made)


def start(adapters: Batching, pipeline: str, batch_id: str) -> BatchView:
    """Begin with a batch whose file was uploaded; one that has begun goes on.

    Raises
    ------
    NotFound
        There is no such batch, or its pipeline is deleted.
    Conflict
        Its file is not there.
    """
    batch = adapters.batches.get(pipeline, batch_id)
    if batch.state is BatchState.UPLOADING:
        adapters.pipelines.get(pipeline)
        try:
            running = _running(adapters, batch)
        except NotFound:
            raise Conflict(f"the file of batch {batch_id} is not there; upload it first") from None
        try:
            batch = adapters.batches.start(running, adapters.clock())
        except ConditionFailed:
            batch = adapters.batches.get(pipeline, batch_id)
    if batch.state is BatchState.RUNNING:
        adapters.begin(pipeline, batch_id)
    return _view(adapters, batch)


def stop(adapters: Batching, pipeline: str, batch_id: str) -> BatchView:
    """Ask for the end of a batch: what works on it ends it, and its transform job; one that has ended stays as it is.

    Raises
    ------
    NotFound
        There is no such batch.
    Conflict
        It changed just now: ask again.
    """
    batch = adapters.batches.get(pipeline, batch_id)
    if batch.state in {BatchState.UPLOADING, BatchState.RUNNING}:
        batch = adapters.batches.stop(batch, adapters.clock())
    if batch.state is BatchState.STOPPING:
        adapters.begin(pipeline, batch_id)
    return _view(adapters, batch)


def stop_deleted(adapters: Batching) -> None:
    """Stop the batches of deleted pipelines; those of a later pipeline of the same name go on."""
    lives = {deletion.pipeline: deletion.life for deletion in adapters.pipelines.deletions()}
    for batch in adapters.batches.active():
        if batch.state is BatchState.RUNNING and batch.life < lives.get(batch.pipeline, 0):
            adapters.log.info("stopping a batch of a deleted pipeline", extra={"pipeline": batch.pipeline})
            try:
                adapters.batches.stop(batch, adapters.clock())
            except HeadraceError:
                adapters.log.warning("not stopped; the next minute looks again", exc_info=True)


def show(adapters: Batching, pipeline: str, batch_id: str) -> BatchView:
    """Return a batch, with links to its result once it is there."""
    return _view(adapters, adapters.batches.get(pipeline, batch_id))


def show_all(adapters: Batching, pipeline: str, limit: int) -> BatchList:
    """Return the newest batches of a pipeline, without links."""
    adapters.pipelines.get(pipeline)
    found = adapters.batches.newest(pipeline, limit)
    return BatchList(batches=[batch_view(one, adapters.bucket.uri(one.input_key)) for one in found])


def folder_of(pipeline: str, batch_id: str) -> str:
    """Return where a batch has its files; by pipeline, since tokens are."""
    return f"batch/{pipeline}/{batch_id}/"


def result_keys(batch: Batch) -> tuple[str, str]:
    """Return the keys of the predictions and of the rejects."""
    folder = f"{folder_of(batch.pipeline, batch.id)}out/"
    return f"{folder}predictions.{batch.result}", f"{folder}rejects.ndjson"


def _view(adapters: Batching, batch: Batch) -> BatchView:
    links: dict[str, Any] = {}
    if batch.attempt:
        links["transform_job"] = transform_name(adapters.stage, batch.id, batch.attempt)
    if batch.state is BatchState.UPLOADING:
        form = adapters.bucket.presign_post(batch.input_key, max_bytes=MAX_BYTES, expires_s=LINK_S)
        links["upload"] = UploadForm(url=form["url"], fields=form["fields"])
    if batch.state is BatchState.SUCCEEDED:
        result, rejects = result_keys(batch)
        links["result_url"] = adapters.bucket.presign_get(result, expires_s=LINK_S)
        if batch.failed:
            links["rejects_url"] = adapters.bucket.presign_get(rejects, expires_s=LINK_S)
    return batch_view(batch, adapters.bucket.uri(batch.input_key), **links)


def _new(adapters: Batching, pipeline: str, new: NewBatch, version: str, who: str) -> Batch:
    now = adapters.clock()
    batch_id = f"{now:%Y%m%dT%H%M%S}-{adapters.owner()[:12]}"
    key = (
        f"{folder_of(pipeline, batch_id)}in/{new.file}"
        if new.file
        else _key_of(adapters, pipeline, new.input_uri or "")
    )
    return Batch(
        pipeline=pipeline,
        entry=entry_of(batch_id),
        state=BatchState.UPLOADING,
        version=version,
        kind=KINDS[_suffix(key)],
        result=new.result,
        input_key=key,
        who=who,
        created_at=to_text(now),
        updated_at=to_text(now),
    )


def _running(adapters: Batching, batch: Batch) -> Batch:
    """Return the batch as it runs: its input held still, and who answers it chosen by the input's size."""
    info = adapters.bucket.head(batch.input_key)
    if info.size_bytes > MAX_BYTES:
        detail = f"has {info.size_bytes} bytes; the limit of a batch is {MAX_BYTES}"
        raise _invalid("/input_uri", detail)
    is_large = info.size_bytes >= adapters.transform_from_bytes
    if not is_large:
        wake_if_asleep(adapters, batch.pipeline)
    return msgspec.structs.replace(
        batch,
        state=BatchState.RUNNING,
        way=Way.TRANSFORM if is_large else Way.ENDPOINT,
        attention=ATTENTION,
        input_version_id=info.version_id,
        size_bytes=info.size_bytes,
    )


def wake_if_asleep(adapters: Batching, pipeline: str) -> None:
    """Start the endpoint that a batch needs and that was stopped because nobody asked for long."""
    release = adapters.router.release(pipeline)
    if release and release.asleep_at:
        # The batch waits for it, tick by tick.
        adapters.wake(pipeline)


def _live(adapters: Batching, pipeline: str) -> Any:
    """Return the release row of a pipeline that has something live."""
    adapters.pipelines.get(pipeline)
    release = adapters.router.release(pipeline)
    if release is None or release.live is None:
        raise Conflict(nothing_live(pipeline, release))
    return release


def _key_of(adapters: Batching, pipeline: str, uri: str) -> str:
    bucket, key = split_uri(uri)
    # What belongs to another pipeline is not this caller's to read, and what is elsewhere not ours.
    if bucket != adapters.bucket.name or not key.startswith(f"batch/{pipeline}/") or ".." in key:
        where = adapters.bucket.uri(f"batch/{pipeline}/")
        raise _invalid("/input_uri", f"must be an object under {where}")
    if not _SUFFIX.search(key):
        raise _invalid("/input_uri", "must end in .csv, .ndjson or .jsonl")
    return key


def _suffix(key: str) -> str:
    match = _SUFFIX.search(key)
    return match[0] if match else ""


def _invalid(pointer: str, detail: str) -> InvalidBody:
    return InvalidBody(f"{pointer or 'The body'}: {detail}", (FieldError(pointer=pointer, detail=detail),))
