"""An order means to the job what it meant to the service, for every task."""

from typing import Any

import msgspec
import pytest
from chalicelib.ingest.build import Order
from chalicelib.ingest.formats.reader import Limits
from chalicelib.ingest.processing.messages import JobOrder
from chalicelib.ingest.table_schema.declaring import parse_declared

from shared.entities.pipeline import PipelineDefinition
from shared.parsing import convert

SCHEMA = {
    "fields": [
        {"name": "id", "type": "integer", "constraints": {"required": True, "minimum": 1}},
        {"name": "when", "type": "datetime", "format": "%d.%m.%Y %H:%M"},
        {"name": "kind", "type": "string", "constraints": {"enum": ["a", "ü"]}},
    ],
    "primaryKey": "id",
}
DEFINITIONS: list[dict[str, Any]] = [
    {
        "task": "classification",
        "target": "late",
        "data": {"key": "id", "time": "at"},
        "split": {"by": "time"},
    },
    {"task": "regression", "target": "price", "data": {"schema": SCHEMA}, "split": {"by": "group(shop)"}},
    {"task": "forecasting", "target": "load", "time": "at", "horizon": 24, "freq": "1h"},
    {"task": "text", "target": "stars", "text": ["review"]},
    {"task": "image", "target": "label", "image": {"size": 32, "channels": 3}},
    {"task": "recommendation", "user": "u", "item": "i"},
]


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda one: one["task"])
def test_an_order_is_read_as_it_was_written(definition):
    kind: Any = PipelineDefinition
    order = JobOrder(
        job="headrace-local-ingest-0-a1",
        file_name="ä b.csv",
        order=Order(
            definition=convert({"name": "trips", **definition}, kind),
            known=parse_declared(SCHEMA),
            limits=Limits(max_bytes=1, hard_max_bytes=2),
            disk_bytes=1 << 62,
        ),
    )
    assert msgspec.json.decode(msgspec.json.encode(order), type=JobOrder) == order
