"""What intervals of a regression promise: nine in ten, narrow where rows are easy, and the same everywhere."""

import json

import numpy as np
import pandas as pd
import pytest

KINDS = {"size": "number", "shop": "string", "y": "number"}


def uneven(rows: int, seed: int) -> pd.DataFrame:
    """Values whose noise is ten times larger in one shop than in the other."""
    random = np.random.default_rng(seed)
    size, far = random.normal(size=rows), random.random(rows) < 0.4
    noise = random.standard_t(4, rows) * np.where(far, 5.0, 0.5)
    return pd.DataFrame({"size": size, "shop": np.where(far, "far", "near"), "y": 3 * size + noise})


@pytest.fixture(scope="module")
def wide(make_job):
    job = make_job(KINDS, [uneven(3000, 1), uneven(1200, 2), uneven(4000, 3)], task="regression", params={})
    assert job.run() == 0
    return job


@pytest.mark.parametrize("recipe", ["boosting", "linear"])
def test_nine_in_ten_held_out_truths_lie_in_their_interval(make_job, recipe):
    sides = [uneven(2000, 11), uneven(1200, 21), uneven(4000, 31)]
    job = make_job(KINDS, sides, task="regression", recipe=recipe, params={})
    assert job.run() == 0
    # 600 rows measured the width: the coverage varies by about 0.012 around 0.9.
    assert job.evaluation["metrics"]["challenger"]["coverage"] == pytest.approx(0.9, abs=0.04)
    assert job.evaluation["metrics"]["baseline"]["coverage"] == pytest.approx(0.9, abs=0.04)


def test_rows_that_are_easy_to_foretell_get_narrow_intervals_and_hold_as_often(wide):
    endpoint = wide.recipe.endpoint
    model = endpoint.model_fn(str(wide.model))
    test = uneven(4000, 3)
    body = json.dumps({"records": test[["size", "shop"]].to_dict("records")})
    answers = endpoint.transform_fn(model, body, "application/json", "application/json").get_json()
    low, high = np.array([one["interval"] for one in answers["predictions"]]).T
    held, width = (low <= test["y"]) & (test["y"] <= high), high - low
    far = test["shop"] == "far"
    assert width[far].mean() > 4 * width[~far].mean()
    assert held[far].mean() == pytest.approx(0.9, abs=0.05)
    assert held[~far].mean() == pytest.approx(0.9, abs=0.05)
    # Intervals of one width would be wider on average.
    assert wide.evaluation["metrics"]["challenger"]["interval_width"] == pytest.approx(width.mean(), rel=1e-6)
    assert width.mean() < wide.evaluation["metrics"]["baseline"]["interval_width"] * 0.8


def test_intervals_come_in_csv_and_in_the_golden_rows(wide):
    golden = json.loads((wide.model / "golden.jsonl").read_text().splitlines()[0])
    low, high = golden["prediction"]["interval"]
    assert low < golden["prediction"]["value"] < high
    endpoint = wide.recipe.endpoint
    model = endpoint.model_fn(str(wide.model))
    text = endpoint.transform_fn(model, "size,shop\n1.5,near\n", "text/csv", "text/csv").get_data(
        as_text=True
    )
    header, row = text.splitlines()
    assert header == "value,low,high"
    value, low, high = map(float, row.split(","))
    assert value - low == pytest.approx(high - value)


def test_too_few_validation_rows_give_no_interval_rather_than_a_wrong_one(make_job):
    job = make_job(KINDS, [uneven(200, 1), uneven(17, 2), uneven(300, 3)], task="regression")
    assert job.run() == 0
    assert job.evaluation["metrics"]["challenger"]["coverage"] is None
    golden = json.loads((job.model / "golden.jsonl").read_text().splitlines()[0])
    assert set(golden["prediction"]) == {"value"}


def test_a_champion_without_intervals_is_compared_by_everything_else(make_job, wide, tmp_path):
    old = make_job(KINDS, [uneven(200, 5), uneven(10, 6), uneven(300, 7)], task="regression")
    assert old.run() == 0
    champion = old.pack(tmp_path / "model.tar.gz")
    sides = [uneven(3000, 1), uneven(1200, 2), uneven(4000, 3)]
    job = make_job(KINDS, sides, champion, task="regression", champion={"version": "v1"})
    assert job.run() == 0
    metrics = job.evaluation["metrics"]["champion"]
    assert metrics["coverage"] is None
    assert metrics["rmse"] > job.evaluation["metrics"]["challenger"]["rmse"]


def test_the_exact_rank_is_taken_not_an_interpolated_quantile(wide):
    from tabular.intervals import quantile

    assert quantile(np.arange(1.0, 10.0)) == 9.0
    assert quantile(np.arange(1.0, 100.0)) == 90.0
