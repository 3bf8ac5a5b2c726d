"""What the end-to-end tests look at too: a released pipeline, and a recipe that trains in no time."""

from tests.e2e.conftest import instant_recipe, pipelines, released

__all__ = ["instant_recipe", "pipelines", "released"]
