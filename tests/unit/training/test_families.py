"""What a gate may name is what the recipes report."""

import runpy
from pathlib import Path

from chalicelib.training.families import FAMILIES, task_options

from shared.entities.pipeline import METRICS, TASKS, Forecasting, Regression

RECIPES = Path(__file__).parents[3] / "training_service" / "sagemaker" / "recipes"


def reported() -> dict[str, dict[str, bool]]:
    """Return the recipes' own table, run by itself: the rest of a recipe needs another environment than this test."""
    tables = runpy.run_path(str(RECIPES / "common" / "recipe" / "tables.py"))
    assert tables["PRIMARY"].keys() == tables["HIGHER_IS_BETTER"].keys()
    table: dict[str, dict[str, bool]] = tables["HIGHER_IS_BETTER"]
    return table


def test_every_task_has_a_recipe_and_metrics() -> None:
    assert set(TASKS) == set(METRICS) == set(FAMILIES)
    assert all(METRICS.values())


def test_a_family_reports_exactly_its_tasks_metrics() -> None:
    for task, family in FAMILIES.items():
        assert tuple(reported()[task]) == METRICS[task] == family.metrics


def test_the_recipe_learns_the_keys_that_only_its_task_has() -> None:
    definition = Forecasting(name="sales", target="sold", time="day", series=("shop",), horizon=14)
    assert task_options(definition) == {"task_options": {"series": ("shop",), "horizon": 14, "freq": None}}
    assert task_options(Regression(name="sales", target="sold")) == {}
