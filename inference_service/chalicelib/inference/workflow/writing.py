"""From the log into the table: what a subscription delivers, at least once and in any order.

Lines → those that are ours → in batches, each one transaction of rows and sums → labels that were there first.
A transaction fails whole when a row of it is there already: what is missing goes again, so that nothing is counted
twice. What cannot be read is counted as LogDropped; what cannot be written now is delivered again by Lambda.
"""

import base64
import gzip
import zlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from chalicelib.inference.counting import to_counts
from chalicelib.inference.estimating import expect
from chalicelib.inference.labels import label_of
from chalicelib.inference.log_lines import LogLine, body_of, read
from chalicelib.inference.naming import endpoint_name
from chalicelib.inference.tally import Tally, one_request
from chalicelib.inference.windows import Slot, slot_of
from chalicelib.inference.workflow.context import Logging
from chalicelib.inference.workflow.labelling import settle

from shared import metrics
from shared.entities.serving import PredictionLog
from shared.errors import ConditionFailed, Unavailable

# A transaction has at most 100 parts and 4 MB; what is left of the parts is for sums.
_ROWS, _SLOTS, _BYTES = 80, 20, 2_500_000
_ROUNDS = 5


class _Event(msgspec.Struct, frozen=True):
    message: str


class _Delivery(msgspec.Struct, frozen=True, rename="camel"):
    message_type: str
    log_events: list[_Event] = []


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """One line with the row it becomes."""

    line: LogLine
    chunk: PredictionLog


def messages_of(event: Any) -> list[str]:
    """Return the lines of a delivery of CloudWatch Logs; a control message has none.

    Raises
    ------
    ValueError
        The event is no such delivery.
    """
    try:
        packed = base64.b64decode(event["awslogs"]["data"])
        delivery = msgspec.json.decode(gzip.decompress(packed), type=_Delivery)
    except (KeyError, TypeError, OSError, EOFError, zlib.error, msgspec.DecodeError) as error:
        raise ValueError("the event is no delivery of a log subscription") from error
    return [one.message for one in delivery.log_events] if delivery.message_type == "DATA_MESSAGE" else []


def write(adapters: Logging, messages: Iterable[str]) -> None:
    """Bring *messages* into the table, and join the labels that came before them."""
    dropped = 0
    rows: dict[tuple[str, int], Written] = {}
    for message in messages:
        written = _written(adapters, message)
        if written is None:
            dropped += 1
        else:
            rows[written.chunk.request_id, written.chunk.chunk] = written
    for batch in _batches(rows.values()):
        _store(adapters, batch)
    _join_waiting(adapters, rows.values())
    if dropped:
        dimensions = {"stage": adapters.stage, "service": "inference"}
        metrics.emit({"LogDropped": (dropped, "Count")}, dimensions=dimensions)


def _written(adapters: Logging, message: str) -> Written | None:
    line = read(message)
    if line is None:
        return None
    try:
        return Written(line=line, chunk=_chunk(adapters, line))
    except (ValueError, msgspec.ValidationError):
        return None


def _chunk(adapters: Logging, line: LogLine) -> PredictionLog:
    at = msgspec.convert(line.at, datetime)
    # A failure has a row for nothing but to be counted once, under a key that no prediction has.
    own = line.request_id if line.outcome == "ok" else f"failed#{line.request_id}#{line.model_version}"
    return PredictionLog(
        request_id=own,
        chunk=line.part,
        parts=line.parts,
        row_count=line.row_count,
        pipeline=line.pipeline,
        model_version=line.model_version,
        endpoint=endpoint_name(adapters.stage, line.pipeline, line.model_version),
        at=line.at,
        expires_at_s=int(at.timestamp()) + adapters.ttl_days * 86_400,
        latency_ms=line.latency_ms,
        inputs=line.inputs,
        places=line.places,
        body=body_of(line) if line.outcome == "ok" else b"",
    )


def _batches(rows: Iterable[Written]) -> Iterator[list[Written]]:
    batch: list[Written] = []
    slots: set[Slot] = set()
    size = 0
    for one in rows:
        slot, more = _slot(one), len(one.chunk.body) * 4 // 3
        if batch and (len(batch) >= _ROWS or len({*slots, slot}) > _SLOTS or size + more > _BYTES):
            yield batch
            batch, slots, size = [], set(), 0
        batch.append(one)
        slots.add(slot)
        size += more
    if batch:
        yield batch


def _store(adapters: Logging, batch: list[Written]) -> None:
    missing = batch
    for _ in range(_ROUNDS):
        try:
            _commit(adapters, missing)
        except ConditionFailed:
            missing = [one for one in missing if not adapters.records.has(one.chunk)]
        else:
            return
        if not missing:
            return
    raise Unavailable(f"{len(missing)} predictions are being written by somebody else; deliver them again")


def _commit(adapters: Logging, batch: list[Written]) -> None:
    now = adapters.clock()
    sums: dict[Slot, dict[str, Tally]] = {}
    captured: dict[Slot, dict[str, list[str]]] = {}
    # The first part stands for the request; the others are only more of its content.
    for one in (one for one in batch if one.line.part == 0):
        of_slot = sums.setdefault(_slot(one), {})
        version = one.line.model_version
        of_slot[version] = of_slot.get(version, Tally()) + _tally(one.line)
        if one.line.inputs == "full":
            captured.setdefault(_slot(one), {}).setdefault(version, []).append(one.line.request_id)
    rows = [adapters.records.adding(one.chunk) for one in batch]
    added = [
        adapters.windows.adding(
            slot,
            {version: to_counts(tally) for version, tally in of_slot.items()},
            now,
            captured.get(slot, {}),
        )
        for slot, of_slot in sums.items()
    ]
    adapters.records.transact([*rows, *added])


def _tally(line: LogLine) -> Tally:
    counted = one_request(line.latency_ms, failed=line.outcome != "ok", cold=line.cold)
    # An answer in parts is whole nowhere here: it is counted, and says nothing of what it expects.
    said = expect(line.content.predictions) if line.content else Tally()
    return counted + Tally(rows=line.row_count) + said


def _slot(one: Written) -> Slot:
    return slot_of(one.line.pipeline, one.line.at)


def _join_waiting(adapters: Logging, rows: Iterable[Written]) -> None:
    """Join what labels waited for these predictions; also those of a delivery that broke off before."""
    answered = [(one.line.pipeline, one.line.request_id) for one in rows if one.line.outcome == "ok"]
    for pipeline, request_id in dict.fromkeys(answered):
        waiting = [label for label in adapters.records.labels(request_id) if label.counted is None]
        own = [label_of(label) for label in waiting if label.pipeline == pipeline]
        if own:
            settle(adapters, pipeline, own)
