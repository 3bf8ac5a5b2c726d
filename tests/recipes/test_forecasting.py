"""What the forecasting recipe promises: better than the seasonal-naive forecast, honest intervals, no peeking."""

import json

import numpy as np
import pandas as pd
import pytest

SCHEMA = {"at": "datetime", "shop": "string", "sold": "number"}
OPTIONS = {"series": ["shop"], "horizon": 12, "freq": None}
ASK = {
    "task": "forecasting",
    "target": "sold",
    "time": "at",
    "split": {"by": "time"},
    "family": "forecasting",
}
START = pd.Timestamp("2024-01-01")


def make_shop(name, hours, seed, level=100.0, start=0):
    """Return hourly sales with a day's rhythm and a slow drift that only yesterday's level tells."""
    random = np.random.default_rng(seed)
    hour = np.arange(start, start + hours)
    drift = np.cumsum(random.normal(scale=0.8, size=hours))
    sold = level + 10 * np.sin(2 * np.pi * hour / 24) + drift + random.normal(scale=3.0, size=hours)
    return pd.DataFrame({"at": START + pd.to_timedelta(hour, unit="h"), "shop": name, "sold": sold})


def make_shops(hours=1000, names=("a", "b", "c")):
    shops = [make_shop(name, hours, seed, 100.0 * (seed + 1)) for seed, name in enumerate(names)]
    return pd.concat(shops, ignore_index=True)


def split(frame, train=0.7, validation=0.8):
    times = np.sort(frame["at"].unique())
    ends = [times[int(len(times) * share)] for share in (train, validation)]
    sides = [
        frame["at"] < ends[0],
        (frame["at"] >= ends[0]) & (frame["at"] < ends[1]),
        frame["at"] >= ends[1],
    ]
    return [frame[side].reset_index(drop=True) for side in sides]


@pytest.fixture(scope="module")
def job(make_job):
    done = make_job(SCHEMA, split(make_shops()), task_options=OPTIONS, **ASK)
    assert done.run() == 0
    return done


@pytest.fixture(scope="module")
def ask(job):
    endpoint = job.recipe.endpoint
    model = endpoint.model_fn(job.model)

    def ask(body, content_type="application/json", accept="application/json"):
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return endpoint.transform_fn(model, text, content_type, accept)

    return ask


def test_many_series_are_forecast_surely_better_than_by_the_seasonal_naive(job):
    evaluation = job.evaluation
    assert evaluation["primary"] == "mae"
    assert evaluation["rows"] == 600
    assert evaluation["differences"]["baseline"]["mae"]["high"] < 0
    assert evaluation["metrics"]["challenger"]["mase"] < 0.9


def test_the_intervals_hold_about_nine_truths_in_ten(job):
    assert 0.8 <= job.evaluation["metrics"]["challenger"]["coverage"] <= 0.99


