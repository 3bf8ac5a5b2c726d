"""What the pessimistic end of a paired interval promises, on many drawn data sets."""

import numpy as np
import pytest
from recipe.bootstrap import compare, draw_weights, replicate
from recipe.metrics import mean_of


def _interval(ours, theirs, seed=42):
    draws = draw_weights(len(ours), seed)
    a, b = (replicate({"loss": mean_of(losses)}, draws)["loss"] for losses in (ours, theirs))
    return compare(a, b, float(ours.mean() - theirs.mean()))


def _losses(seed, rows, better=0.0):
    random = np.random.default_rng(seed)
    hard = random.exponential(size=rows)  # what makes a row hard is common to both models
    return hard + random.normal(0, 0.2, rows) - better, hard + random.normal(0, 0.2, rows)


@pytest.mark.parametrize("seed", range(10))
def test_the_estimate_lies_between_the_ends_and_swapping_the_models_mirrors_them(seed):
    ours, theirs = _losses(seed, 300)
    found, mirrored = _interval(ours, theirs), _interval(theirs, ours)
    assert found.low <= found.estimate <= found.high
    assert (mirrored.low, mirrored.high) == pytest.approx((-found.high, -found.low))


def test_a_model_that_is_no_better_passes_by_luck_in_about_one_of_twenty_sets():
    lucky = sum(_interval(*_losses(seed, 200)).high < 0 for seed in range(400))
    # 20 of 400 are expected; 34 would be three standard deviations more.
    assert 6 <= lucky <= 34


def test_a_better_model_is_found_the_surer_the_more_rows_judge():
    shares = [
        np.mean([_interval(*_losses(seed, rows, better=0.02)).high < 0 for seed in range(100)])
        for rows in (100, 400, 1600)
    ]
    assert shares[0] < shares[1] < shares[2]
    assert shares[2] > 0.9


def test_more_rows_narrow_the_interval_and_what_both_find_hard_does_not_widen_it():
    widths = {}
    for rows in (100, 400, 1600):
        found = [_interval(*_losses(seed, rows)) for seed in range(20)]
        widths[rows] = np.mean([each.high - each.low for each in found])
    # By the root of the number of rows, as an interval of a mean must.
    assert widths[100] / widths[1600] == pytest.approx(4, rel=0.15)
    ours, theirs = _losses(1, 400)
    unpaired = np.hypot(ours.std(), theirs.std()) / np.sqrt(400) * 2 * 1.645
    assert widths[400] < unpaired / 3


def test_rows_of_one_block_are_drawn_together_and_widen_the_interval():
    blocks = np.repeat(np.arange(20), 20)
    common = np.random.default_rng(0).normal(size=20)[blocks]
    spread = [
        np.std([weights @ common / weights.sum() for weights in draw_weights(400, 1, blocks=by)])
        for by in (None, blocks)
    ]
    assert spread[1] > 3 * spread[0]
