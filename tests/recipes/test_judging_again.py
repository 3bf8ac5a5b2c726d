"""An evaluation-only job: two models of earlier jobs and the baseline, judged on the newest rows, nothing fitted."""

import pytest


@pytest.fixture(scope="module")
def weak(make_job, rows, schema, tmp_path_factory):
    job = make_job(
        schema, [rows(60, 9), rows(0, 2), rows(300, 3)], params={"max_iter": 5, "min_samples_leaf": 2}
    )
    assert job.run() == 0
    return job.pack(tmp_path_factory.mktemp("weak") / "model.tar.gz")


@pytest.fixture(scope="module")
def strong(trained, tmp_path_factory):
    return trained.pack(tmp_path_factory.mktemp("strong") / "model.tar.gz")


def _again(make_job, schema, sides, champion, judged, /, **changes):
    return make_job(
        schema, sides, champion, again=judged, purpose="evaluate", champion={"version": "v2"}, **changes
    )


def test_two_models_are_judged_on_rows_neither_was_trained_on_and_nothing_is_fitted(
    make_job, rows, schema, strong, weak
):
    import pandas as pd

    fresh = rows(300, 11).dropna(subset="size")[:200]
    # The first 50 taught the one, the next 30 the other; this job's own training rows taught neither.
    test = pd.concat([rows(400, 1)[:50], rows(60, 9)[:30], fresh], ignore_index=True)
    job = _again(make_job, schema, [rows(100, 12), rows(50, 13), test], weak, strong)
    assert job.run() == 0
    found = job.evaluation
    assert (found["purpose"], found["rows"], found["rows_test_seen"]) == ("evaluate", 200, 80)
    assert found["differences"]["champion"]["log_loss"]["high"] < 0
    assert found["metrics"]["baseline"]["log_loss"] > found["metrics"]["challenger"]["log_loss"]
    assert sorted(path.name for path in job.model.iterdir()) == ["evaluation.json", "serving.json"]


def test_judged_again_a_model_gets_the_figures_its_training_gave(make_job, rows, schema, trained, strong):
    sides = [rows(400, 1), rows(100, 2), rows(300, 3)]
    job = _again(make_job, schema, sides, strong, strong)
    assert job.run() == 0
    assert job.evaluation["metrics"]["challenger"] == trained.evaluation["metrics"]["challenger"]
    assert job.evaluation["rows"] == trained.evaluation["rows"]


def test_by_time_rows_count_that_are_newer_than_both(make_job, rows, schema, strong, weak):
    test = rows(300, 3, start="2024-03-01")
    job = _again(
        make_job,
        schema,
        [rows(100, 12), rows(50, 13), test],
        weak,
        strong,
        time="at",
        split={"by": "time"},
        challenger={"version": "v3", "trained_through": "2024-03-05T00:00:00Z"},
    )
    assert job.run() == 0
    assert job.evaluation["judged"]["from"] == "2024-03-05T01:00:00Z"


def test_a_challenger_that_answers_another_question_is_an_error_that_says_so(make_job, rows, schema, strong):
    kinds = {**{k: v for k, v in schema.items() if k != "size"}, "y": "string"}
    sides = [rows(n, seed).drop(columns="size") for n, seed in ((200, 1), (60, 2), (100, 3))]
    job = _again(make_job, kinds, sides, strong, strong)
    assert job.run() == 1
    failure = (job.base / "output" / "failure").read_text()
    assert failure.startswith("The challenger cannot be judged again: The schema changed: 'size'")
