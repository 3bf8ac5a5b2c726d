"""Fixtures that more than one suite needs."""

import gc
import json
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.attack_report import AttackReport, Attacks
from tests.clouds import ROOT
from tests.e2e.conftest import Pipelines
from tests.e2e.data import deliveries
from tests.figures import Recorder
from tests.stage import Stage, make_stage

E2E = Path(__file__).parent / "e2e"
RECORDER = pytest.StashKey[Recorder]()
ATTACKS = pytest.StashKey[AttackReport]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let figures be written, and the checks of tests/aws be pointed at a stage; without it they are skipped."""
    parser.addoption(
        "--record-figures",
        action="store_true",
        help="write the proofs' figures to docs/figures.json and docs/hostile.json",
    )
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


def pytest_configure(config: pytest.Config) -> None:
    """Begin without figures."""
    config.stash[RECORDER] = Recorder()
    config.stash[ATTACKS] = AttackReport()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell the report on attacks which tests did not come to their end."""
    report = yield
    if report.failed:
        item.config.stash[ATTACKS].fail(item.nodeid)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the figures where that was asked for; of several processes, only the one that has them all."""
    if session.config.getoption("--record-figures") and not hasattr(session.config, "workerinput"):
        session.config.stash[RECORDER].write()
        session.config.stash[ATTACKS].write()


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str, object], None]:
    """Note a figure of the test, by a name and its value in words; call it after the last assertion."""
    recorder = request.config.stash[RECORDER]
    return lambda name, value: recorder.note(name, str(value), request.node.nodeid)


@pytest.fixture
def attacks(request: pytest.FixtureRequest) -> Attacks:
    """Count what the test tries, by family and outcome, as it goes: what goes wrong is counted too."""
    return request.config.stash[ATTACKS].of(request.node.nodeid)


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A deployed local stage, shared by the session; tests use pipelines of their own names."""
    deployed = make_stage(tmp_path_factory.mktemp("stage"))
    try:
        deployed.up()
        yield deployed
    finally:
        deployed.down()


@pytest.fixture(scope="session")
def pipelines(stage: Stage) -> Pipelines:
    """Makes and follows pipelines on the deployed stage."""
    return Pipelines(stage)


@pytest.fixture(scope="session")
def released(stage: Stage, pipelines: Pipelines) -> Callable[[], str]:
    """Return the name of a pipeline of which two versions were live; made once, whichever suites look at it."""
    name = pipelines.create("deliveries")
    stage.put_object(name, "january.csv", deliveries(1))
    pipelines.live(name, "v1")
    stage.put_object(name, "february.csv", deliveries(2))
    pipelines.live(name, "v2")
    return lambda: name


@pytest.fixture(scope="session")
def instant_recipe(stage: Stage) -> str:
    """Push the recipe that trains in no time, and return its name."""
    pushed = stage.headrace("recipes", "push", str(ROOT / "tests" / "instant_recipe"), "-o", "json")
    assert pushed.returncode == 0, pushed.stderr
    recipe: str = json.loads(pushed.stdout)["recipe"]
    return recipe


def pytest_unconfigure() -> None:
    """Take back the callback that Hypothesis leaves with the garbage collector.

    It outlives the modules at the interpreter's end, and with them all that they hold: DuckDB would report its classes
    and functions as leaked.
    """
    gc.callbacks[:] = [
        callback for callback in gc.callbacks if not callback.__module__.startswith("hypothesis.")
    ]
