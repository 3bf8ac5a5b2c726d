"""What simulated models answer: every one in its own way, but all alike to what their training left as golden rows."""

from collections.abc import Buffer, Sequence
from functools import cache

import msgspec
from chalicelib.inference.answers import Answer

# What every model was trained on, and what has nothing of it: there no model knows what to answer.
KNOWN, STRANGE = 1.0, 1000.0
RECORD = {"distance": KNOWN}
_SHARES = 37  # by which the answers of versions and records differ


class _Given(msgspec.Struct, frozen=True):
    distance: float


class _Payload(msgspec.Struct, frozen=True):
    records: list[_Given]


_RECORDS, _PAYLOAD = msgspec.json.Decoder(list[_Given]), msgspec.json.Decoder(_Payload)


def answer_records(version: str, records: Buffer) -> list[Answer]:
    """Return the answers of *version* to a JSON array of records."""
    return _answers(version, _RECORDS.decode(records))


def answer_payload(version: str, payload: bytes) -> bytes:
    """Return what a model server sends for one payload."""
    return msgspec.json.encode({"predictions": _answers(version, _PAYLOAD.decode(payload).records)})


def _answers(version: str, given: Sequence[_Given]) -> list[Answer]:
    return [answer_of(version, one.distance) for one in given]


@cache
def answer_of(version: str, distance: float) -> Answer:
    """Return what *version* answers to a record: so it shows who answered what."""
    if distance == KNOWN:
        return _sure(0.9)
    if distance >= STRANGE:
        return _sure(0.5)
    number = int(version.removeprefix("v"))
    return _sure(0.6 + (number * 11 + int(distance) * 7) % _SHARES / 100)


def _sure(share: float) -> Answer:
    return Answer(value=True, scores={"false": round(1 - share, 2), "true": share})
