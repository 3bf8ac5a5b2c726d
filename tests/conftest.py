"""Fixtures that more than one suite needs."""

from collections.abc import Iterator

import pytest

from tests.stage import Stage, make_stage


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A deployed local stage, shared by the session; tests use pipelines of their own names."""
    deployed = make_stage(tmp_path_factory.mktemp("stage"))
    try:
        deployed.up()
        yield deployed
    finally:
        deployed.down()
