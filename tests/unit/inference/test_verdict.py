"""When a step of a release goes on, goes back or waits."""

import math
import random
from typing import Any

import pytest
from chalicelib.inference.tally import Tally, bucket_of, one_request, percentile
from chalicelib.inference.verdict import Decision, judge

from shared.entities.releasing import Release
from tests.unit.inference.fakes import tally_of

POLICY = Release(strategy="canary", bake="10m", min_requests=50, max_bake="1h", on_silence="promote")
BAKED, OVER = 600.0, 3600.0


def decided(
    candidate: Tally, live: Tally | None = None, *, age_s: float = BAKED, **policy: object
) -> Decision:
    changed = {name: getattr(POLICY, name) for name in POLICY.__struct_fields__} | policy
    return judge(Release(**changed), age_s=age_s, candidate=candidate, live=live or tally_of(500)).decision


def test_enough_good_requests_go_on_only_once_the_bake_is_over():
    assert decided(tally_of(50)) is Decision.GO_ON
    assert decided(tally_of(50), age_s=BAKED - 1) is Decision.WAIT
    assert decided(tally_of(49)) is Decision.WAIT


def test_a_broken_clause_rolls_back_before_the_bake_is_over_but_not_on_too_little():
    assert decided(tally_of(49, errors=1), age_s=10) is Decision.WAIT
    assert decided(tally_of(50, errors=1), age_s=10) is Decision.ROLL_BACK
    assert decided(tally_of(100, errors=1), age_s=BAKED) is Decision.GO_ON


def test_a_candidate_twice_as_slow_as_live_rolls_back_and_one_a_little_slower_does_not():
    assert decided(tally_of(50, ms=400), tally_of(500, ms=100)) is Decision.ROLL_BACK
    assert decided(tally_of(50, ms=150), tally_of(500, ms=100)) is Decision.GO_ON


def test_an_absolute_bound_needs_no_live_requests():
    assert decided(tally_of(50, ms=400), Tally(), rollback_on=("p95_ms > 300",)) is Decision.ROLL_BACK


def test_a_relative_bound_is_not_held_against_a_handful_of_live_requests():
    assert decided(tally_of(50, ms=400), tally_of(49, ms=10)) is Decision.GO_ON


@pytest.mark.parametrize(
    ("on_silence", "decision"),
    [("promote", Decision.GO_ON), ("rollback", Decision.ROLL_BACK), ("wait", Decision.WAIT)],
)
def test_silence_until_the_longest_bake_is_answered_as_the_pipeline_says(on_silence, decision):
    assert decided(tally_of(3), age_s=OVER - 1, on_silence=on_silence) is Decision.WAIT
    assert decided(tally_of(3), age_s=OVER, on_silence=on_silence) is decision


def test_waiting_for_requests_ends_after_seven_days():
    week = 7 * 86_400
    assert decided(tally_of(3), age_s=OVER + week - 1, on_silence="wait") is Decision.WAIT
    assert decided(tally_of(3), age_s=OVER + week, on_silence="wait") is Decision.ROLL_BACK


def test_what_little_came_is_judged_before_silence_promotes():
    assert decided(tally_of(3, errors=1), age_s=OVER, on_silence="promote") is Decision.ROLL_BACK


def test_cold_requests_count_neither_as_enough_nor_as_slow():
    cold = sum((one_request(5000, cold=True) for _ in range(100)), Tally())
    assert decided(cold + tally_of(49)) is Decision.WAIT
    assert decided(cold + tally_of(50), tally_of(500)) is Decision.GO_ON
    assert (
        decided(sum((one_request(1, cold=True, failed=True) for _ in range(50)), Tally()))
        is Decision.ROLL_BACK
    )


def test_quality_is_judged_once_enough_labels_came():
    policy: dict[str, Any] = {"rollback_on": ("accuracy < live - 0.05",)}
    live = tally_of(500) + Tally(labelled=400, correct=360)
    few, bad, good = (Tally(labelled=n, correct=c) for n, c in ((49, 0), (50, 40), (50, 43)))
    assert decided(tally_of(60) + few, live, **policy) is Decision.GO_ON
    assert decided(tally_of(60) + bad, live, **policy) is Decision.ROLL_BACK
    assert decided(tally_of(60) + good, live, **policy) is Decision.GO_ON
    assert decided(tally_of(60) + bad, tally_of(500), **policy) is Decision.GO_ON


def test_a_shadow_that_disagrees_too_often_is_rolled_back():
    policy: dict[str, Any] = {"strategy": "shadow", "rollback_on": ("disagreement > 5%",)}
    assert decided(tally_of(60) + Tally(compared=100, disagreed=6), **policy) is Decision.ROLL_BACK
    assert decided(tally_of(60) + Tally(compared=100, disagreed=5), **policy) is Decision.GO_ON


def test_the_reason_names_the_clause_and_both_numbers():
    verdict = judge(POLICY, age_s=10, candidate=tally_of(50, ms=400), live=tally_of(500, ms=100))
    assert verdict.why == "p95_ms > 2x live: p95_ms is 412 (live: 103) in 50 requests"


def test_a_percentile_is_read_to_within_nine_percent():
    draw = random.Random(3)
    latencies = sorted(draw.lognormvariate(4, 1) for _ in range(2000))
    counted = sum((one_request(ms) for ms in latencies), Tally()).latencies
    for share in (0.5, 0.95, 0.99):
        true = latencies[math.ceil(share * len(latencies)) - 1]
        assert percentile(counted, share) == pytest.approx(true, rel=0.09)
    assert bucket_of(0.0) == 0
    assert percentile({}, 0.95) is None
