"""Fixtures that more than one suite needs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stage import Stage, make_stage

E2E = Path(__file__).parent / "e2e"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the checks of tests/aws be pointed at a stage; without it they are skipped."""
    parser.addoption(
        "--aws-stage", metavar="NAME", help="the deployed stage that tests/aws checks, or `local`"
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run last what measures the suite; where part of the end-to-end tests is left out, it would be a lie."""
    whole = set(E2E.glob("test_*.py")) <= {item.path for item in items}
    for item in items:
        if not whole and item.get_closest_marker("measures_the_suite"):
            item.add_marker(pytest.mark.skip(reason="measures what all of tests/e2e did: run that too"))
    # The sort is stable: everything else stays in its order.
    items.sort(key=lambda item: item.get_closest_marker("measures_the_suite") is not None)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A deployed local stage, shared by the session; tests use pipelines of their own names."""
    deployed = make_stage(tmp_path_factory.mktemp("stage"))
    try:
        deployed.up()
        yield deployed
    finally:
        deployed.down()
