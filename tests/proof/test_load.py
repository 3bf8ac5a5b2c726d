"""A minute of load with a promote, a failing canary and rollbacks inside: the long form of the one in `make test`."""

from collections.abc import Callable

import pytest

from tests.e2e.test_releases import Pipeline, release_under_load
from tests.stage import Stage


@pytest.mark.timeout(1800)
def test_a_minute_of_load_with_releases_inside_fails_no_prediction(
    stage: Stage, released: Callable[[], str], figure: Callable[[str, object], None]
) -> None:
    callers = release_under_load(Pipeline(stage, released()), stage, least_s=60)
    spent_s = callers.spent_s()
    assert spent_s >= 60
    failed = sum(status != 200 for _, status, _ in callers.answers)
    figure(
        "predictions failed under load with promotions, a failing canary and rollbacks inside",
        f"{failed} of {len(callers.answers)} in {spent_s:.0f} s",
    )
