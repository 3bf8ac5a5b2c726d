"""What becomes of a label: stored, joined to its prediction, or left aside. All of it is decided here, from what is stored.

The same value again changes nothing; of two values the one observed later holds, whichever came first. A label
whose prediction is not (yet) on record waits for it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.counting import to_counts
from chalicelib.inference.quality import Misfit, Truth, judge

# The log is seconds behind, an outage of it perhaps hours; what waits longer names nothing.
WAITS_FOR = timedelta(days=7)


class Result(StrEnum):
    """What became of a label; ``superseded``: a value that was observed later is there already."""

    JOINED = "joined"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"
    SUPERSEDED = "superseded"
    WAITING = "waiting"
    INVALID = "invalid"


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Where and with what a label is in the sums: the version and time of its prediction, and the counts."""

    version: str
    at: str
    counts: Mapping[str, int]


class StoredLabel(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the predictions table; ``counted`` is None while the prediction is not on record."""

    request_id: str
    chunk: int
    pipeline: str
    value: Truth
    observed_at: str
    received_at: str
    expires_at_s: int
    counted: Counted | None = None
    rev: int = 1

    @property
    def row(self) -> int:
        """The row of the request that is labelled."""
        return -1 - self.chunk


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A label as it was sent, to the ``row`` of a request."""

    request_id: str
    row: int
    pipeline: str
    value: Truth
    observed_at: str


class Predicted(msgspec.Struct, frozen=True, kw_only=True):
    """What a label is held against."""

    answer: Answer
    version: str
    at: str
    expires_at_s: int


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a label, why, and the row to write, None where all is as it should be."""

    result: Result
    detail: str = ""
    write: StoredLabel | None = None
    before: Counted | None = None


def decide(label: Label, stored: StoredLabel | None, predicted: Predicted | None, now: datetime) -> Decision:
    """Return what becomes of *label*, beside what is *stored* under its id, if its prediction is *predicted*."""
    # What waited under another pipeline's name is nobody's label.
    known = stored if stored and stored.pipeline == label.pipeline else None
    settled = _beside(label, known, has_prediction=predicted is not None) if known else None
    if settled:
        return settled
    try:
        counted = _counted(predicted, label.value)
    except Misfit as misfit:
        return Decision(result=Result.INVALID, detail=f"the value {misfit}")
    write = _row(label, predicted, counted, now, 1 + (stored.rev if stored else 0))
    return _written(write, known)


def _written(write: StoredLabel, known: StoredLabel | None) -> Decision:
    """Return what becomes of a label that is written, beside the one that is *known*."""
    if write.counted is None:
        return Decision(result=Result.WAITING, write=write)
    before = known.counted if known else None
    return Decision(result=Result.REPLACED if before else Result.JOINED, write=write, before=before)


def _beside(label: Label, known: StoredLabel, *, has_prediction: bool) -> Decision | None:
    """Return what becomes of *label* where the one that is *known* leaves nothing to write."""
    if not _is_same(known.value, label.value):
        held = f"a value observed at {known.observed_at} holds"
        is_older = label.observed_at < known.observed_at
        return Decision(result=Result.SUPERSEDED, detail=held) if is_older else None
    if known.counted:
        return Decision(result=Result.UNCHANGED)
    return None if has_prediction else Decision(result=Result.WAITING)


def newest(labels: list[Label]) -> Label:
    """Return which of several *labels* of one prediction holds: the one observed last, of equals the last one."""
    return max(enumerate(labels), key=lambda one: (one[1].observed_at, one[0]))[1]


def label_of(stored: StoredLabel) -> Label:
    """Return a label that waited, as it was sent."""
    return Label(
        request_id=stored.request_id,
        row=stored.row,
        pipeline=stored.pipeline,
        value=stored.value,
        observed_at=stored.observed_at,
    )


def _is_same(one: Truth, other: Truth) -> bool:
    # In Python true is 1.
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _counted(predicted: Predicted | None, truth: Truth) -> Counted | None:
    if predicted is None:
        return None
    counts = to_counts(judge(predicted.answer, truth))
    return Counted(version=predicted.version, at=predicted.at, counts=counts)


def _row(
    label: Label, predicted: Predicted | None, counted: Counted | None, now: datetime, rev: int
) -> StoredLabel:
    # With its prediction it goes, as long as there is one.
    until_s = predicted.expires_at_s if predicted else int((now + WAITS_FOR).timestamp())
    return StoredLabel(
        request_id=label.request_id,
        chunk=-1 - label.row,
        pipeline=label.pipeline,
        value=label.value,
        observed_at=label.observed_at,
        received_at=f"{now:%Y-%m-%dT%H:%M:%SZ}",
        expires_at_s=until_s,
        counted=counted,
        rev=rev,
    )
