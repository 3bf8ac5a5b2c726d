"""The portions of a batch: read and checked, asked of the endpoint, written in two parts, joined at the end."""

from collections.abc import Iterable
from functools import partial
from typing import Any

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
from chalicelib.inference.batch_results import WRITERS
from chalicelib.inference.batch_rows import Batch, BatchState
from chalicelib.inference.faults import Faults
from chalicelib.inference.formats import CSV, join
from chalicelib.inference.halving import ask_in_halves
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.validation import Validator
from chalicelib.inference.workflow.batches import Batching, folder_of, result_keys

from shared.errors import (
    BadGateway,
    Conflict,
    FieldError,
    HeadraceError,
    NotFound,
    Unavailable,
)

_ENCODER = msgspec.json.Encoder()
_PATIENCE_S = (0.5, 2.0, 5.0, 15.0)
_KINDS = ("predictions", "rejects")


class Predicted(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered, by place, and what was not and why."""

    answers: dict[int, Answer]
    faults: dict[int, Faults]


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """The input of a batch from its checkpoint on."""

    lines: Lines
    kind: str
    header: bytes
    validator: Validator

    def next(self, start_bytes: int, most_rows: int) -> tuple[Checked, int, int]:
        """Return the next records, checked, how many there were, none at the end, and where they end."""
        portion = read_portion(self.lines, self.kind, start_bytes, most_rows)
        if not portion.records:
            return Checked(good=[], places=[], faults={}), 0, portion.end_bytes
        checked = check(portion, self.kind, self.header, self.validator)
        return checked, len(portion.records), portion.end_bytes


def open_input(adapters: Batching, batch: Batch) -> tuple[Reader, Batch]:
    """Return the input from where the batch stands, and the batch behind the header of a CSV."""
    info = adapters.bucket.head(batch.input_key, batch.input_version_id)
    stream = adapters.bucket.stream(info)
    header = read_header(lines_of(adapters.bucket.stream(info))) if batch.kind == CSV else b""
    if batch.offset_bytes == 0 and header:
        batch = msgspec.structs.replace(batch, offset_bytes=len(header))
    stream.seek(batch.offset_bytes)
    validator = adapters.router.served(batch.pipeline, batch.version).validator
    return Reader(lines=lines_of(stream), kind=batch.kind, header=header, validator=validator), batch


def predict(adapters: Batching, batch: Batch, checked: Checked) -> Predicted:
    """Ask the endpoint of the batch's version for the good records of a portion."""
    faults = dict(checked.faults)
    answers: dict[int, Answer] = {}
    rows = list(zip(checked.places, checked.good, strict=True))
    for places, answered in ask_in_halves(partial(_ask, adapters, batch), rows):
        if isinstance(answered, str):
            faults[places[0]] = Faults(named=(FieldError(pointer="", detail=answered),))
        else:
            answers |= dict(zip(places, answered, strict=True))
    return Predicted(answers=answers, faults=faults)


def write_part(adapters: Batching, batch: Batch, number: int, rows_before: int, predicted: Predicted) -> None:
    """Write what came of portion *number*, in the order of its rows."""
    good = [(rows_before + place + 1, answer) for place, answer in sorted(predicted.answers.items())]
    bad: list[Any] = [
        {"row": rows_before + place + 1, "errors": _told(faults, place)}
        for place, faults in sorted(predicted.faults.items())
    ]
    parts = (WRITERS[batch.result].write(good), _ENCODER.encode_lines(bad))
    for name, part in zip(_KINDS, parts, strict=True):
        # Also an empty one: what another worker wrote there before it crashed must not stay.
        adapters.bucket.write(_part_key(batch, number, name), part)


def join_parts(adapters: Batching, batch: Batch) -> Batch:
    """Join the parts into the two results and end the batch.

    Raises
    ------
    Unreadable
        There were no records at all.
    """
    if batch.rows == 0:
        raise Unreadable("the file has no records")
    results, rejects = WRITERS[batch.result], WRITERS["ndjson"]
    for name, key, writer in zip(_KINDS, result_keys(batch), (results, rejects), strict=True):
        with adapters.bucket.writer(key, content_type=writer.content_type) as out:
            for piece in writer.join(_parts(adapters, batch, name)):
                out.write(piece)
    ended: Batch = adapters.batches.end(batch, BatchState.SUCCEEDED, None, adapters.clock())
    return ended


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


def _told(faults: Faults, place: int) -> list[dict[str, str]]:
    prefix = f"/records/{place}"
    return [{"pointer": fault.pointer.removeprefix(prefix), "detail": fault.detail} for fault in faults.named]


def _parts(adapters: Batching, batch: Batch, name: str) -> Iterable[bytes]:
    return (adapters.bucket.read(_part_key(batch, number, name)) for number in range(batch.portions))


def _part_key(batch: Batch, number: int, name: str) -> str:
    return f"{folder_of(batch.pipeline, batch.id)}parts/{number:06d}.{name}"
