"""Adapter: the predictions table, the record of every request that was answered."""

import gzip
import zlib
from collections.abc import Sequence
from typing import Any

import msgspec
from chalicelib.inference.answers import Answer

from shared.codec import from_row, to_row
from shared.entities.serving import PredictionLog
from shared.readers import all_rows
from shared.tables import Table

CHUNK_BYTES = 350_000  # DynamoDB takes 400 KB an item, names and numbers included


class Logged(msgspec.Struct, frozen=True, kw_only=True):
    """One request as it was logged."""

    about: PredictionLog
    records: list[dict[str, Any]]
    predictions: list[Answer]


class _Written(msgspec.Struct, frozen=True):
    """What the gzipped body holds: the records as they were sent and what was answered."""

    records: msgspec.Raw
    predictions: Sequence[Answer]


class _Stored(msgspec.Struct, frozen=True):
    records: list[dict[str, Any]]
    predictions: list[Answer]


class PredictionRecords:
    """Writes and reads the record of requests; each lives until its TTL."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def write(self, about: PredictionLog, records: bytes, predictions: Sequence[Answer]) -> None:
        """Write one request's record; *about* is its first chunk without the body, *records* a JSON array."""
        content = _Written(msgspec.Raw(records), predictions)
        # The fastest level: it runs while the caller waits, and records repeat their field names anyway.
        body = gzip.compress(msgspec.json.encode(content), compresslevel=1, mtime=0)
        pieces = [body[start : start + CHUNK_BYTES] for start in range(0, len(body), CHUNK_BYTES)]
        # The first chunk goes last: where it is, the record is whole.
        for chunk, piece in reversed(list(enumerate(pieces))):
            row = to_row(msgspec.structs.replace(about, chunk=chunk, body=b""))
            self._table.put(row | {"body": piece})

    def find(self, request_id: str) -> Logged | None:
        """Return the record of a request, None where there is none (any more)."""
        rows = [from_row(row, PredictionLog) for row in all_rows(self._table, request_id)]
        if not rows or rows[0].chunk != 0:
            return None
        try:
            stored = msgspec.json.decode(gzip.decompress(b"".join(row.body for row in rows)), type=_Stored)
        except (EOFError, zlib.error):  # TTL deletes item by item: the tail may be gone already
            return None
        return Logged(about=rows[0], records=stored.records, predictions=stored.predictions)
