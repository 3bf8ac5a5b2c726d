"""What the end-to-end tests look at too: a released pipeline, a recipe that trains in no time, what IAM was asked."""

from tests.e2e.conftest import asked, instant_recipe, pipelines, policies, released

__all__ = ["asked", "instant_recipe", "pipelines", "policies", "released"]