def test_a_forecast_is_drawn_beside_what_came_of_one_series_within_its_interval(job):
    plots = {path.name.removesuffix(".vl.json") for path in (job.model / "plots").iterdir()}
    assert plots == {"forecast", "residuals", "calibration", "error_by_step"}
    drawn = job.read("plots/forecast.vl.json")["data"]["values"]
    came = make_shops().assign(time=lambda frame: frame["at"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    truths = came.groupby("time")["sold"].agg(set)
    assert len(drawn) > 100
    assert [point["time"] for point in drawn] == sorted(point["time"] for point in drawn)
    for point in drawn:
        assert any(point["actual"] == pytest.approx(truth) for truth in truths[point["time"]])
        assert point["low"] < point["forecast"] < point["high"]
    errors = job.read("plots/error_by_step.vl.json")["data"]["values"]
    assert {(point["step"], point["who"]) for point in errors} == {
        (step, who) for step in range(1, 13) for who in ("challenger", "baseline")
    }


def test_the_baseline_is_the_value_of_a_season_before_known_at_the_origin(job):
    train, validation, test = split(make_shops())
    everything = pd.concat([train, validation, test]).pivot_table(index="at", columns="shop", values="sold")
    naive = everything.shift(24).loc[test["at"].min() :]
    expected = (everything.loc[test["at"].min() :] - naive).abs().to_numpy().mean()
    assert job.evaluation["metrics"]["baseline"]["mae"] == pytest.approx(expected)


def test_nothing_after_its_origin_reaches_a_forecast(job):
    from forecasting.features import Question, Shape, build_features
    from forecasting.panel import Cells, Panel

    model = job.recipe.endpoint.model_fn(job.model)
    panel = model.panel
    # As far ahead as two seasons, where the neighbours of the same hour lie after the origin.
    step = np.arange(1, 49)
    origin = np.full(48, panel.end - 60)
    question = Question(cells=Cells(series=np.zeros(48, dtype=np.int64), index=origin + step), origin=origin)
    spoiled = panel.values.copy()
    spoiled[:, -60:] = 1e9
    other = Panel(grid=panel.grid, start=panel.start, keys=panel.keys, values=spoiled)
    shape = Shape(horizon=48, season=24, long=24)
    seen = [np.column_stack(build_features(given, question, shape, model.facts)) for given in (panel, other)]
    assert np.array_equal(*seen, equal_nan=True)


def test_an_endpoint_forecasts_from_the_newest_value_on_as_the_golden_rows_say(job, ask):
    golden = [json.loads(line) for line in (job.model / "golden.jsonl").read_text().splitlines()]
    assert [line["record"]["series"] for line in golden] == ["a", "b", "c"]
    answer = ask({"records": [line["record"] for line in golden]}).get_json()
    assert answer["predictions"] == [line["prediction"] for line in golden]
    points = golden[0]["prediction"]["points"]
    newest = START + pd.Timedelta(999, "h")
    assert points[0]["time"] == (newest + pd.Timedelta(1, "h")).isoformat() + "Z"
    assert all(point["interval"][0] < point["value"] < point["interval"][1] for point in points)


def test_a_csv_asks_the_same_and_is_answered_with_a_row_per_point(ask):
    as_json = ask({"records": [{"series": "b", "horizon": 2}]}).get_json()["predictions"][0]["points"]
    answer = ask("series,horizon\nb,2\n", "text/csv", "text/csv").get_data(as_text=True).splitlines()
    assert answer[0] == "record,time,value,low,high"
    assert [line.split(",")[1] for line in answer[1:]] == [point["time"] for point in as_json]


def test_without_a_horizon_the_whole_one_is_forecast(ask):
    assert len(ask({"records": [{"series": "a"}]}).get_json()["predictions"][0]["points"]) == 12


def test_a_series_that_nobody_knows_gets_the_mean_of_the_others_and_a_wider_interval(ask):
    known = ask({"records": [{"series": name, "horizon": 3} for name in "abc"]}).get_json()["predictions"]
    new = ask({"records": [{"series": "new", "horizon": 3}]}).get_json()["predictions"][0]["points"]
    for step in range(3):
        points = [one["points"][step] for one in known]
        assert new[step]["value"] == pytest.approx(np.mean([point["value"] for point in points]))
        width = new[step]["interval"][1] - new[step]["interval"][0]
        assert width > max(point["interval"][1] - point["interval"][0] for point in points)


@pytest.mark.parametrize(
    ("record", "sentence"),
    [
        ({"series": "a", "horizon": 13}, "the horizon is 13; this model forecasts 1 to 12 steps"),
        ({"series": "a", "horizon": 0}, "the horizon is 0"),
        ({"series": "a", "horizon": 1.5}, "'horizon': 1.5 is not a whole number"),
        ({"series": 7}, "'series': 7 is not a string"),
        ({"horizon": 3}, "does not say which series"),
    ],
)
def test_a_wrong_request_is_a_400_that_names_record_and_field(ask, record, sentence):
    answer = ask({"records": [{"series": "a"}, record]})
    assert answer.status_code == 400
    assert "Record 1" in answer.get_json()["error"]
    assert sentence in answer.get_json()["error"]


def test_gaps_late_starts_and_short_series_are_trained_and_judged(make_job):
    frame = make_shops(800)
    kept = np.random.default_rng(5).random(len(frame)) > 0.1
    late = make_shop("late", 20, 9, 50.0, start=780)
    short = make_shop("short", 3, 8, 70.0)
    frame = pd.concat([frame[kept], late, short], ignore_index=True)
    frame.loc[frame.index % 17 == 0, "sold"] = np.nan
    job = make_job(SCHEMA, split(frame), task_options=OPTIONS, **ASK)
    assert job.run() == 0
    assert job.evaluation["rows_without_target"] > 0
    assert job.evaluation["differences"]["baseline"]["mae"]["high"] < 0


def test_one_series_needs_no_name_and_monthly_data_is_seen_as_such(make_job):
    random = np.random.default_rng(0)
    months = pd.date_range("2000-01-31", periods=240, freq="ME")
    sold = 50 + np.arange(240) * 0.3 + 9 * np.sin(np.arange(240) * np.pi / 6) + random.normal(size=240)
    frame = pd.DataFrame({"at": months, "sold": sold})
    kinds = {"at": "datetime", "sold": "number"}
    options = {"series": [], "horizon": 6, "freq": None}
    job = make_job(kinds, split(frame), task_options=options, recipe="linear", **ASK)
    assert job.run() == 0
    assert job.read("forecast.json")["grid"]["months"] == 1
    assert job.evaluation["metrics"]["challenger"]["mae"] < job.evaluation["metrics"]["baseline"]["mae"]
    endpoint = job.recipe.endpoint
    body = json.dumps({"records": [{"horizon": 2}]})
    answer = endpoint.transform_fn(endpoint.model_fn(job.model), body, "application/json", "*/*").get_json()
    assert [point["time"] for point in answer["predictions"][0]["points"]] == [
        "2020-01-01T00:00:00Z",
        "2020-02-01T00:00:00Z",
    ]


def test_a_series_of_several_columns_is_asked_as_an_object(make_job):
    frame = make_shops(600, ("a", "b")).assign(item=7)
    kinds = {**SCHEMA, "item": "integer"}
    options = {**OPTIONS, "series": ["shop", "item"]}
    job = make_job(kinds, split(frame), task_options=options, recipe="linear", **ASK)
    assert job.run() == 0
    endpoint = job.recipe.endpoint
    model = endpoint.model_fn(job.model)
    body = json.dumps({"records": [{"series": {"shop": "a", "item": 7}, "horizon": 2}]})
    by_json = endpoint.transform_fn(model, body, "application/json", "*/*").get_json()
    table = "series.shop,series.item,horizon\na,7,2\n"
    assert endpoint.transform_fn(model, table, "text/csv", "*/*").get_json() == by_json


def test_the_champion_is_judged_on_the_same_values_and_equal_models_differ_by_nothing(
    make_job, job, tmp_path
):
    again = make_job(
        SCHEMA,
        split(make_shops()),
        job.pack(tmp_path / "model.tar.gz"),
        task_options=OPTIONS,
        champion={"version": "v1"},
        **ASK,
    )
    assert again.run() == 0
    assert again.evaluation["champion_error"] is None
    assert again.evaluation["metrics"]["champion"] == again.evaluation["metrics"]["challenger"]
    assert again.evaluation["differences"]["champion"]["mae"] == {"estimate": 0.0, "low": 0.0, "high": 0.0}
    for name in ("evaluation.json", "golden.jsonl", "forecast.json", "history.npz", "card.md"):
        same = (again.model / name).read_bytes() == (job.model / name).read_bytes()
        assert same == (name not in {"evaluation.json", "card.md"}), name


def test_a_champion_of_a_shorter_horizon_is_not_compared_and_said_so(make_job, job, tmp_path):
    longer = make_job(
        SCHEMA,
        split(make_shops()),
        job.pack(tmp_path / "model.tar.gz"),
        task_options={**OPTIONS, "horizon": 24},
        champion={"version": "v1"},
        **ASK,
    )
    assert longer.run() == 0
    assert longer.evaluation["champion_error"] == "The champion forecasts 12 steps, now 24 are asked for."


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"split": {"by": "hash"}}, "a forecast can only be judged with split"),
        ({"task_options": {**OPTIONS, "horizon": 900}}, "no more than the horizon of 900"),
        ({"task_options": {**OPTIONS, "series": ["stall"]}}, "The series column 'stall' is not in the data"),
        ({"task_options": {**OPTIONS, "freq": "often"}}, "The freq is 'often'"),
        ({"params": {"depth": 3}}, "has no parameter 'depth'"),
        ({"target": "shop"}, "a forecast needs a number"),
    ],
)
def test_a_mistake_of_the_user_is_one_sentence(make_job, change, sentence):
    job = make_job(SCHEMA, split(make_shops(300)), **{**ASK, "task_options": OPTIONS, **change})
    assert job.run() == 1
    assert sentence in job.failure


