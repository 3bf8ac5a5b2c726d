"""Lines of the functions' logs: found, read since a time, chosen by what they say, told to people."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

PREFIX = "/aws/lambda/headrace-"
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# CloudWatch may show a line this much later than it was written.
LATE_MS = 120_000
# What the runtime writes of an exception that nobody caught.
_RUNTIME_ERROR = re.compile(r"\[ERROR\]|Traceback \(most recent call last\)|Task timed out|Runtime\.\w+Error")
_TOLD = frozenset({"level", "logger", "message", "exception"})


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of one function."""

    at_ms: int
    function: str
    message: str
    event_id: str = ""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a line must say to be shown; empty says nothing about it. `level` is the least."""

    correlation_id: str = ""
    pipeline: str = ""
    level: str = ""

    @property
    def term(self) -> str:
        """What CloudWatch itself may look for, so that not every line travels; empty for all lines."""
        return self.correlation_id or self.pipeline


ALL_LINES = Wanted()


def find_groups(client: Any, stage: str, name: str) -> list[str]:
    """Return the log groups of the stage's functions whose name holds *name*."""
    # Chalice names the API's function `headrace-<service>-<stage>`, the others with a suffix.
    ours = re.compile(rf"{re.escape(PREFIX)}[a-z]+-{re.escape(stage)}(-.+)?")
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=PREFIX)
    groups = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    return sorted(group for group in groups if ours.fullmatch(group) and name in group)


def read_lines(
    client: Any, groups: Iterable[str], begin_ms: int, seen: dict[str, int], wanted: Wanted = ALL_LINES
) -> list[LogLine]:
    """Return the lines since *begin_ms* that are wanted and not in *seen*, oldest first, and add them to it.

    Lines may appear late, so following asks for a span again instead of trusting the last time. What is older than
    that span is forgotten.
    """
    for event_id in [one for one, at_ms in seen.items() if at_ms < begin_ms]:
        del seen[event_id]
    found = [line for group in groups for line in _events(client, group, begin_ms, wanted.term)]
    # Two lines may carry the same millisecond, so it is ids that say what was printed.
    fresh = [line for line in found if line.event_id not in seen]
    seen.update((line.event_id, line.at_ms) for line in fresh)
    return sorted((line for line in fresh if is_wanted(line, wanted)), key=lambda line: line.at_ms)


def is_wanted(line: LogLine, wanted: Wanted) -> bool:
    """Say whether a line says what is wanted; one that is no JSON has a level and nothing else."""
    said = parsed(line.message)
    if wanted.correlation_id and said.get("correlation_id") != wanted.correlation_id:
        return False
    if wanted.pipeline and said.get("pipeline") != wanted.pipeline:
        return False
    return not wanted.level or _rank(level_of(line)) >= _rank(wanted.level)


def level_of(line: LogLine) -> str:
    """Return the level of a line; what our code did not write is an error or nothing worth a level."""
    level = parsed(line.message).get("level")
    if isinstance(level, str):
        return level
    return "ERROR" if _RUNTIME_ERROR.search(line.message) else "DEBUG"


def parsed(message: str) -> Mapping[str, Any]:
    """Return the members of a line of ours; of any other line none."""
    try:
        found = json.loads(message)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def format_line(line: LogLine) -> str:
    """Return the line for people: time, function, what it said; of ours the message first, its ids after it."""
    at = datetime.fromtimestamp(line.at_ms / 1000, UTC)
    text = _text(line.message)
    shown = "".join(char if char.isprintable() or char == "\t" else " " for char in text.rstrip())
    return f"{at:%H:%M:%S} {line.function}  {shown}"


def _text(message: str) -> str:
    said = parsed(message)
    if "message" in said and "level" in said:
        return _told(said)
    return _measured(said) if "_aws" in said else message


def _told(said: Mapping[str, Any]) -> str:
    ids = " ".join(f"{name}={value}" for name, value in said.items() if name not in _TOLD)
    exception = f" | {said['exception']}" if said.get("exception") else ""
    return f"{said['level']} {said['message']}  {ids}{exception}"


def _measured(said: Mapping[str, Any]) -> str:
    """Return a line of metrics as people read it: what was measured, then whose it is."""
    directives = said["_aws"].get("CloudWatchMetrics", []) if isinstance(said["_aws"], dict) else []
    names = [metric["Name"] for one in directives for metric in one.get("Metrics", [])]
    values = " ".join(f"{name}={said.get(name)}" for name in names)
    rest = " ".join(f"{name}={value}" for name, value in said.items() if name not in {"_aws", *names})
    return f"METRICS {values}  {rest}"


def _rank(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else 0


def _events(client: Any, group: str, begin_ms: int, term: str) -> Iterator[LogLine]:
    asked = {"filterPattern": json.dumps(term)} if term else {}
    pages = client.get_paginator("filter_log_events").paginate(
        logGroupName=group, startTime=begin_ms, **asked
    )
    function = group.removeprefix(PREFIX)
    for page in pages:
        for event in page["events"]:
            told = (str(event["timestamp"]), event["message"])
            event_id = event.get("eventId") or "/".join((group, *told))
            yield LogLine(
                at_ms=event["timestamp"], function=function, message=event["message"], event_id=event_id
            )
