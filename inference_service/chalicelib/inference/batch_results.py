"""The formats of a batch's predictions: how a portion is written, and how portions become one file."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.tables import to_csv
from chalicelib.inference.views import Prediction

from shared.errors import Conflict

# The number of the record in the file, and what was answered.
type Numbered = tuple[int, Answer]


class Writer(msgspec.Struct, frozen=True, kw_only=True):
    """A format: ``write`` makes a part, ``join`` the file of all parts in their order."""

    content_type: str
    write: Callable[[list[Numbered]], bytes]
    join: Callable[[Iterable[bytes]], Iterable[bytes]]


def _lines(numbered: list[Numbered]) -> bytes:
    rows: list[Any] = [{"row": row, **msgspec.to_builtins(answer)} for row, answer in numbered]
    return msgspec.json.Encoder().encode_lines(rows)


def _table(numbered: list[Numbered]) -> bytes:
    """Return a table with a header, as requests are answered with ``Accept: text/csv``; nothing for no answers."""
    if not numbered:
        return b""
    named = [_prediction(row, answer) for row, answer in numbered]
    return b"row," + to_csv(named).encode().removeprefix(b"id,")


def _prediction(row: int, answer: Answer) -> Prediction:
    return Prediction(
        id=str(row),
        value=answer.value,
        scores=answer.scores,
        interval=answer.interval,
        points=answer.points,
        items=answer.items,
    )


def _under_one_header(tables: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the tables as one.

    Raises
    ------
    Conflict
        They have not the same columns.
    """
    header: bytes | None = None
    for table in filter(None, tables):
        own, _, rows = table.partition(b"\n")
        if header is None:
            header = own
            yield own + b"\n"
        if own != header:
            raise Conflict("the model's answers have not all the same columns; ask for the result ndjson")
        yield rows


WRITERS = {
    "ndjson": Writer(content_type="application/x-ndjson", write=_lines, join=lambda parts: parts),
    "csv": Writer(content_type="text/csv; charset=utf-8", write=_table, join=_under_one_header),
}
