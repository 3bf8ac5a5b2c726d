"""How a definition may say that models go live."""

from typing import Any

import msgspec
import pytest
from chalicelib.ingest.definitions import check_definition

from shared.entities.pipeline import PipelineDefinition
from shared.entities.rollback_clauses import parse_clause
from shared.errors import InvalidBody


def checked(task: str = "classification", **release: Any) -> None:
    definition = {"name": "flights", "task": task, "target": "late", "release": release}
    kind: Any = PipelineDefinition
    check_definition("flights", msgspec.convert(definition, kind))


def refusal(**release: Any) -> tuple[str, str]:
    with pytest.raises(InvalidBody) as caught:
        checked(**release)
    (error,) = caught.value.errors
    return error.pointer, error.detail


@pytest.mark.parametrize("strategy", ["direct", "canary", "shadow"])
def test_every_strategy_is_accepted_with_its_defaults(strategy):
    checked(strategy=strategy)


@pytest.mark.parametrize(
    ("text", "factor", "offset"),
    [
        ("error_rate > 1%", 0, 0.01),
        ("p95_ms > 2x live", 2, 0),
        ("p95_ms > 1.5 x live", 1.5, 0),
        ("p95_ms>250", 0, 250),
        ("error_rate > live + 2%", 1, 0.02),
        ("accuracy < live - 0.05", 1, -0.05),
    ],
)
def test_a_clause_is_a_bound_that_may_depend_on_what_is_live(text, factor, offset):
    clause = parse_clause(text)
    assert clause
    assert [clause.factor, clause.offset] == pytest.approx([factor, offset])
    checked(rollback_on=[text])


@pytest.mark.parametrize(
    "text", ["error_rate", "error_rate >= 1%", "p95_ms > live * 2", "p95_ms > 2x v1", "latency > 1", "> 1"]
)
def test_a_clause_of_another_form_is_refused_with_the_forms_there_are(text):
    pointer, detail = refusal(rollback_on=["error_rate > 1%", text])
    assert pointer == "/release/rollback_on/1"
    assert "p95_ms > 2x live" in detail


def test_a_clause_names_a_metric_that_the_task_has():
    assert refusal(rollback_on=["mae > 3"])[1] == "'mae' is no metric of classification"
    checked("regression", rollback_on=["mae > 3"])
    assert refusal(strategy="canary", rollback_on=["disagreement > 5%"])[1].endswith("in a shadow only")
    checked(strategy="shadow", rollback_on=["disagreement > 5%"])


@pytest.mark.parametrize(
    ("release", "pointer"),
    [
        ({"steps": ["50%", "10%"]}, "/release/steps"),
        ({"steps": ["10%", "10%"]}, "/release/steps"),
        ({"steps": ["0%", "10%"]}, "/release/steps/0"),
        ({"steps": ["10%", "100%"]}, "/release/steps/1"),
        ({"bake": "2h"}, "/release/max_bake"),
    ],
)
def test_steps_rise_between_nothing_and_everything_and_the_longest_bake_is_the_longest(release, pointer):
    assert refusal(**release)[0] == pointer
