"""A long fit that is interrupted goes on from its checkpoint, and ends with the very model it would have had."""

from pathlib import Path

import numpy as np
import pytest
from recipe import growing
from recipe.growing import checkpoint_folder, grow
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(1200, 4))
FEATURES[RNG.random(FEATURES.shape) < 0.05] = np.nan
VALUES = np.nan_to_num(FEATURES[:, 0]) * 3 + RNG.normal(size=1200)
CLASSES = (VALUES > 0.5).astype(float)
HELD_OUT = 300


def estimator(kind, early_stopping):
    return kind(
        max_iter=230, learning_rate=0.03, random_state=1, early_stopping=early_stopping, n_iter_no_change=15
    )


def sides(kind, held_out):
    target = CLASSES if kind is HistGradientBoostingClassifier else VALUES
    judged = (FEATURES[:HELD_OUT], target[:HELD_OUT]) if held_out else None
    return (FEATURES[HELD_OUT:], target[HELD_OUT:]), judged


def answers(model):
    return model.predict_proba(FEATURES) if hasattr(model, "predict_proba") else model.predict(FEATURES)


@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("kind", [HistGradientBoostingClassifier, HistGradientBoostingRegressor])
def test_growing_in_steps_with_and_without_interruption_gives_the_same_model(
    kind, held_out, tmp_path, capsys
):
    train, judged = sides(kind, held_out)
    features, target = judged or (None, None)
    at_once = estimator(kind, held_out).fit(*train, X_val=features, y_val=target)
    in_steps = grow(estimator(kind, held_out), train, judged, tmp_path, worth_keeping=0)
    # The checkpoint of the interrupted attempt is all that the next one has.
    resumed = grow(estimator(kind, held_out), train, judged, tmp_path, worth_keeping=0)
    assert "resumed after" in capsys.readouterr().out
    for model in (in_steps, resumed):
        assert model.n_iter_ == at_once.n_iter_
        assert model.get_params() == at_once.get_params()
        np.testing.assert_array_equal(answers(model), answers(at_once))


def test_a_stop_just_where_a_step_ends_is_seen(tmp_path, monkeypatch):
    train, judged = sides(HistGradientBoostingClassifier, True)
    at_once = estimator(HistGradientBoostingClassifier, True).fit(*train, X_val=judged[0], y_val=judged[1])
    assert at_once.n_iter_ < 230
    monkeypatch.setattr(growing, "FIRST_STEP", at_once.n_iter_)
    in_steps = grow(estimator(HistGradientBoostingClassifier, True), train, judged, tmp_path, worth_keeping=0)
    assert in_steps.n_iter_ == at_once.n_iter_


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x05\x06" + b"\0" * 18])
def test_a_checkpoint_that_cannot_be_read_is_as_good_as_none(content, tmp_path, capsys):
    train, _ = sides(HistGradientBoostingRegressor, False)
    grow(estimator(HistGradientBoostingRegressor, False), train, None, tmp_path, worth_keeping=0)
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(content)
    model = grow(estimator(HistGradientBoostingRegressor, False), train, None, tmp_path, worth_keeping=0)
    assert model.n_iter_ == 230
    assert "checkpoint not used" in capsys.readouterr().out


def test_a_fit_that_is_sooner_done_again_keeps_nothing(tmp_path):
    train, _ = sides(HistGradientBoostingRegressor, False)
    grow(estimator(HistGradientBoostingRegressor, False), train, None, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_of_other_settings_is_no_beginning_of_this_model(tmp_path, capsys):
    train, _ = sides(HistGradientBoostingRegressor, False)
    other = estimator(HistGradientBoostingRegressor, False).set_params(max_leaf_nodes=4)
    grow(other, train, None, tmp_path, worth_keeping=0)
    capsys.readouterr()
    model = grow(estimator(HistGradientBoostingRegressor, False), train, None, tmp_path, worth_keeping=0)
    assert "resumed" not in capsys.readouterr().out
    at_once = estimator(HistGradientBoostingRegressor, False).fit(*train)
    np.testing.assert_array_equal(answers(model), answers(at_once))


def test_trees_that_see_some_columns_only_are_grown_in_one_go(tmp_path):
    train, _ = sides(HistGradientBoostingRegressor, False)
    drawing = estimator(HistGradientBoostingRegressor, False).set_params(max_features=0.5)
    model = grow(drawing, train, None, tmp_path, worth_keeping=0)
    at_once = estimator(HistGradientBoostingRegressor, False).set_params(max_features=0.5).fit(*train)
    np.testing.assert_array_equal(answers(model), answers(at_once))
    assert list(tmp_path.iterdir()) == []


def test_checkpoints_lie_where_sagemaker_keeps_them():
    assert checkpoint_folder(Path("/opt/ml/model")) == Path("/opt/ml/checkpoints")
