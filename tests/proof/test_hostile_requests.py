"""Ten thousand requests made to harm, at a pipeline that is live: the long form of the thousand in `make test`."""

from collections.abc import Callable

import pytest

from tests.attack_report import Attacks
from tests.hostile.requests.test_hostile_requests import complaints, mixed
from tests.stage import Stage


@pytest.mark.timeout(1800)
def test_ten_thousand_hostile_requests_are_answered_in_one_shape(
    stage: Stage, released: Callable[[], str], attacks: Attacks, figure: Callable[[str, object], None]
) -> None:
    sent, wrong = complaints(stage, mixed(released(), 10_000, per_route=25, seed=2), attacks)
    assert (sent, wrong[:10]) == (10_000, [])
    # Whoever shot at it, it still answers.
    assert stage.get(f"/v1/endpoints/{released()}")["live"] is not None
    figure("hostile requests answered by a 5xx or out of shape", f"0 of {sent}")
