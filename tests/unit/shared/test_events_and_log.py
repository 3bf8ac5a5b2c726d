"""Events are safe to receive; log lines and metrics are machine-readable."""

import io
import json
import logging
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from shared import log, metrics
from shared.bus import Bus
from shared.errors import Unavailable
from shared.events import EVENTS, DatasetVersionReady, Event, Metadata, json_schema

GOLDEN = Path(__file__).parents[2] / "events"


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.__name__)
def test_a_golden_sample_of_every_event_is_still_understood(event: type[Event]) -> None:
    detail = json.loads((GOLDEN / f"{event.__name__}.v1.json").read_text(encoding="utf-8"))
    jsonschema.validate(detail, json_schema(event))
    understood = event.from_detail(detail)
    told_again = understood.to_detail(Metadata(**detail["metadata"]))
    assert json.loads(json.dumps(told_again["data"])) == detail["data"]


def test_an_unknown_field_is_ignored() -> None:
    detail = json.loads((GOLDEN / "DatasetVersionReady.v1.json").read_text(encoding="utf-8"))
    detail["data"]["added_next_year"] = 1
    assert DatasetVersionReady.from_detail(detail).pipeline == "flights"


class PartlyFailing:
    """PutEvents that refuses the second entry of a batch *times* times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.accepted: list[str] = []

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        assert operation == "PutEvents"
        refuse = self.times > 0
        self.times -= 1
        results: list[dict[str, str]] = []
        for number, entry in enumerate(request["Entries"]):
            bad = refuse and number == len(request["Entries"]) - 1
            results.append({"ErrorCode": "InternalException"} if bad else {"EventId": "1"})
            if not bad:
                self.accepted.append(entry["Detail"])
        return {"FailedEntryCount": sum("ErrorCode" in r for r in results), "Entries": results}


def ready(ordinal: int) -> DatasetVersionReady:
    return DatasetVersionReady(
        pipeline="flights", version=str(ordinal), ordinal=ordinal, manifest_uri="s3://b/k", row_count=1
    )


def test_a_partly_refused_batch_is_sent_again_for_what_was_refused_only() -> None:
    event_bridge: Any = PartlyFailing(times=1)
    Bus(event_bridge, "local").announce(*(ready(n) for n in range(12)))
    assert len(event_bridge.accepted) == 12


def test_what_is_refused_twice_is_an_error_not_a_silence() -> None:
    event_bridge: Any = PartlyFailing(times=2)
    with pytest.raises(Unavailable, match="refused 1 of 2"):
        Bus(event_bridge, "local").announce(ready(1), ready(2))


def test_a_log_line_carries_the_bound_ids_and_the_exception(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("headrace.x", logging.INFO, __file__, 1, "read %d rows", (3,), None)
    record.rows = 3
    log.start(correlation_id="c-1")
    log.bind(pipeline="flights")
    line = json.loads(log.JsonFormatter().format(record))
    assert line == {
        "level": "INFO",
        "logger": "headrace.x",
        "message": "read 3 rows",
        "correlation_id": "c-1",
        "pipeline": "flights",
        "rows": 3,
    }
    log.start()
    assert "pipeline" not in json.loads(log.JsonFormatter().format(record))


def test_a_metric_line_is_embedded_metric_format() -> None:
    out = io.StringIO()
    metrics.emit(
        {"Rows": (3, "Count"), "LatencyMs": (1.5, "Milliseconds")},
        dimensions={"Stage": "local", "Pipeline": "flights"},
        properties={"model_version": "v3"},
        out=out,
    )
    line = json.loads(out.getvalue())
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["Stage", "Pipeline"]]
    assert {m["Name"]: line[m["Name"]] for m in directive["Metrics"]} == {"Rows": 3, "LatencyMs": 1.5}
    assert "model_version" not in directive["Dimensions"][0]
