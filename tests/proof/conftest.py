"""The released pipeline that the end-to-end tests look at too."""

from tests.e2e.conftest import pipelines, released

__all__ = ["pipelines", "released"]
