"""Beside the metrics: where a model is worst, how differently it treats groups, what it costs to serve."""

import json

import numpy as np
import pandas as pd
import pytest
from recipe.groups import LEAST_ROWS, cut
from recipe.serving_cost import percentile_of


def test_frequent_values_and_quarters_are_cut_with_the_missing_beside_them():
    texts = np.array([None] * 60 + ["a"] * 100 + ["b"] * 60 + ["rare"] * 10, dtype=object)
    assert {name: int(mask.sum()) for name, mask in cut(texts, "string")} == {
        "a": 100,
        "b": 60,
        "missing": 60,
    }
    numbers = np.append(np.arange(400.0), np.full(50, np.nan))
    groups = cut(numbers, "number")
    assert [name for name, _ in groups] == [
        "<= 99.75",
        "> 99.75 and <= 199.5",
        "> 199.5 and <= 299.25",
        "> 299.25",
        "missing",
    ]
    assert sum(int(mask.sum()) for _, mask in groups) == 450
    assert [name for name, _ in cut(np.repeat([0.0, 1.0], 60), "boolean")] == ["0", "1"]


def test_what_would_be_everything_or_too_few_rows_is_no_slice():
    assert cut(np.array(["a"] * 300, dtype=object), "string") == []
    assert cut(np.arange(float(LEAST_ROWS - 1)), "number") == []


@pytest.mark.parametrize("seed", range(5))
def test_the_latency_is_the_percentile_that_numpy_gives_for_the_drawn_requests(seed):
    random = np.random.default_rng(seed)
    times, weights = random.exponential(size=60), random.integers(0, 4, 60).astype(float)
    drawn = np.repeat(times, weights.astype(int))
    assert percentile_of(times)(weights) == np.quantile(drawn, 0.95, method="inverted_cdf")
    assert np.isnan(percentile_of(times)(np.zeros(60)))


@pytest.fixture(scope="module")
def biased(make_job, rows, schema):
    """A job whose labels are pure noise for red rows, judged with the columns colour and new for fairness."""
    sides = []
    for count, seed in ((600, 1), (100, 2), (600, 3)):
        frame = rows(count, seed)
        red = (frame["colour"] == "red").to_numpy()
        noise = np.random.default_rng(seed).choice(["no", "yes"], int(red.sum()))
        frame.loc[red, "y"] = noise
        sides.append(frame)
    job = make_job(schema, sides, fairness=["colour", "new"], drop=["new"])
    assert job.run() == 0, job.failure
    return job


def test_the_slice_a_model_fails_on_is_named_with_its_metric_and_rows(biased):
    slices = biased.evaluation["slices"]
    worst = next(each for each in slices["columns"] if each["column"] == "colour")
    assert (slices["metric"], worst["slice"]) == ("log_loss", "red")
    assert worst["rows"] >= LEAST_ROWS
    assert worst["value"] > biased.evaluation["metrics"]["challenger"]["log_loss"]
    values = [each["value"] for each in slices["columns"]]
    assert values == sorted(values, reverse=True)
    assert "y" not in [each["column"] for each in slices["columns"]]
    card = (biased.model / "card.md").read_text()
    assert f"| colour | red | {worst['rows']} |" in card


def test_fairness_tells_rates_per_group_and_their_largest_difference(biased):
    fairness, metrics = biased.evaluation["fairness"], biased.evaluation["metrics"]
    assert set(fairness["columns"]) == {"colour", "new"}
    spans = []
    for groups in fairness["columns"].values():
        rates = [group["selection_rate"] for group in groups]
        assert all(0 <= rate <= 1 for rate in rates)
        spans.append(max(rates) - min(rates))
    assert metrics["challenger"]["selection_rate_difference"] == pytest.approx(max(spans))
    assert metrics["challenger"]["metric_difference"] > 0.1
    # Who says the same of every row treats all groups alike.
    assert metrics["baseline"]["selection_rate_difference"] == 0
    assert biased.evaluation["differences"]["baseline"]["tpr_difference"]["low"] is not None


def test_a_fairness_column_that_is_not_there_is_refused_by_name(make_job, rows, schema):
    job = make_job(schema, [rows(100, 1), rows(30, 2), rows(60, 3)], fairness=["sex"])
    assert job.run() == 1
    assert "model.fairness names 'sex'" in job.failure


def test_without_fairness_columns_there_are_no_such_metrics(trained):
    assert trained.evaluation["fairness"] is None
    assert "selection_rate_difference" not in trained.evaluation["metrics"]["challenger"]


def test_what_serving_costs_is_measured_for_challenger_and_champion(
    make_job, rows, schema, trained, tmp_path
):
    archive = trained.pack(tmp_path / "model.tar.gz")
    sides = [rows(400, 1), rows(100, 2), rows(300, 3)]
    job = make_job(schema, sides, archive, champion={"version": "v1"})
    assert job.run() == 0
    served = json.loads((job.model / "serving.json").read_text())
    assert served["requests"] >= 20
    for who in ("challenger", "champion"):
        assert 0 < served["metrics"][who]["latency_p95_ms"] < 60_000
    ends = served["differences"]["champion"]["latency_p95_ms"]
    assert ends["low"] <= ends["high"]
    files = [(job.model / name).stat().st_size for name in ("model.skops", "signature.json")]
    assert job.evaluation["metrics"]["challenger"]["size_mb"] == pytest.approx(sum(files) / 1e6)
    assert job.evaluation["differences"]["champion"]["size_mb"] == {"estimate": 0.0, "low": 0.0, "high": 0.0}
    assert "size_mb" not in job.evaluation["metrics"]["baseline"]


def test_a_champion_of_fewer_columns_is_timed_on_what_it_knows(make_job, rows, schema, tmp_path):
    kinds = {name: kind for name, kind in schema.items() if name != "colour"}
    sides = [rows(n, seed) for n, seed in ((200, 1), (60, 2), (300, 3))]
    narrow = make_job(kinds, [side.drop(columns="colour") for side in sides])
    assert narrow.run() == 0
    job = make_job(schema, sides, narrow.pack(tmp_path / "m.tar.gz"), champion={"version": "v1"})
    assert job.run() == 0
    served = json.loads((job.model / "serving.json").read_text())
    assert served["metrics"]["champion"]["latency_p95_ms"] is not None


def test_a_text_column_of_many_values_is_cut_by_the_frequent_ones_only():
    values = pd.Series([f"name {k}" for k in range(500)]).to_numpy(dtype=object)
    assert cut(values, "string") == []
