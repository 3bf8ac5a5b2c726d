"""The deployed zips under a bus that duplicates, delays, loses and fails, with workers killed meanwhile."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localcloud.delivery_faults import Plan
from tests.e2e.conftest import Pipelines
from tests.e2e.faulty import (
    FAULTS,
    SEED,
    Uploads,
    assert_nothing_lost_nothing_double,
    constant_pipelines,
    faults,
    killer,
    made_faults,
    told,
)
from tests.e2e.test_own_recipes import uneven
from tests.stage import Stage, eventually

READY = "headrace-training-local-on_dataset_version_ready"
Letters = Callable[[str], list[dict[str, Any]]]


@pytest.fixture
def letters(stage: Stage) -> Iterator[Letters]:
    """List the dead letters about a pipeline: a minute that was killed by the test before may become one late."""

    def listed(pipeline: str) -> list[dict[str, Any]]:
        done = stage.headrace("dlq", "ls", "-o", "json")
        assert done.returncode == 0, done.stderr
        found: list[dict[str, Any]] = json.loads(done.stdout)
        return [letter for letter in found if pipeline in letter["about"].split()]

    stage.headrace("dlq", "drop", "--all", "--yes")
    yield listed
    stage.headrace("dlq", "drop", "--all", "--yes")


@pytest.mark.timeout(600)
def test_under_faults_and_kills_every_upload_is_trained_once_and_none_is_lost(
    stage: Stage, pipelines: Pipelines, instant_recipe: str, figure: Callable[[str, object], None]
) -> None:
    names = [f"faulty-{number}" for number in range(4)]
    # Uploads that come close together are trained together: here events count; of a thousand `make proof` trains hundreds by themselves.
    run = Uploads(stage, constant_pipelines(pipelines, instant_recipe, *names, quiet="10s"))
    before = made_faults(stage)
    with faults(stage, FAULTS), killer(stage, SEED, every_s=6, most=12) as killed:
        for number in range(40):
            run.upload(names[number % 4], f"part {number}.csv", uneven(500 + number, rows=300))
        run.settle(within_s=540)
        made = made_faults(stage) - before
    assert_nothing_lost_nothing_double(run)
    assert killed, "no worker was killed"
    assert min(made[kind] for kind in ("twice", "lost", "delayed", "failed before", "failed after")) > 0, made
    figure("forty uploads on the deployed stage: lost, trained twice", f"0, 0 of 40 ({told(made, killed)})")


def test_exactly_the_poison_is_in_the_dead_letters(
    stage: Stage,
    pipelines: Pipelines,
    instant_recipe: str,
    letters: Letters,
) -> None:
    (name,) = constant_pipelines(pipelines, instant_recipe, "poisoned")
    run = Uploads(stage, [name])
    poison = [
        {
            "Source": "headrace.local.ingest",
            "DetailType": "DatasetVersionReady",
            "Detail": json.dumps({"metadata": {"id": f"poison-{number}"}, "data": {"pipeline": name}}),
        }
        for number in range(3)
    ]
    run.upload(name, "before.csv", uneven(601, rows=300))
    assert stage.aws("events").put_events(Entries=poison)["FailedEntryCount"] == 0
    run.upload(name, "after.csv", uneven(602, rows=300))
    found = eventually(lambda: got if len(got := letters(name)) >= 3 else [], within_s=60, every_s=1)
    run.settle(within_s=240)
    assert len(letters(name)) == 3
    assert {(row["service"], row["function"], row["about"], row["tries"]) for row in found} == {
        ("training", READY, f"DatasetVersionReady {name}", 3)
    }
    assert_nothing_lost_nothing_double(run)


def test_redrive_heals_what_failed_for_a_reason_that_is_gone_and_twice_is_once(
    stage: Stage,
    pipelines: Pipelines,
    instant_recipe: str,
    letters: Letters,
) -> None:
    (name,) = constant_pipelines(pipelines, instant_recipe, "redriven")
    run = Uploads(stage, [name])
    with faults(stage, Plan(seed=SEED, functions=(READY,), fail_before=1.0)):
        run.upload(name, "january.csv", uneven(611, rows=300))
        (letter,) = eventually(lambda: letters(name), within_s=60, every_s=1)
    assert (letter["function"], letter["error"]) == (
        READY,
        "InjectedFault: a test made this run fail before the function began",
    )
    for _ in range(2):
        done = stage.headrace("dlq", "redrive", "--all")
        assert done.returncode == 0, done.stderr
    assert letters(name) == []
    run.settle(within_s=240)
    assert_nothing_lost_nothing_double(run)
    assert len(run.jobs()) == 1
