"""`headrace logs`: what the functions of a stage log, merged by time."""

import re
from datetime import UTC, datetime
from typing import Any

import click

from headrace.failures import Missing
from headrace.operate.log_lines import LATE_MS, LEVELS, Wanted, find_groups, format_line, read_lines
from headrace.operate.project import find_project, told_in_one_line
from headrace.operate.stages import stage_of
from headrace.options import command
from headrace.session import Session

# CloudWatch Logs usually shows a line seconds after it was written: asking more often finds nothing sooner.
FOLLOW_S = 1.0
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@command("logs")
@click.argument("name", metavar="[SERVICE|FUNCTION]", required=False, default="")
@click.option("-f", "--follow", is_flag=True, help="Go on until interrupted.")
@click.option(
    "--since", default="10m", show_default=True, metavar="TIME", help="How far back: 90s, 10m, 2h, 1d."
)
@click.option(
    "--id", "correlation_id", default="", metavar="ID", help="Only of one upload's way: its version."
)
@click.option("--pipeline", default="", metavar="NAME", help="Only of one pipeline.")
@click.option(
    "--level",
    metavar="LEVEL",
    help=f"Only of this level and above: {', '.join(LEVELS).lower()}.",
    type=click.Choice(LEVELS, case_sensitive=False),
)
def logs(session: Session, name: str, follow: bool, since: str, **wanted: str | None) -> None:
    """Show what the functions of a stage log.

    All three services in the order of time. SERVICE is ingest, training or inference; FUNCTION any part of a
    function's name. The correlation id of everything that an upload set off is its dataset version.
    """
    project = find_project(session.folder)
    chosen = Wanted(**{key: value or "" for key, value in wanted.items()})
    with told_in_one_line():
        client = stage_of(session, project).client("logs")
        begin_ms = _now_ms() - 1000 * _duration_s(since)
        groups = find_groups(client, session.stage, name)
        if not groups:
            raise Missing(f"no function of the stage {session.stage!r} has logged as {name or 'headrace'!r}")
        shown, asked_ms = _Shown(client, chosen), _now_ms()
        is_any = shown.show(groups, begin_ms)
        if not follow:
            if not is_any:
                session.progress.note(f"no such lines in the last {since}")
            return
        while True:
            session.sleep(FOLLOW_S)
            begin_ms, asked_ms = max(begin_ms, asked_ms - LATE_MS), _now_ms()
            # Functions that log for the first time get their group only now.
            shown.show(find_groups(client, session.stage, name), begin_ms)


class _Shown:
    """Prints each line once, however often it is read."""

    def __init__(self, client: Any, wanted: Wanted) -> None:
        self._client = client
        self._wanted = wanted
        self._seen: dict[str, int] = {}

    def show(self, groups: list[str], begin_ms: int) -> bool:
        """Print what *groups* have since then and was not shown; say whether there was any."""
        lines = read_lines(self._client, groups, begin_ms, self._seen, self._wanted)
        for line in lines:
            click.echo(format_line(line))
        return bool(lines)


def _duration_s(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,6})([smhd])", text)
    if not match:
        raise click.UsageError(f"--since {text!r}: use a number and s, m, h or d, such as 10m")
    return int(match[1]) * _SECONDS[match[2]]


def _now_ms() -> int:
    return int(datetime.now(UTC).timestamp() * 1000)
