"""A batch at work: portion by portion through the endpoint of its version, each written before it is counted.

lease → portion: read, check, ask, write its part → checkpoint → … → parts joined → end. A crash at any step costs one
portion at most: the next worker begins at the checkpoint and writes the same part over.
"""

from collections.abc import Callable, Iterable, Iterator

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.batch_input import (
    Checked,
    Lines,
    Unreadable,
    check,
    lines_of,
    read_header,
    read_portion,
)
from chalicelib.inference.batch_rows import Batch, BatchState
from chalicelib.inference.faults import Faults
from chalicelib.inference.formats import CSV, join
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.workflow.batches import Batching, folder_of, result_keys

from shared.errors import (
    BadGateway,
    ConditionFailed,
    Conflict,
    FieldError,
    HeadraceError,
    InvalidBody,
    NotFound,
    PayloadTooLarge,
    PreconditionFailed,
    QuotaExceeded,
    Unavailable,
)

_ENCODER = msgspec.json.Encoder()
MAX_STALLS = 30  # a tick comes each minute
_PATIENCE_S = (0.5, 2.0, 5.0, 15.0)


class _Predicted(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered, by place, and what was not and why."""

    answers: dict[int, Answer]
    faults: dict[int, Faults]


def work(adapters: Batching, pipeline: str, batch_id: str, has_time: Callable[[], bool]) -> None:
    """Work on a batch until it has ended, or until there is no more time: then another invocation goes on.

    Where endpoint or stores do not answer the batch stays as it is and is taken up again, for half an hour.
    """
    try:
        known = adapters.batches.get(pipeline, batch_id)
        batch = adapters.batches.take(known, adapters.owner(), adapters.clock())
    except (NotFound, ConditionFailed):
        adapters.log.info("nothing to do for this batch, or another works on it")
        return
    try:
        _work(adapters, batch, has_time)
    except ConditionFailed:
        adapters.log.info("another worker has taken the batch over")
    except (Unavailable, QuotaExceeded) as error:
        _stall(adapters, batch, error)
    except (NotFound, Conflict, PreconditionFailed, InvalidBody) as error:
        adapters.batches.end(batch, BatchState.FAILED, _reason(error), adapters.clock())


def go_on(adapters: Batching) -> None:
    """Let every batch go on that runs and that nobody works on."""
    for batch in adapters.batches.waiting(adapters.clock()):
        adapters.begin(batch.pipeline, batch.id)


def _stall(adapters: Batching, batch: Batch, error: HeadraceError) -> None:
    """Let the next tick try again, unless that has been going on for too long."""
    adapters.log.warning("batch stalls", extra={"reason": _reason(error)})
    now = adapters.clock()
    known = adapters.batches.get(batch.pipeline, batch.id)
    if known.stalls >= MAX_STALLS:
        adapters.batches.end(batch, BatchState.FAILED, _reason(error), now)
    else:
        adapters.batches.let_go(batch, now, stalled=True)


def _work(adapters: Batching, batch: Batch, has_time: Callable[[], bool]) -> None:
    served = adapters.router.served(batch.pipeline, batch.version)
    lines, header, batch = _open(adapters, batch)
    while has_time():
        portion = read_portion(lines, batch.kind, batch.offset_bytes)
        if not portion.records:
            _finish(adapters, batch)
            return
        checked = check(portion, batch.kind, header, served.validator)
        predicted = _predict(adapters, batch, checked)
        _write_part(adapters, batch, predicted)
        batch = adapters.batches.check_point(
            msgspec.structs.replace(
                batch,
                offset_bytes=portion.end_bytes,
                rows=batch.rows + len(portion.records),
                failed=batch.failed + len(predicted.faults),
                portions=batch.portions + 1,
            ),
            adapters.clock(),
        )
    # The tick begins again: a function that invokes itself is what AWS takes for a loop out of hand.
    adapters.batches.let_go(batch, adapters.clock())


def _open(adapters: Batching, batch: Batch) -> tuple[Lines, bytes, Batch]:
    """Return the input from where the batch stands, and the header of a CSV."""
    info = adapters.bucket.head(batch.input_key, batch.input_version_id)
    stream = adapters.bucket.stream(info)
    header = read_header(lines_of(adapters.bucket.stream(info))) if batch.kind == CSV else b""
    if batch.offset_bytes == 0 and header:
        batch = msgspec.structs.replace(batch, offset_bytes=len(header))
    stream.seek(batch.offset_bytes)
    return lines_of(stream), header, batch


def _predict(adapters: Batching, batch: Batch, checked: Checked) -> _Predicted:
    faults = dict(checked.faults)
    answers: dict[int, Answer] = {}
    for places, answered in _answers(adapters, batch, list(zip(checked.places, checked.good, strict=True))):
        if isinstance(answered, str):
            faults[places[0]] = Faults(named=(FieldError(pointer="", detail=answered),))
        else:
            answers |= dict(zip(places, answered, strict=True))
    return _Predicted(answers=answers, faults=faults)


def _answers(
    adapters: Batching, batch: Batch, rows: list[tuple[int, msgspec.Raw]]
) -> Iterator[tuple[list[int], list[Answer] | str]]:
    """Yield answers by places; records that the model refuses are found by halving, and told with its sentence."""
    if not rows:
        return
    places = [place for place, _ in rows]
    try:
        yield places, _ask(adapters, batch, [record for _, record in rows])
    except (InvalidBody, PayloadTooLarge) as error:
        if len(rows) == 1:
            yield places, str(error)
            return
        half = len(rows) // 2
        yield from _answers(adapters, batch, rows[:half])
        yield from _answers(adapters, batch, rows[half:])


def _ask(adapters: Batching, batch: Batch, records: list[msgspec.Raw]) -> list[Answer]:
    endpoint = endpoint_name(adapters.stage, batch.pipeline, batch.version)
    for pause_s in _PATIENCE_S:
        try:
            answers: list[Answer] = adapters.runtime.invoke(endpoint, join(records), len(records))
        except NotFound:
            raise _gone(adapters, batch) from None
        except BadGateway:
            # The model itself fails: asking again is for the next invocation, later.
            raise
        except Unavailable:
            adapters.pause(pause_s)
        else:
            return answers
    last: list[Answer] = adapters.runtime.invoke(endpoint, join(records), len(records))
    return last


def _gone(adapters: Batching, batch: Batch) -> HeadraceError:
    """Return what it means that the endpoint is not there: it will be back, or the version is not served any more."""
    release = adapters.router.release(batch.pipeline)
    if release is not None and release.live == batch.version:
        return Unavailable(f"the endpoint of {batch.version} is not there now")
    return Conflict(f"{batch.version} is not served any more; predict the file again with what is live now")


def _write_part(adapters: Batching, batch: Batch, predicted: _Predicted) -> None:
    good = [
        {"row": batch.rows + place + 1, **msgspec.to_builtins(answer)}
        for place, answer in sorted(predicted.answers.items())
    ]
    bad = [
        {"row": batch.rows + place + 1, "errors": _told(faults, place)}
        for place, faults in sorted(predicted.faults.items())
    ]
    for name, rows in (("predictions", good), ("rejects", bad)):
        # Also an empty one: what another worker wrote there before it crashed must not stay.
        adapters.bucket.write(_part_key(batch, batch.portions, name), _ENCODER.encode_lines(rows))


def _told(faults: Faults, place: int) -> list[dict[str, str]]:
    prefix = f"/records/{place}"
    return [{"pointer": fault.pointer.removeprefix(prefix), "detail": fault.detail} for fault in faults.named]


def _finish(adapters: Batching, batch: Batch) -> None:
    if batch.rows == 0:
        raise Unreadable("the file has no records")
    for name, key in zip(("predictions", "rejects"), result_keys(batch), strict=True):
        with adapters.bucket.writer(key, content_type="application/x-ndjson") as out:
            for piece in _parts(adapters, batch, name):
                out.write(piece)
    adapters.batches.end(batch, BatchState.SUCCEEDED, None, adapters.clock())


def _parts(adapters: Batching, batch: Batch, name: str) -> Iterable[bytes]:
    return (adapters.bucket.read(_part_key(batch, number, name)) for number in range(batch.portions))


def _part_key(batch: Batch, number: int, name: str) -> str:
    return f"{folder_of(batch.pipeline, batch.id)}parts/{number:06d}.{name}.ndjson"


def _reason(error: HeadraceError) -> str:
    return str(error)[:500]
