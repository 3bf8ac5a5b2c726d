"""What a gate may name is what the recipes report."""

import ast
from pathlib import Path

from chalicelib.training.families import FAMILIES, task_options

from shared.entities.pipeline import METRICS, TASKS, Forecasting, Regression

RECIPES = Path(__file__).parents[3] / "training_service" / "sagemaker" / "recipes"


def reported(family: str) -> dict[str, dict[str, bool]]:
    """Return the recipe's own table, read as text: the recipe runs in another environment than this test."""
    source = (RECIPES / family / family / "metrics.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HIGHER_IS_BETTER":
            table: dict[str, dict[str, bool]] = ast.literal_eval(node.value)
            return table
    raise AssertionError(f"{family} has no table of metrics")


def test_a_gate_may_name_metrics_only_of_tasks_that_a_recipe_trains() -> None:
    assert set(TASKS) == set(METRICS)
    assert set(FAMILIES) == {task for task, metrics in METRICS.items() if metrics}


def test_a_family_reports_exactly_its_tasks_metrics() -> None:
    for task, family in FAMILIES.items():
        assert tuple(reported(family.name)[task]) == METRICS[task] == family.metrics


def test_the_recipe_learns_the_keys_that_only_its_task_has() -> None:
    definition = Forecasting(name="sales", target="sold", time="day", series=("shop",), horizon=14)
    assert task_options(definition) == {"task_options": {"series": ("shop",), "horizon": 14, "freq": None}}
    assert task_options(Regression(name="sales", target="sold")) == {}
