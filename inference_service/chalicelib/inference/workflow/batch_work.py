"""A batch at work, whoever answers it: taken with a lease, brought as far as it goes, let go or ended.

By the endpoint: portion: read, check, ask, write its parts, checkpoint, and so on, parts joined, end. By a transform job: see
``batch_transform``. A crash at any step costs one portion at most: the next worker begins at the checkpoint and writes the
same part over.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from chalicelib.inference.batch_input import PORTION_ROWS
from chalicelib.inference.batch_rows import ENDED, Batch, BatchState, Way
from chalicelib.inference.workflow import batch_portions, batch_transform
from chalicelib.inference.workflow.batches import Batching, wake_if_asleep

from shared.errors import (
    Broken,
    ConditionFailed,
    Conflict,
    HeadraceError,
    InvalidBody,
    NotFound,
    PreconditionFailed,
    QuotaExceeded,
    Unavailable,
)

MAX_STALLS = 30  # a tick comes each minute
_OUTPUT = re.compile(r"/batch/([^/]+)/([^/]+)/transform/out/?$")


def work(adapters: Batching, pipeline: str, batch_id: str, has_time: Callable[[], bool]) -> None:
    """Work on a batch until it has ended, waits for its job, or until there is no more time.

    Where endpoint or stores do not answer, or refuse, the batch stays as it is and is taken up again, for half an hour; where
    an account limit is reached, until there is room or somebody stops it.
    """
    try:
        known = adapters.batches.get(pipeline, batch_id)
        batch = adapters.batches.take(known, adapters.owner(), adapters.clock())
    except (NotFound, ConditionFailed):
        adapters.log.info("nothing to do for this batch, or another works on it")
        return
    try:
        _bring_on(adapters, batch, has_time)
    except ConditionFailed:
        adapters.log.info("another worker has taken the batch over")
    except QuotaExceeded as error:
        adapters.batches.let_go(batch, adapters.clock(), waits_for=_reason(error))
    except (Broken, Unavailable) as error:
        _stall(adapters, batch, error)
    except (NotFound, Conflict, PreconditionFailed, InvalidBody) as error:
        _end(adapters, batch, BatchState.FAILED, _reason(error))


def on_job_ended(adapters: Batching, detail: Mapping[str, Any]) -> None:
    """Let the batch go on whose transform job the event is about, and the oldest of those that wait for an instance.

    A job of somebody else's is nobody's business.
    """
    output = detail.get("TransformOutput") or {}
    found = _OUTPUT.search(str(output.get("S3OutputPath", "")))
    if found is None:
        adapters.log.info("not a transform job of a batch")
        return
    adapters.begin(found[1], found[2])
    # Otherwise who looks first gets what is free now: a new batch, which looks at once, before those that are told each minute.
    in_line = [batch for batch in adapters.batches.waiting(adapters.clock()) if batch.waits_for]
    for batch in in_line[:1]:
        adapters.begin(batch.pipeline, batch.id)


def go_on(adapters: Batching) -> None:
    """Let every batch go on that nobody works on; an endpoint that one waits for and that sleeps is started."""
    for batch in adapters.batches.waiting(adapters.clock()):
        # Here, since the function that works on batches may make no endpoints.
        if batch.stalls:
            _wake(adapters, batch)
        adapters.begin(batch.pipeline, batch.id)


def _wake(adapters: Batching, batch: Batch) -> None:
    """Start the endpoint that a batch waits for; what fails is the next minute's, and holds up no other batch."""
    try:
        wake_if_asleep(adapters, batch.pipeline)
    except HeadraceError:
        adapters.log.warning("not woken; the next minute looks again", exc_info=True)


def _bring_on(adapters: Batching, batch: Batch, has_time: Callable[[], bool]) -> None:
    if batch.state is BatchState.RUNNING:
        bring_on = batch_transform.bring_on if batch.way is Way.TRANSFORM else _through_endpoint
        batch = bring_on(adapters, batch, has_time)
    if batch.state is BatchState.STOPPING and batch_transform.has_stopped(adapters, batch):
        _end(adapters, batch, BatchState.STOPPED, None)
    elif batch.state not in ENDED:
        # The tick begins again: a function that invokes itself is what AWS takes for a loop out of hand.
        adapters.batches.let_go(batch, adapters.clock())


def _through_endpoint(adapters: Batching, batch: Batch, has_time: Callable[[], bool]) -> Batch:
    """Return the batch as far as it came: to its end, unless there is no more time or somebody wants it stopped."""
    reader, batch = batch_portions.open_input(adapters, batch)
    while batch.state is BatchState.RUNNING and has_time():
        checked, count, end_bytes = reader.next(batch.offset_bytes, PORTION_ROWS)
        if not count:
            return batch_portions.join_parts(adapters, batch)
        predicted = batch_portions.predict(adapters, batch, checked)
        batch_portions.write_part(adapters, batch, batch.portions, batch.rows, predicted)
        done = msgspec.structs.replace(
            batch,
            offset_bytes=end_bytes,
            rows=batch.rows + count,
            failed=batch.failed + len(predicted.faults),
            portions=batch.portions + 1,
        )
        batch = adapters.batches.check_point(done, adapters.clock())
    return batch


def _stall(adapters: Batching, batch: Batch, error: HeadraceError) -> None:
    """Let the next tick try again, unless that has been going on for too long."""
    adapters.log.warning("batch stalls", extra={"reason": _reason(error)})
    known = adapters.batches.get(batch.pipeline, batch.id)
    if known.stalls >= MAX_STALLS:
        _end(adapters, batch, BatchState.FAILED, _reason(error))
    else:
        adapters.batches.let_go(batch, adapters.clock(), stalled=True)


def _end(adapters: Batching, batch: Batch, state: BatchState, reason: str | None) -> None:
    if batch.way is Way.TRANSFORM:
        batch_transform.tidy(adapters, batch)
    adapters.batches.end(batch, state, reason, adapters.clock())


def _reason(error: HeadraceError) -> str:
    return str(error)[:500]
