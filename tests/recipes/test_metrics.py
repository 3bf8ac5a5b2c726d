"""The weighted metrics are scikit-learn's, and the bootstrap is paired and repeatable."""

import numpy as np
import pytest
from sklearn import metrics as known


@pytest.fixture
def binary():
    random = np.random.default_rng(0)
    truth = (random.random(300) < 0.3).astype(float)
    # Rounded, so that there are ties; weighted, as a bootstrap replicate is.
    score = np.round(np.clip(truth * 0.2 + random.random(300) * 0.7, 0.01, 0.99), 2)
    return truth, np.column_stack([1 - score, score]), random.integers(0, 4, 300).astype(float)


def test_binary_metrics_equal_scikit_learns_with_ties_and_weights(binary):
    from recipe.supervised import measures_of

    truth, scores, weights = binary
    ours = {name: measure(weights) for name, measure in measures_of(truth, scores).items()}
    best, positive = scores.argmax(axis=1), scores[:, 1]
    weigh = {"sample_weight": weights}
    assert ours == pytest.approx(
        {
            "log_loss": known.log_loss(truth, scores, **weigh),
            "roc_auc": known.roc_auc_score(truth, positive, **weigh),
            "accuracy": known.accuracy_score(truth, best, **weigh),
            "f1": known.f1_score(truth, best, average="macro", **weigh),
            "brier": known.brier_score_loss(truth, positive, **weigh),
            "average_precision": known.average_precision_score(truth, positive, **weigh),
        }
    )


def test_metrics_of_three_classes_equal_scikit_learns():
    from recipe.supervised import measures_of

    random = np.random.default_rng(1)
    truth = random.integers(0, 3, 200).astype(float)
    scores = random.dirichlet([1, 1, 1], 200)
    ours = {name: measure(np.ones(200)) for name, measure in measures_of(truth, scores).items()}
    hits = np.eye(3)[truth.astype(int)]
    assert ours["roc_auc"] == pytest.approx(known.roc_auc_score(truth, scores, multi_class="ovr"))
    assert ours["average_precision"] == pytest.approx(
        known.average_precision_score(hits, scores, average="macro")
    )
    assert ours["brier"] == pytest.approx(known.brier_score_loss(truth, scores))


def test_regression_metrics_equal_scikit_learns_and_mape_is_left_out_at_zero():
    from recipe.supervised import measures_of

    random = np.random.default_rng(2)
    truth, predicted, weights = (
        random.normal(5, 1, 100),
        random.normal(5, 1, 100),
        random.integers(0, 3, 100) * 1.0,
    )
    weigh = {"sample_weight": weights}
    ours = {name: measure(weights) for name, measure in measures_of(truth, predicted).items()}
    assert ours == pytest.approx(
        {
            "rmse": known.root_mean_squared_error(truth, predicted, **weigh),
            "mae": known.mean_absolute_error(truth, predicted, **weigh),
            "r2": known.r2_score(truth, predicted, **weigh),
            "mape": known.mean_absolute_percentage_error(truth, predicted, **weigh),
        }
    )
    assert "mape" not in measures_of(np.append(truth, 0.0), np.append(predicted, 1.0))


def test_a_paired_interval_is_narrower_than_what_the_models_vary_by_alone(binary):
    from recipe.bootstrap import compare, draw_weights, replicate
    from recipe.supervised import measures_of

    truth, scores, _ = binary
    worse = 0.9 * scores + 0.05
    draws = draw_weights(len(truth), seed=3)
    ours, theirs = (replicate(measures_of(truth, s), draws)["log_loss"] for s in (scores, worse))
    paired = compare(ours, theirs, 0.0)
    alone = compare(ours, np.roll(theirs, 1), 0.0)
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)
    again = replicate(measures_of(truth, scores), draw_weights(len(truth), seed=3))["log_loss"]
    assert (again == ours).all()