def test_best_searches_and_is_no_worse_than_the_baseline(make_job):
    job = make_job(
        SCHEMA, split(make_shops(500)), preset="best", params={"max_iter": 30}, task_options=OPTIONS, **ASK
    )
    assert job.run() == 0
    assert job.evaluation["differences"]["baseline"]["mae"]["estimate"] < 0


@pytest.mark.parametrize(
    ("freq", "step", "months"),
    [
        ("15min", 900, 0),
        ("h", 3600, 0),
        ("D", 86400, 0),
        ("W", 604800, 0),
        ("MS", 0, 1),
        ("QS", 0, 3),
        ("YS", 0, 12),
    ],
)
def test_the_step_is_seen_in_the_times(freq, step, months):
    from forecasting.grid import infer_grid

    grid = infer_grid(pd.date_range("2020-01-01", periods=40, freq=freq).to_numpy().astype("datetime64[us]"))
    assert (grid.seconds, grid.months) == (step, months)


def test_drawing_blocks_gives_wider_intervals_than_drawing_rows_one_by_one():
    from recipe.bootstrap import compare, draw_weights, replicate
    from recipe.metrics import mean_of

    random = np.random.default_rng(0)
    blocks = np.repeat(np.arange(30), 20)
    errors = np.repeat(random.normal(size=30), 20) + random.normal(scale=0.1, size=600)
    spans = []
    for given in (None, blocks):
        drawn = replicate({"mae": mean_of(errors)}, draw_weights(600, 1, blocks=given))["mae"]
        interval = compare(drawn, np.zeros_like(drawn), 0.0)
        spans.append(interval.high - interval.low)
    assert spans[1] > 3 * spans[0]


def test_a_second_run_in_another_process_leaves_the_same_forecast_model(job, tmp_path):
    assert job.again(tmp_path / "again", "2").hashes() == job.hashes()
