"""The curves are scikit-learn's, and a curve says which class it is about."""

import numpy as np
from recipe.curves import ranking_curves
from sklearn.metrics import precision_recall_curve, roc_curve


def answered(rows=150, classes=2, seed=0):
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes, rows).astype(float)
    # Rounded, so that some scores are equal.
    scores = np.round(random.random((rows, classes)) + 0.5 * np.eye(classes)[truth.astype(int)], 1)
    return truth, scores


def points(drawn):
    return [(value["x"], value["y"]) for value in drawn["data"]["values"]]


def test_roc_and_precision_are_scikit_learns_with_equal_scores_passed_together():
    truth, scores = answered()
    curves = ranking_curves(truth, scores, ("no", "yes"))
    missed, caught, _ = roc_curve(truth, scores[:, 1], drop_intermediate=False)
    assert np.allclose(points(curves["roc"]), np.column_stack([missed, caught]), atol=1e-4)
    precision, recall, _ = precision_recall_curve(truth, scores[:, 1])
    # scikit-learn ends with a point of its own, at recall 0.
    expected = np.column_stack([recall, precision])[:-1][::-1]
    assert np.allclose(points(curves["pr"]), expected, atol=1e-4)


def test_the_gain_curve_of_a_perfect_ranking_finds_everybody_first():
    truth = np.array([1.0] * 25 + [0.0] * 75)
    score = np.linspace(1, 0, 100)
    drawn = points(ranking_curves(truth, np.column_stack([1 - score, score]), ("no", "yes"))["gain"])
    assert drawn[0] == (0.0, 0.0)
    assert (0.25, 1.0) in drawn
    assert drawn[-1] == (1.0, 1.0)


def test_of_many_classes_the_most_frequent_are_drawn_within_the_limit_of_points():
    truth, scores = answered(rows=3000, classes=9, seed=3)
    scores = np.random.default_rng(1).random(scores.shape)
    truth[:1500] = 4
    for drawn in ranking_curves(truth, scores, tuple("abcdefghi")).values():
        values = drawn["data"]["values"]
        assert len(values) <= 200
        shown = {value["class"] for value in values}
        assert len(shown) == 5
        assert "e" in shown


def test_a_class_that_no_judged_row_has_is_no_crash():
    truth, scores = np.zeros(10), np.full((10, 2), 0.5)
    for drawn in ranking_curves(truth, scores, ("no", "yes")).values():
        assert all(np.isfinite(point).all() for point in points(drawn))
