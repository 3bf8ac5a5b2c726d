"""`headrace alarms`: how the alarms of a stage stand."""

from difflib import get_close_matches
from typing import Any

import click

from headrace.failures import Missing
from headrace.operate.project import find_project, told_in_one_line
from headrace.operate.stages import stage_of
from headrace.options import command
from headrace.session import Session

_COLUMNS = ("alarm", "state", "since", "reason")
_CHANGES = ("at", "change")
_WORST_FIRST = ("ALARM", "INSUFFICIENT_DATA", "OK")
_SHOWN = 50


@command("alarms")
@click.argument("name", metavar="[NAME]", required=False, default="")
def alarms(session: Session, name: str) -> None:
    """Show how the alarms of a stage stand, those that fire first.

    With NAME, such as DeadLetters-ingest: what it means, what to do, and its last changes.
    """
    project = find_project(session.folder)
    prefix = f"headrace-{session.stage}-"
    with told_in_one_line():
        client = stage_of(session, project).client("cloudwatch")
        found = find_alarms(client, prefix + name)
        if not found:
            names = [alarm["AlarmName"].removeprefix(prefix) for alarm in find_alarms(client, prefix)]
            raise Missing(missing(session.stage, name, names))
        exact = [alarm for alarm in found if alarm["AlarmName"] == prefix + name]
        if exact:
            _show_one(session, client, exact[0], prefix)
        else:
            session.show(in_order([view(alarm, prefix) for alarm in found]), _COLUMNS)


def missing(stage: str, name: str, names: list[str]) -> str:
    """Return what to tell who asked in vain for an alarm, of those that there are."""
    if not names:
        return f"stage {stage!r} has no alarms: `headrace deploy --stage {stage}` makes them"
    lower = {one.lower(): one for one in names}
    near = [one for one in names if name.lower() in one.lower()]
    near = near or [lower[one] for one in get_close_matches(name.lower(), lower)]
    others = f"did you mean {', '.join(near)}?" if near else "`headrace alarms` lists those it has"
    return f"stage {stage!r} has no alarm {name!r}: {others}"


def find_alarms(client: Any, prefix: str) -> list[dict[str, Any]]:
    """Return the alarms whose names begin so."""
    pages = client.get_paginator("describe_alarms").paginate(AlarmNamePrefix=prefix)
    return [alarm for page in pages for alarm in page["MetricAlarms"]]


def last_changes(client: Any, alarm_name: str) -> list[dict[str, Any]]:
    """Return the last changes of an alarm's state, newest first."""
    history = client.describe_alarm_history(
        AlarmName=alarm_name, HistoryItemType="StateUpdate", MaxRecords=_SHOWN
    )["AlarmHistoryItems"]
    return [
        {"at": _time(item["Timestamp"]), "change": item["HistorySummary"].removeprefix("Alarm updated ")}
        for item in history
    ]


def view(alarm: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return what is shown of an alarm in a list."""
    return {
        "alarm": alarm["AlarmName"].removeprefix(prefix),
        "state": alarm["StateValue"],
        "since": _time(alarm["StateUpdatedTimestamp"]),
        "reason": alarm["StateReason"],
    }


def in_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows with what fires first."""
    return sorted(rows, key=lambda row: (_WORST_FIRST.index(row["state"]), row["alarm"]))


def _show_one(session: Session, client: Any, alarm: dict[str, Any], prefix: str) -> None:
    changes = last_changes(client, alarm["AlarmName"])
    about = {**view(alarm, prefix), "means": alarm.get("AlarmDescription", "")}
    if session.output == "table":
        session.show(about)
        click.echo()
        session.show(changes, _CHANGES)
    else:
        session.show({**about, "changes": changes})


def _time(at: Any) -> str:
    return str(at.strftime("%Y-%m-%dT%H:%M:%SZ"))
