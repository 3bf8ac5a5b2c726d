"""Definitions as the services read them: once converted, and anew when they were changed."""

from typing import Any

import msgspec

from shared.codec import to_row
from shared.entities.pipeline import Pipeline
from shared.readers import Pipelines
from tests.fakes import FakeTable


def stored(table: FakeTable, **more: Any) -> None:
    definition = {"name": "flights", "task": "classification", "target": "late", **more}
    at = "2026-01-01T00:00:00Z"
    row = Pipeline(pipeline="flights", definition=definition, rev=1, created_at=at, updated_at=at)
    table.put(to_row(row))


def test_a_definition_is_converted_once_and_anew_when_it_was_changed() -> None:
    table = FakeTable("pipelines", "kind", "pipeline")
    pipelines = Pipelines(table)
    stored(table)
    first = pipelines.definition("flights")
    assert pipelines.definition("flights") is first
    # Deleted and made again within a second: only the definition itself tells that it is another.
    stored(table, monitor={"every": "5m"})
    assert (first.monitor.every, pipelines.definition("flights").monitor.every) == ("1h", "5m")


def test_what_an_older_release_stored_has_the_defaults_of_this_one() -> None:
    table = FakeTable("pipelines", "kind", "pipeline")
    stored(table)
    assert msgspec.to_builtins(Pipelines(table).definition("flights"))["release"]["strategy"] == "direct"
