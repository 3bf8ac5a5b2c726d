"""Tables as they come: rare classes, thousands of categories, names that are all different, dates, gaps."""

import json

import numpy as np
import pandas as pd
import pytest


def cut(frame: pd.DataFrame) -> list[pd.DataFrame]:
    """The three sides."""
    first, second = int(len(frame) * 0.7), int(len(frame) * 0.8)
    return [frame[:first], frame[first:second], frame[second:]]


def better(job) -> bool:
    """Whether the model is surely better than the naive baseline."""
    evaluation = job.evaluation
    return evaluation["differences"]["baseline"][evaluation["primary"]]["high"] < 0


def many(rows: int, seed: int = 1) -> pd.DataFrame:
    """A class that depends on which of 3,000 towns a row is from, and on nothing else."""
    random = np.random.default_rng(seed)
    town = (random.pareto(0.8, rows) * 20).astype(int) % 3000
    chance = np.where(np.random.default_rng(0).random(3000) < 0.4, 0.85, 0.15)[town]
    y = np.where(random.random(rows) < chance, "yes", "no")
    return pd.DataFrame({"town": [f"town {t}" for t in town], "noise": random.normal(size=rows), "y": y})


MANY = {"town": "string", "noise": "number", "y": "string"}


@pytest.mark.parametrize("recipe", ["boosting", "linear"])
def test_thousands_of_categories_neither_blow_up_nor_are_thrown_away(make_job, recipe):
    job = make_job(MANY, cut(many(12_000)), recipe=recipe, params={})
    assert job.run() == 0
    assert better(job)
    assert job.evaluation["metrics"]["challenger"]["roc_auc"] > (0.8 if recipe == "boosting" else 0.65)
    assert (job.model / "model.skops").stat().st_size < 2_000_000
    assert job.read("signature.json")["inputs"][0]["categories"] is None


def test_no_row_is_told_its_own_target_by_a_column_of_all_different_names(make_job):
    frame = many(6_000).assign(town=[f"name {n}" for n in range(6_000)])
    job = make_job(MANY, cut(frame), params={})
    assert job.run() == 0
    # Nothing can be learnt, so nothing must seem to be.
    assert job.evaluation["metrics"]["challenger"]["roc_auc"] == pytest.approx(0.5, abs=0.05)
    assert job.evaluation["differences"]["baseline"]["log_loss"]["estimate"] < 0.01


def test_three_classes_and_values_know_many_categories_too(make_job):
    frame = many(9_000)
    three = frame.assign(y=np.where(frame["noise"] > 1, "maybe", frame["y"]))
    classes = make_job(MANY, cut(three), params={})
    values = make_job(
        MANY | {"y": "number"},
        cut(frame.assign(y=(frame["y"] == "yes") * 10.0)),
        task="regression",
        params={},
    )
    for job in (classes, values):
        assert job.run() == 0
        assert better(job)


@pytest.mark.parametrize("recipe", ["boosting", "linear"])
def test_one_row_in_a_hundred_of_a_class_is_enough_to_rank_it(make_job, recipe):
    random = np.random.default_rng(3)
    x = random.normal(size=(12_000, 2))
    rare = random.random(12_000) < 0.012 * np.exp(1.5 * x[:, 0] - 1.1)
    frame = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": np.where(rare, "fraud", "fine")})
    job = make_job({"a": "number", "b": "number", "y": "string"}, cut(frame), recipe=recipe, params={})
    assert job.run() == 0
    metrics = job.evaluation["metrics"]
    assert metrics["challenger"]["roc_auc"] > 0.75
    assert metrics["challenger"]["log_loss"] < metrics["baseline"]["log_loss"]


@pytest.mark.parametrize("recipe", ["boosting", "linear"])
def test_a_class_of_a_single_row_does_no_harm(make_job, rows, schema, recipe):
    train = rows(300, 1)
    train.loc[5, "y"] = "once"
    test = rows(250, 3)
    test.loc[7, "y"] = "never before"
    job = make_job(schema, [train, rows(80, 2), test], recipe=recipe)
    assert job.run() == 0
    assert job.read("signature.json")["classes"] == ["no", "once", "yes"]


