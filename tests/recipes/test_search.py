"""A search of settings ends in time, and whoever trains the same model again does not choose otherwise."""

import json
import time

import numpy as np
import pandas as pd
import pytest

TARGET = np.zeros(90, dtype=np.int64)


def spend(seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        pass


@pytest.fixture
def folder(tmp_path):
    """A job's model folder with checkpoints beside it."""
    for name in ("model", "checkpoints"):
        (tmp_path / name).mkdir()
    return tmp_path / "model"


@pytest.fixture
def decide(folder):
    """Search for the candidate that is nearest to 7; `tried` is what was fitted."""
    from recipe.search import Search
    from recipe.search import decide as decide_

    def run(candidates, tried, *, within_s=9.0, cost_s=0.0, known=None):
        def loss(one, _rows):
            tried.append(one)
            spend(cost_s)
            return abs(one - 7)

        search = Search(seed=1, within_s=within_s, model=folder, known=known)
        return decide_(search, candidates, loss, TARGET, rounds=2, settings=lambda one: {"number": one})

    return run


def test_a_search_ends_with_its_time_and_says_so(decide, folder, capsys):
    tried = []
    assert decide(range(20), tried, within_s=0.03, cost_s=0.02) in {0, 1, 2}
    assert len(tried) < 20
    record = json.loads((folder / "search.json").read_text())
    assert (record["ended_early"], record["candidates"], record["fits"]) == (True, 20, len(tried))
    assert "where its time was over" in capsys.readouterr().out


def test_an_interrupted_job_goes_on_with_the_candidate_it_had_chosen(decide, folder):
    assert decide(range(20), [], within_s=0.0, cost_s=0.001) == 0
    again = []
    assert decide(range(20), again) == 0
    assert again == []
    # Other candidates are another search: nothing of the old one holds.
    assert decide(range(5, 20), again) == 7
    assert again


def test_a_damaged_record_in_the_checkpoints_is_as_good_as_none(decide, folder):
    (folder.parent / "checkpoints" / "search.json").write_text("{")
    assert decide(range(20), []) == 7


def test_equal_candidates_are_tried_once_and_one_alone_not_at_all(decide, folder):
    tried = []
    assert decide([3, 3, 3], tried) == 3
    assert tried == []
    assert not (folder / "search.json").exists()


def test_a_choice_that_is_no_candidate_is_refused_by_name(decide):
    from recipe.failure import UserError

    with pytest.raises(UserError, match="99"):
        decide(range(20), [], known={"chosen": {"number": 99}})


def table(rows=900):
    random = np.random.default_rng(4)
    size = random.normal(size=rows)
    frame = pd.DataFrame({"size": size, "y": np.where(size + random.normal(size=rows) > 0, "yes", "no")})
    return [frame[: rows * 6 // 10], frame[rows * 6 // 10 : rows * 7 // 10], frame[rows * 7 // 10 :]]


def test_a_model_made_again_from_its_record_is_the_same_without_a_search(make_job, capsys):
    kinds = {"size": "number", "y": "string"}
    asked = {"preset": "best", "params": {"max_iter": 30}}
    # No time at all: only the first candidate is tried, where a full search finds another.
    hurried = make_job(kinds, table(), **asked, max_minutes=1e-9)
    assert hurried.run() == 0
    record = hurried.evaluation["search"]
    assert record["ended_early"]
    assert "the time for it was over" in (hurried.model / "card.md").read_text()
    unhurried = make_job(kinds, table(), **asked)
    assert unhurried.run() == 0
    assert unhurried.evaluation["search"]["chosen"] != record["chosen"]
    capsys.readouterr()
    again = make_job(kinds, table(), **asked, search=record)
    assert again.run() == 0
    assert "chose" not in capsys.readouterr().out
    assert again.hashes() == hurried.hashes()


ASKED = [("boosting", 4), ("linear", 3)]


@pytest.mark.parametrize(("recipe", "trials"), ASKED)
def test_as_many_settings_are_tried_as_were_asked_for(make_job, recipe, trials):
    params = {"max_iter": 20} if recipe == "boosting" else {}
    job = make_job({"size": "number", "y": "string"}, table(), recipe=recipe, params=params, trials=trials)
    assert job.run() == 0
    found = job.evaluation["search"]
    assert (found["candidates"], found["ended_early"]) == (trials, False)
    assert found["fits"] >= trials


def test_of_a_list_some_are_drawn_the_usual_one_always():
    from recipe.halving import draw, some

    every = list(range(30))
    drawn = some(every, 5, 1)
    assert (len(set(drawn)), drawn[0]) == (5, 0)
    assert some(every, 5, 1) == drawn != some(every, 5, 2)
    assert some(every, 100, 1) == every
    settings = draw({"a": (1, 2), "b": (3, 4)}, 100, 1)
    assert (len(settings), settings[0]) == (5, {})
