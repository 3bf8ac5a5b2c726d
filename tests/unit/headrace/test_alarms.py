"""`headrace alarms` says first what is wrong."""

from datetime import UTC, datetime
from typing import Any

import pytest

from headrace.operate.commands import alarms
from headrace.operate.project import Project
from tests.unit.headrace.conftest import Run
from tests.unit.headrace.fake_stage import Nobody

AT = datetime(2026, 11, 27, 1, 2, 3, tzinfo=UTC)


class CloudWatch:
    """CloudWatch with three alarms, one of which has a history."""

    def get_paginator(self, _operation: str) -> Any:
        def pages(AlarmNamePrefix: str) -> list[dict[str, Any]]:  # noqa: N803 - as boto3 calls it
            states = {"A": "OK", "DeadLetters-ingest": "ALARM", "B": "INSUFFICIENT_DATA"}
            found: list[dict[str, Any]] = [
                {
                    "AlarmName": f"headrace-dev-{name}",
                    "StateValue": state,
                    "StateReason": "because",
                    "StateUpdatedTimestamp": AT,
                    "AlarmDescription": "What it means.",
                }
                for name, state in states.items()
            ]
            return [{"MetricAlarms": [a for a in found if a["AlarmName"].startswith(AlarmNamePrefix)]}]

        return type("Paginator", (), {"paginate": staticmethod(pages)})

    def describe_alarm_history(self, **_: Any) -> Any:
        summary = "Alarm updated from OK to ALARM"
        return {"AlarmHistoryItems": [{"Timestamp": AT, "HistorySummary": summary}]}


@pytest.fixture
def shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run the command against those alarms."""
    stage = type("Stage", (), {"client": lambda self, _service: CloudWatch()})()
    monkeypatch.setattr(alarms, "stage_of", lambda *_: stage)
    monkeypatch.setattr(alarms, "find_project", lambda folder: Project(root=folder))
    return lambda *arguments: run(Nobody(), "alarms", "--stage", "dev", *arguments, environ={})


def test_what_fires_comes_first(shown: Any) -> None:
    lines = shown().stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ALARM", "DeadLetters-ingest", "B", "A"]
    assert "2026-11-27T01:02:03Z" in lines[1]


def test_one_alarm_is_shown_with_its_meaning_and_its_changes(shown: Any) -> None:
    told = shown("DeadLetters-ingest").stdout
    assert "What it means." in told
    assert "from OK to ALARM" in told


def test_the_beginning_of_a_name_lists_all_that_begin_so(shown: Any) -> None:
    assert len(shown("Dead").stdout.splitlines()) == 2


def test_an_alarm_that_is_not_there_is_not_found(shown: Any) -> None:
    result = shown("Nonsense")
    assert result.exit_code == 3
    assert "stage 'dev' has no alarm 'Nonsense': `headrace alarms` lists those it has" in result.stderr


@pytest.mark.parametrize("name", ["deadletters-ingest", "letters", "DeadLeters-ingest"])
def test_a_name_that_is_nearly_right_is_told_the_right_one(shown: Any, name: str) -> None:
    assert "did you mean DeadLetters-ingest?" in shown(name).stderr


def test_a_stage_without_alarms_is_told_how_they_are_made() -> None:
    assert alarms.missing("dev", "X", []).endswith("`headrace deploy --stage dev` makes them")
