"""Fixtures that the unit and the integration tests of ingest share."""

from typing import Any

import pytest

from tests.unit.ingest.rest import Rest, make_rest
from tests.unit.ingest.world import World, make_csv


@pytest.fixture
def world() -> World:
    made = World()
    made.define()
    return made


@pytest.fixture
def rest(world: World, monkeypatch: pytest.MonkeyPatch) -> Rest:
    """The routes, asked with a token that may do everything."""
    return make_rest(world, monkeypatch)


@pytest.fixture
def csv() -> Any:
    return make_csv
