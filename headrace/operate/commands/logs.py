"""`headrace logs`: what the functions of a stage log, merged by time."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from headrace.failures import Missing
from headrace.operate.project import find_project, told_in_one_line
from headrace.operate.stages import stage_of
from headrace.options import command
from headrace.session import Session

PREFIX = "/aws/lambda/headrace-"
# CloudWatch Logs usually shows a line seconds after it was written: asking more often finds nothing sooner.
FOLLOW_S = 1.0
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of one function."""

    at_ms: int
    function: str
    message: str
    event_id: str = ""


@command("logs")
@click.argument("name", metavar="[SERVICE|FUNCTION]", required=False, default="")
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted.")
@click.option(
    "--since", default="10m", show_default=True, metavar="TIME", help="How far back: 90s, 10m, 2h, 1d."
)
def logs(session: Session, name: str, follow: bool, since: str) -> None:
    """Show what the functions of a stage log.

    SERVICE is ingest, training or inference; FUNCTION any part of a function's name.
    """
    project = find_project(session.folder)
    with told_in_one_line():
        client = stage_of(session, project).client("logs")
        begin_ms = _now_ms() - 1000 * _duration_s(since)
        groups = find_groups(client, session.stage, name)
        if not groups:
            raise Missing(f"no function of the stage {session.stage!r} has logged as {name or 'headrace'!r}")
        # Two lines may carry the same millisecond, so it is ids that say what was printed.
        seen: set[str] = set()
        while True:
            for line in read_lines(client, groups, begin_ms, seen):
                click.echo(format_line(line))
            if not follow:
                return
            session.sleep(FOLLOW_S)
            # Functions that log for the first time get their group only now.
            groups = find_groups(client, session.stage, name)


def find_groups(client: Any, stage: str, name: str) -> list[str]:
    """Return the log groups of the stage's functions whose name holds *name*."""
    # Chalice names the API's function `headrace-<service>-<stage>`, the others with a suffix.
    ours = re.compile(rf"{re.escape(PREFIX)}[a-z]+-{re.escape(stage)}(-.+)?")
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=PREFIX)
    groups = [group["logGroupName"] for page in pages for group in page["logGroups"]]
    return sorted(group for group in groups if ours.fullmatch(group) and name in group)


def read_lines(client: Any, groups: Iterable[str], begin_ms: int, seen: set[str]) -> list[LogLine]:
    """Return the lines since *begin_ms* that are not in *seen*, oldest first, and add them to it.

    Lines may appear late, so following asks for the whole span again instead of trusting the last time.
    """
    fresh = [
        line for group in groups for line in _events(client, group, begin_ms) if line.event_id not in seen
    ]
    seen.update(line.event_id for line in fresh)
    return sorted(fresh, key=lambda line: line.at_ms)


def format_line(line: LogLine) -> str:
    """Return the line for people: time, function, what it said."""
    at = datetime.fromtimestamp(line.at_ms / 1000, UTC)
    text = "".join(char if char.isprintable() or char == "\t" else " " for char in line.message.rstrip())
    return f"{at:%H:%M:%S} {line.function}  {text}"


def _events(client: Any, group: str, begin_ms: int) -> Iterator[LogLine]:
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=begin_ms)
    function = group.removeprefix(PREFIX)
    for page in pages:
        for event in page["events"]:
            told = (str(event["timestamp"]), event["message"])
            event_id = event.get("eventId") or "/".join((group, *told))
            yield LogLine(
                at_ms=event["timestamp"], function=function, message=event["message"], event_id=event_id
            )


def _duration_s(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not match:
        raise click.UsageError(f"--since {text!r}: use a number and s, m, h or d, such as 10m")
    return int(match[1]) * _SECONDS[match[2]]


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
