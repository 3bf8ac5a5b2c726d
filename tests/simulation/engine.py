"""The engine of ingestion, replaced by a dataset that is always the same: only its content's hash is the upload's own."""

import hashlib
import random
from collections.abc import Callable
from typing import Any

import msgspec
from chalicelib.ingest.build import Built, Order, Refusal
from chalicelib.ingest.formats.reader import Source
from chalicelib.ingest.parts import WrittenPart
from chalicelib.ingest.sink import Sink
from chalicelib.ingest.table_schema.model import Field, TableSchema
from chalicelib.ingest.table_schema.types import Type

from shared.entities.dataset import RowCounts, SplitRecord
from tests.simulation.scheduler import Scheduler

SCHEMA = TableSchema(fields=(Field(name="distance", type=Type.NUMBER), Field(name="late", type=Type.BOOLEAN)))
PLAIN_SCHEMA, SCHEMA_SHA256 = SCHEMA.plain(), SCHEMA.sha256
SIDES = ("train", "test")
LONGEST_S = 150.0  # longer than a lease
BAD = b"bad"
MOST_BYTES = 100  # that a function takes; what has more is a processing job's


class SimEngine:
    """Stands in for ``build``: takes its time, writes a file a side, and refuses what begins with ``bad``."""

    def __init__(self, scheduler: Scheduler, chance: random.Random) -> None:
        self._scheduler = scheduler
        self._chance = chance

    def build(
        self, _scratch: Any, source: Source, _order: Order, sink: Sink, on_content: Callable[[str], None]
    ) -> Built | Refusal:
        body = source.open().read()
        self._scheduler.sleep(LONGEST_S * self._chance.random() ** 6)
        on_content(hashlib.sha256(body).hexdigest())
        outcome, files = made_of(body)
        for name, content in files.items():
            sink.write(name, content, "application/vnd.apache.parquet")
        return outcome


def made_of(body: bytes) -> tuple[Built | Refusal, dict[str, bytes]]:
    """Return what an upload becomes, and its files."""
    sha256 = hashlib.sha256(body).hexdigest()
    if body.startswith(BAD):
        return Refusal(reason="empty_file", detail="no rows", facts={"content_sha256": sha256}), {}
    files = {f"{side}/part-0.parquet": body for side in SIDES}
    parts = tuple(
        WrittenPart(side=name.partition("/")[0], name=name, rows=500, sha256=sha256, size_bytes=len(body))
        for name in files
    )
    return Built(
        content_sha256=sha256,
        encoding="utf-8",
        rows=RowCounts(read=1000, good=1000, bad=0),
        time=None,
        schema=PLAIN_SCHEMA,
        schema_sha256=SCHEMA_SHA256,
        split=SplitRecord(by="hash", seed=42, test=0.2, validation=0.0, rows=dict.fromkeys(SIDES, 500)),
        parts=parts,
    ), files


def content(number: int, *, bad: bool = False, large: bool = False) -> bytes:
    """Return an upload; equal numbers are equal uploads. A *large* one is more than a function takes."""
    body = msgspec.json.encode({"content": number}) if not bad else BAD + str(number).encode()
    return body.ljust(MOST_BYTES + 1) if large else body
