"""A thousand uploads through the deployed zips under the faults of `tests/e2e/test_faults.py`, S3's own events among what is lost."""

from collections.abc import Callable

import msgspec
import pytest

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
from tests.e2e.variables import functions_of, variables
from tests.stage import Stage

UPLOADS, PIPELINES = 1_000, 25


@pytest.mark.timeout(7200)
def test_a_thousand_uploads_under_faults_and_kills(
    stage: Stage, pipelines: Pipelines, instant_recipe: str, figure: Callable[[str, object], None]
) -> None:
    names = [f"storm-{number}" for number in range(PIPELINES)]
    # Two of five pipelines train each upload by itself, the others what came together.
    each, gathered = names[::5] + names[1::5], names[2::5] + names[3::5] + names[4::5]
    constant_pipelines(pipelines, instant_recipe, *each)
    constant_pipelines(pipelines, instant_recipe, *gathered, quiet="10s")
    run = Uploads(stage, names)
    before = made_faults(stage)
    with (
        variables(stage, functions_of(stage, "training"), MAX_TRAINING_JOBS="4"),
        faults(stage, msgspec.structs.replace(FAULTS, lose_from=("",), lose=0.05)),
        killer(stage, SEED, every_s=6, most=300) as killed,
    ):
        for number in range(UPLOADS):
            run.upload(names[number % PIPELINES], f"part {number}.csv", uneven(number, rows=300))
        run.settle(within_s=6600)
        made = made_faults(stage) - before
    assert_nothing_lost_nothing_double(run)
    assert killed
    figure(
        "a thousand uploads on the deployed stage: lost, trained twice",
        f"0, 0 of {UPLOADS} ({told(made, killed)})",
    )
