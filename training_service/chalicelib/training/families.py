"""Which recipe family serves a task, and what its jobs print."""

from typing import Any

import msgspec

from shared.entities.pipeline import METRICS, PipelineDefinition, pushed_recipe, task_of


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe family as one task uses it; ``metrics`` are the names in its ``metric: <name>=`` lines."""

    name: str
    metrics: tuple[str, ...]


FAMILIES = {
    "classification": Family(name="tabular", metrics=METRICS["classification"]),
    "regression": Family(name="tabular", metrics=METRICS["regression"]),
    "forecasting": Family(name="forecasting", metrics=METRICS["forecasting"]),
    "text": Family(name="text", metrics=METRICS["text"]),
    "image": Family(name="image", metrics=METRICS["image"]),
    "recommendation": Family(name="recommendation", metrics=METRICS["recommendation"]),
}

PUSHED = "own"

# The keys that only one task's definition has, as its recipe gets them.
_OWN_KEYS = {
    "forecasting": ("series", "horizon", "freq"),
    "text": ("text",),
    "image": ("image",),
    "recommendation": ("user", "item", "rating"),
}


def family_of(definition: PipelineDefinition) -> Family:
    """Return the recipe family of the definition's task."""
    return FAMILIES[task_of(definition)]


def recipe_name(definition: PipelineDefinition) -> str:
    """Return what jobs and models call their recipe: the family, or that it is one of the user's own."""
    return PUSHED if pushed_recipe(definition) else family_of(definition).name


def task_options(definition: PipelineDefinition) -> dict[str, Any]:
    """Return what ``parameters.json`` says of a task with keys of its own under ``task_options``, else nothing."""
    keys = _OWN_KEYS.get(task_of(definition), ())
    # Absent rather than empty: an entry that says nothing must not give known work another id.
    return (
        {"task_options": {key: msgspec.to_builtins(getattr(definition, key)) for key in keys}} if keys else {}
    )
