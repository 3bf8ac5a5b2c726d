"""Adapter: the predictions table, the record of every request that was answered, and the labels that came to it.

In the partition of a request are its chunks, from 0 on, and below them its labels: row *i* is labelled in item
``-1 - i``. One query returns both.
"""

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from chalicelib.inference.answers import Answer
from chalicelib.inference.labels import StoredLabel
from chalicelib.inference.log_lines import unpack

from shared.codec import from_row, to_row
from shared.conditions import Absent, having
from shared.entities.serving import PredictionLog
from shared.readers import all_rows
from shared.tables import Table, Write

MAX_ROW = 99_999
_AT_A_TIME = 8  # as many connections as one process keeps open


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it was logged; ``hashes`` are of its records, where the pipeline's policy has them."""

    about: PredictionLog
    predictions: Sequence[Answer]
    hashes: Sequence[str] = ()

    def place(self, row: int) -> int | None:
        """Return where the answer to the request's *row* stands, None where it was not answered."""
        places = self.about.places
        if places is None:
            return row if row < len(self.predictions) else None
        return places.index(row) if row in places else None


class Partition(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a request: its record, None while it is not there or not whole, and labels by row."""

    logged: Logged | None = None
    labels: dict[int, StoredLabel] = {}


class PredictionRecords:
    """Reads the record of requests, and writes it as parts of transactions; each row lives until its TTL."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def adding(self, chunk: PredictionLog) -> Write:
        """Return the writing of a chunk that is not there yet."""
        return self._table.putting(to_row(chunk), only_if=Absent("request_id"))

    def labelling(self, label: StoredLabel) -> Write:
        """Return the writing of a label over the one with the revision before, or over none for revision 1."""
        before = having("rev", label.rev - 1) if label.rev > 1 else Absent("request_id")
        return self._table.putting(to_row(label), only_if=before)

    def transact(self, writes: Iterable[Write]) -> None:
        """Do all *writes* or none; ConditionFailed where one of them met what it did not expect."""
        self._table.transact(*writes)

    def has(self, chunk: PredictionLog) -> bool:
        """Say whether the chunk is there."""
        found = self._table.query(chunk.request_id, between=(chunk.chunk, chunk.chunk))
        return bool(found.rows)

    def find(self, request_id: str) -> Partition:
        """Return all that is known of a request."""
        rows = all_rows(self._table, request_id, between=(-1 - MAX_ROW, MAX_ROW))
        labels = [from_row(row, StoredLabel) for row in rows if row["chunk"] < 0]
        chunks = [from_row(row, PredictionLog) for row in rows if row["chunk"] >= 0]
        return Partition(logged=_logged(chunks), labels={label.row: label for label in labels})

    def find_all(self, request_ids: Collection[str]) -> dict[str, Partition]:
        """Return all that is known of each request."""
        if len(request_ids) == 1:
            return {name: self.find(name) for name in request_ids}
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            names = list(request_ids)
            return dict(zip(names, pool.map(self.find, names), strict=True))

    def labels(self, request_id: str) -> list[StoredLabel]:
        """Return the labels of a request alone."""
        rows = all_rows(self._table, request_id, between=(-1 - MAX_ROW, -1))
        return [from_row(row, StoredLabel) for row in rows]


def _logged(chunks: list[Any]) -> Logged | None:
    # Lines come in any order, and TTL deletes item by item: only all of them are a record.
    if not chunks or len(chunks) != chunks[0].parts:
        return None
    content = unpack(b"".join(chunk.body for chunk in chunks))
    if content is None:
        return None
    return Logged(about=chunks[0], predictions=content.predictions, hashes=content.hashes)
