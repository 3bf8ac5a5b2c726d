"""What several families share to choose among candidates and to be honest about probabilities."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss


def skewed(rows, seed, classes=2):
    """Rows of which most are of the class 0, and features that tell a little."""
    random = np.random.default_rng(seed)
    shares = np.r_[0.85, np.full(classes - 1, 0.15 / (classes - 1))]
    truth = random.choice(classes, rows, p=shares)
    return random.normal(size=(rows, 4)) + np.eye(4)[truth % 4], truth


@pytest.mark.parametrize("classes", [2, 4])
def test_what_balanced_classes_bent_is_straightened_by_held_out_rows(classes):
    from recipe.calibration import calibrate
    from recipe.reliability import calibration_error

    model = LogisticRegression(class_weight="balanced").fit(*skewed(2000, 1, classes))
    features, truth = skewed(4000, 3, classes)

    def judged():
        scores = model.predict_proba(features)
        return log_loss(truth, scores), calibration_error(truth, scores)(np.ones(len(truth)))

    bent = judged()
    calibrate(model, *skewed(1000, 2, classes))
    straight = judged()
    assert straight[0] < bent[0] - 0.1
    assert straight[1] < 0.03
    honest = LogisticRegression().fit(*skewed(2000, 1, classes))
    assert straight[0] < log_loss(truth, honest.predict_proba(features)) + 0.02


def test_few_held_out_rows_change_nothing():
    from recipe.calibration import MIN_ROWS, calibrate

    model = LogisticRegression().fit(*skewed(500, 1))
    before = model.coef_.copy(), model.intercept_.copy()
    calibrate(model, *skewed(MIN_ROWS - 1, 2))
    assert np.array_equal(before[0], model.coef_)
    assert np.array_equal(before[1], model.intercept_)


def test_confidence_that_is_right_as_often_as_it_says_has_no_calibration_error():
    from recipe.reliability import calibration_error

    truth = np.array([0.0] * 80 + [1.0] * 20)
    told = np.tile([0.8, 0.2], (100, 1))
    order = np.random.default_rng(0).permutation(100)
    # Shuffled, for equal confidences stay in the order of the rows.
    assert calibration_error(truth[order], told)(np.ones(100)) < 0.1
    too_sure = np.tile([1.0, 0.0], (100, 1))
    assert calibration_error(truth, too_sure)(np.ones(100)) == pytest.approx(0.2)
    assert np.isnan(calibration_error(truth[:0], told[:0])(np.ones(0)))


def test_halving_fits_few_rows_first_and_all_rows_last():
    from recipe.halving import choose

    target = np.repeat([0, 1], [900, 90])
    asked = []

    def loss(candidate, rows):
        asked.append((candidate, len(rows)))
        return abs(candidate - 7)

    found = choose(range(27), loss, target, rounds=3, seed=1)
    assert (found.candidate, found.fits) == (7, 39)
    sizes = [size for _, size in asked]
    assert [sizes.count(size) for size in (110, 330, 990)] == [27, 9, 3]


def test_every_round_has_each_class():
    from recipe.halving import sample_rows

    target = np.repeat([0, 1, 2], [1000, 3, 1])
    rows = sample_rows(target, 1 / 9, 0)
    assert np.bincount(target[rows]).tolist() == [111, 2, 1]
    assert np.array_equal(sample_rows(target, 1.0, 0), np.arange(1004))