@pytest.mark.parametrize("recipe", ["boosting", "linear"])
def test_what_depends_on_the_calendar_is_learnt_from_a_date(make_job, recipe):
    random = np.random.default_rng(5)
    at = pd.Timestamp("2024-01-01") + pd.to_timedelta(random.integers(0, 365 * 24, 6_000), unit="h")
    late = (at.hour >= 16) & (at.weekday < 5)
    y = np.where(random.random(6_000) < np.where(late, 0.8, 0.2), "yes", "no")
    frame = pd.DataFrame({"at": at, "y": y})
    job = make_job({"at": "datetime", "y": "string"}, cut(frame), recipe=recipe, params={})
    assert job.run() == 0
    assert better(job)
    # 0.74 is the most that anybody could reach.
    assert job.evaluation["metrics"]["challenger"]["roc_auc"] > 0.6


@pytest.mark.parametrize("recipe", ["boosting", "linear"])
def test_gaps_everywhere_constants_and_huge_numbers_are_taken(make_job, recipe):
    random = np.random.default_rng(6)
    size = random.normal(size=4_000)
    frame = pd.DataFrame(
        {
            "size": np.where(random.random(4_000) < 0.7, np.nan, size),
            "same": 1.0,
            "huge": size * 1e300,
            "tiny": size * 1e-300,
            "empty": np.nan,
            "word": pd.Series([None] * 4_000, dtype=object),
            "y": np.where(size + random.normal(size=4_000) > 0, "yes", "no"),
        }
    )
    kinds = dict.fromkeys(("size", "same", "huge", "tiny", "empty"), "number")
    job = make_job(kinds | {"word": "string", "y": "string"}, cut(frame), recipe=recipe, params={})
    assert job.run() == 0
    assert better(job)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_a_search_on_few_rows_bears_a_column_that_is_empty_in_them(make_job, task):
    random = np.random.default_rng(8)
    size = random.normal(size=900)
    filled = np.where(np.arange(900) % 90 == 0, 1.0, np.nan)
    target = size if task == "regression" else np.where(size > 0, "yes", "no")
    frame = pd.DataFrame({"size": size, "filled": filled, "y": target})
    kinds = {"size": "number", "filled": "number", "y": "number" if task == "regression" else "string"}
    job = make_job(kinds, cut(frame), preset="best", params={"max_iter": 10}, task=task)
    assert job.run() == 0, job.failure
    assert better(job)


def test_a_category_never_seen_is_answered_as_a_missing_one(make_job):
    job = make_job(MANY, cut(many(12_000)), params={})
    assert job.run() == 0
    endpoint = job.recipe.endpoint
    model = endpoint.model_fn(str(job.model))
    records = [{"town": town, "noise": 0.0} for town in ("nowhere", "elsewhere")]
    answers = endpoint.transform_fn(model, json.dumps({"records": records}), "application/json", "*/*")
    first, second = answers.get_json()["predictions"]
    assert first == second


def test_the_fast_encoding_of_training_rows_is_the_one_an_endpoint_makes(rows, schema):
    from recipe.columns import row_count
    from recipe.features import to_matrix
    from recipe.parameters import Field
    from tabular.encoding import Lesson, fit_encoding

    frame = rows(500, 1)
    columns = {
        "at": frame["at"].to_numpy("datetime64[us]"),
        "size": frame["size"].to_numpy(),
        "colour": frame["colour"].to_numpy(dtype=object, na_value=None),
        "new": frame["new"].to_numpy(np.float64, na_value=np.nan),
    }
    fields = [Field(name=name, type=schema[name]) for name in columns]
    lesson = Lesson(task="classification", target=(frame["y"] == "yes").to_numpy(np.float64), seed=1)
    transformer, numbers = fit_encoding(columns, fields, lesson)
    served = transformer.transform(to_matrix(columns, fields)).astype(np.float64)
    np.testing.assert_array_equal(numbers, served)
    assert len(numbers) == row_count(columns)


def test_best_keeps_the_better_of_many_candidates(make_job):
    sides = cut(many(3_000))
    fast, best = (make_job(MANY, sides, preset=preset, params={}) for preset in ("fast", "best"))
    for job in (fast, best):
        assert job.run() == 0
    losses = [job.evaluation["metrics"]["challenger"]["log_loss"] for job in (fast, best)]
    assert losses[1] < losses[0] + 0.005
