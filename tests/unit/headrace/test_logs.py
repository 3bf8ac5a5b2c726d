"""Lines of three services in one order, and only those that were asked for."""

import json
from typing import Any

import pytest

from headrace.operate import log_lines
from headrace.operate.log_lines import LogLine, Wanted, find_groups, format_line, is_wanted, read_lines

API, BEARER = f"{log_lines.PREFIX}ingest-local", f"{log_lines.PREFIX}ingest-local-bearer"


class Groups:
    """CloudWatch Logs with what it was given."""

    def __init__(self, events: dict[str, list[dict[str, Any]]]) -> None:
        self._events = events
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> Any:
        def pages(**asked: Any) -> list[dict[str, Any]]:
            if operation == "describe_log_groups":
                return [{"logGroups": [{"logGroupName": name}]} for name in self._events]
            self.asked.append(asked)
            found = self._events[asked["logGroupName"]]
            return [{"events": [event]} for event in found if event["timestamp"] >= asked["startTime"]]

        return type("Paginator", (), {"paginate": staticmethod(pages)})


def _line(**members: object) -> LogLine:
    return LogLine(at_ms=1000, function="training-local", message=json.dumps(members))


def test_logs_are_those_of_the_stage_and_the_name_in_the_order_of_time() -> None:
    said = {
        API: [{"timestamp": 3000, "message": "c\n"}, {"timestamp": 1000, "message": "z"}],
        BEARER: [{"timestamp": 2000, "message": "b\x1b"}, {"timestamp": 1000, "message": "a"}],
        f"{log_lines.PREFIX}ingest-prod": [],
        f"{log_lines.PREFIX}training-local": [],
        "/aws/sagemaker/TrainingJobs": [],
    }
    client = Groups(said)
    assert find_groups(client, "local", "ingest") == [API, BEARER]
    assert find_groups(client, "local", "bearer") == [BEARER]
    seen: dict[str, int] = {}
    lines = [format_line(line) for line in read_lines(client, [API, BEARER], 500, seen)]
    assert lines == [
        "00:00:01 ingest-local  z",
        "00:00:01 ingest-local-bearer  a",
        "00:00:02 ingest-local-bearer  b ",
        "00:00:03 ingest-local  c",
    ]
    assert read_lines(client, [API, BEARER], 500, seen) == []


def test_whoever_follows_for_days_remembers_only_the_span_that_is_asked_again() -> None:
    client = Groups({API: [{"timestamp": at, "message": str(at)} for at in range(1000, 5000, 1000)]})
    seen: dict[str, int] = {}
    assert len(read_lines(client, [API], 500, seen)) == 4
    assert read_lines(client, [API], 3000, seen) == []
    assert sorted(seen.values()) == [3000, 4000]


@pytest.mark.parametrize(
    ("wanted", "line", "shown"),
    [
        (Wanted(pipeline="flights"), _line(pipeline="flights"), True),
        (Wanted(pipeline="flights"), _line(pipeline="flights-2"), False),
        (Wanted(pipeline="flights"), LogLine(at_ms=1, function="f", message="START flights"), False),
        (Wanted(correlation_id="c1"), _line(correlation_id="c1", pipeline="x"), True),
        (Wanted(correlation_id="c1", pipeline="y"), _line(correlation_id="c1", pipeline="x"), False),
        (Wanted(level="WARNING"), _line(level="ERROR", message="m"), True),
        (Wanted(level="WARNING"), _line(level="WARNING", message="m"), True),
        (Wanted(level="WARNING"), _line(level="INFO", message="m"), False),
        (Wanted(level="ERROR"), LogLine(at_ms=1, function="f", message="[ERROR] ValueError: x"), True),
        (Wanted(level="ERROR"), LogLine(at_ms=1, function="f", message="END RequestId: 1"), False),
        (Wanted(level="ERROR"), LogLine(at_ms=1, function="f", message="Task timed out after 3.00 s"), True),
        (Wanted(), LogLine(at_ms=1, function="f", message="END RequestId: 1"), True),
    ],
)
def test_only_lines_that_say_what_is_wanted_are_shown(wanted: Wanted, line: LogLine, shown: bool) -> None:
    assert is_wanted(line, wanted) is shown


def test_cloudwatch_looks_for_the_id_itself_so_that_not_every_line_travels() -> None:
    client = Groups({API: []})
    read_lines(client, [API], 0, {}, Wanted(correlation_id='a"b', pipeline="p"))
    assert client.asked[0]["filterPattern"] == '"a\\"b"'
    read_lines(client, [API], 0, {}, Wanted(level="ERROR"))
    assert "filterPattern" not in client.asked[1]


def test_a_line_of_ours_is_told_with_its_level_and_message_first() -> None:
    line = _line(level="WARNING", logger="headrace.training", message="training job waits", job_id="j1")
    assert format_line(line) == "00:00:01 training-local  WARNING training job waits  job_id=j1"


def test_a_line_of_metrics_is_told_by_what_was_measured() -> None:
    directive = {
        "Namespace": "Headrace",
        "Dimensions": [["stage"]],
        "Metrics": [{"Name": "rows", "Unit": "Count"}],
    }
    metadata = {"Timestamp": 1, "CloudWatchMetrics": [directive]}
    line = _line(_aws=metadata, stage="local", pipeline="flights", rows=2)
    assert format_line(line) == "00:00:01 training-local  METRICS rows=2  stage=local pipeline=flights"
    assert format_line(_line(_aws="nonsense")).endswith("METRICS")
