"""What a training job promises about the models it makes and the mistakes it names."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from recipe.labels import encode_labels
from tabular.options import MANY_ROWS, PRESETS


def test_missing_values_and_mixed_columns_make_a_model_better_than_the_baseline(trained):
    evaluation = trained.evaluation
    assert evaluation["rows_train"] == 400
    assert evaluation["rows"] == 300
    assert evaluation["metrics"]["challenger"]["roc_auc"] > 0.75
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < 0
    assert evaluation["metrics"]["champion"] is None


def test_everything_the_contract_names_is_in_the_model_folder(trained):
    files = {p.relative_to(trained.model).as_posix() for p in trained.model.rglob("*") if p.is_file()}
    wanted = {"model.skops", "signature.json", "versions.json", "evaluation.json", "golden.jsonl", "card.md"}
    wanted |= {
        "seen_rows.npy",
        "code/inference.py",
        "code/tabular/serving.py",
        "code/recipe/serving.py",
        "code/skops/__init__.py",
    }
    wanted |= {
        f"plots/{name}.vl.json" for name in ("roc", "pr", "gain", "confusion", "calibration", "importance")
    }
    assert wanted <= files
    assert not [name for name in files if "__pycache__" in name]
    for plot in (trained.model / "plots").iterdir():
        assert 2 <= len(json.loads(plot.read_text())["data"]["values"]) <= 200


def test_the_signature_says_what_was_never_missing_and_which_categories_are_known(trained):
    signature = trained.read("signature.json")
    inputs = {i["name"]: i for i in signature["inputs"]}
    assert list(inputs) == ["at", "size", "count", "colour", "new"]
    assert inputs["colour"]["categories"] == ["blue", "green", "red"]
    assert not inputs["size"]["required"]
    assert signature["classes"] == ["no", "yes"]


@pytest.mark.parametrize(
    ("kind", "labels"),
    [("boolean", (False, True)), ("integer", (3, 7)), ("string", ("b", "a")), ("number", (0.5, 2.0))],
)
def test_labels_keep_the_type_of_the_data(make_job, rows, schema, kind, labels):
    sides = [rows(n, seed, labels=labels) for n, seed in ((200, 1), (60, 2), (100, 3))]
    job = make_job({**schema, "y": kind}, sides)
    assert job.run() == 0
    assert job.read("signature.json")["classes"] == sorted(labels)
    golden = [json.loads(line) for line in (job.model / "golden.jsonl").read_text().splitlines()]
    assert {type(line["prediction"]["value"]) for line in golden} == {type(labels[0])}
    # The labels are not only well typed but the right way round.
    assert job.evaluation["metrics"]["challenger"]["accuracy"] > 0.6


def test_three_classes_are_scored_one_against_the_rest(make_job, rows, schema):
    def three(n, seed):
        frame = rows(n, seed)
        return frame.assign(y=frame["colour"].fillna("none").replace("none", "red"))

    job = make_job(schema, [three(300, 1), three(80, 2), three(150, 3)])
    assert job.run() == 0
    assert job.read("signature.json")["classes"] == ["blue", "green", "red"]
    assert job.evaluation["metrics"]["challenger"]["roc_auc"] > 0.9


@pytest.mark.parametrize("recipe", ["boosting", "linear"])
def test_regression_beats_the_mean(make_job, rows, schema, recipe):
    def numbers(n, seed):
        frame = rows(n, seed)
        return frame.assign(y=3 * frame["size"].fillna(0) + (frame["colour"] == "red"))

    sides = [numbers(300, 1), numbers(80, 2), numbers(200, 3)]
    job = make_job({**schema, "y": "number"}, sides, task="regression", recipe=recipe)
    assert job.run() == 0
    evaluation = job.evaluation
    assert evaluation["primary"] == "rmse"
    assert evaluation["metrics"]["challenger"]["r2"] > 0.7
    assert evaluation["differences"]["baseline"]["rmse"]["high"] < 0
    drawn = {path.name.removesuffix(".vl.json") for path in (job.model / "plots").iterdir()}
    assert drawn == {"residuals", "predicted", "calibration", "importance"}


def test_the_linear_recipe_classifies_with_missing_and_unseen_values(make_job, rows, schema):
    test = rows(200, 3).replace({"colour": {"blue": "never seen"}})
    job = make_job(schema, [rows(300, 1), rows(80, 2), test], recipe="linear", preset="good")
    assert job.run() == 0
    assert job.evaluation["metrics"]["challenger"]["roc_auc"] > 0.75


def test_the_same_job_gives_the_same_evaluation_and_answers(make_job, rows, schema, trained):
    again = make_job(schema, [rows(400, 1), rows(100, 2), rows(300, 3)])
    assert again.run() == 0
    for name in ("evaluation.json", "golden.jsonl", "signature.json", "card.md", "seen_rows.npy"):
        assert (again.model / name).read_bytes() == (trained.model / name).read_bytes(), name


def test_a_part_that_is_all_null_or_lacks_a_column_takes_its_types_from_the_schema(make_job, rows, schema):
    import pyarrow as pa
    import pyarrow.parquet as pq

    job = make_job(schema, [rows(200, 1), rows(60, 2), rows(100, 3)])
    train = job.base / "input" / "data" / "train"
    odd = pa.table({"size": pa.nulls(50, pa.int32()), "colour": pa.nulls(50), "y": ["no"] * 50})
    pq.write_table(odd, train / "part-9.parquet")
    assert job.run() == 0
    assert job.evaluation["rows_train"] == 250


def test_a_column_that_is_always_missing_does_no_harm(make_job, rows, schema):
    sides = [rows(n, seed).assign(size=np.nan, colour=None) for n, seed in ((200, 1), (60, 2), (100, 3))]
    for recipe in ("boosting", "linear"):
        job = make_job(schema, sides, recipe=recipe)
        assert job.run() == 0
        empty = "It learnt nothing from what has no value in any training row: size, colour."
        assert empty in (job.model / "card.md").read_text()


def test_a_test_side_without_rows_is_evaluated_as_null(make_job, rows, schema):
    job = make_job(schema, [rows(200, 1), rows(60, 2), rows(0, 3)])
    assert job.run() == 0
    evaluation = job.evaluation
    assert evaluation["rows"] == 0
    assert evaluation["metrics"]["challenger"]["log_loss"] is None
    assert evaluation["differences"]["baseline"]["log_loss"]["low"] is None


def test_only_one_class_in_the_judged_rows_leaves_auc_undefined_instead_of_guessed(make_job, rows, schema):
    test = rows(200, 3)
    job = make_job(schema, [rows(200, 1), rows(60, 2), test[test["y"] == "yes"]])
    assert job.run() == 0
    assert job.evaluation["metrics"]["challenger"]["roc_auc"] is None
    assert job.evaluation["metrics"]["challenger"]["log_loss"] > 0
    card = (job.model / "card.md").read_text()
    assert "All judged rows are of the class 'yes': nothing shows whether it knows another." in card


def _spoil(name, rows, schema):
    good = [rows(240, 1), rows(60, 2), rows(100, 3)]
    one_class = [frame.assign(y="yes") for frame in good]
    numbered = [frame.assign(count=pd.array(range(len(frame)), dtype="Int64")) for frame in good]
    named = [frame.assign(y=[f"name {n}" for n in range(len(frame))]) for frame in good]
    cases = {
        "one class": (schema, one_class, {}, "only the class 'yes'"),
        "one value": (
            schema,
            [frame.assign(size=2.5) for frame in good],
            {"task": "regression", "target": "size"},
            "has only the value 2.5 in the training rows",
        ),
        "many numbers": (
            schema,
            numbered,
            {"target": "count"},
            "more than 200 classes; is this a regression?",
        ),
        "many names": (schema, named, {}, "more than 200 classes; join the rare ones."),
        "no target": (schema, good, {"target": "z"}, "The target 'z' is not a column"),
        "no rows": (schema, [good[0][:0], good[1], good[2]], {}, "no training rows"),
        "text for regression": (schema, good, {"task": "regression"}, "regression needs"),
        "unknown parameter": (
            schema,
            good,
            {"params": {"depth": 3}},
            "allowed are l2_regularization, learning_rate",
        ),
        "parameter out of range": (schema, good, {"params": {"max_iter": 0}}, "whole number from 1 to 10000"),
        "unknown metric": (schema, good, {"metrics": ["auc"]}, "'auc' is not one of classification"),
        "wrong type": (
            {**schema, "colour": "string"},
            good,
            {"schema": {"fields": [{"name": "colour", "type": "number"}, {"name": "y", "type": "string"}]}},
            "'colour' of the part",
        ),
        "unknown recipe": (schema, good, {"recipe": "magic"}, "allowed are auto, boosting, linear"),
    }
    return cases[name]


@pytest.mark.parametrize(
    "name",
    [
        "one class",
        "one value",
        "many numbers",
        "many names",
        "no target",
        "no rows",
        "text for regression",
        "unknown parameter",
        "parameter out of range",
        "unknown metric",
        "wrong type",
        "unknown recipe",
    ],
)
def test_a_mistake_of_the_user_is_one_sentence_in_the_failure_file(make_job, rows, schema, name):
    kinds, sides, changes, sentence = _spoil(name, rows, schema)
    job = make_job(kinds, sides, **changes)
    assert job.run() == 1
    assert sentence in job.failure
    assert "\n" not in job.failure
    assert not (job.model / "evaluation.json").exists()


def test_metrics_are_printed_as_the_metric_definitions_read_them(make_job, rows, schema, capsys):
    import re

    job = make_job(schema, [rows(200, 1), rows(60, 2), rows(100, 3)], metrics=["brier"])
    assert job.run() == 0
    found = re.findall(r"metric: (\w+)=([-+0-9.eE]+)", capsys.readouterr().out)
    assert found[0][0] == "brier"
    printed = {name: pytest.approx(float(v), rel=1e-4) for name, v in found}
    assert printed.pop("latency_p95_ms").expected > 0
    assert printed == job.evaluation["metrics"]["challenger"]


def test_the_card_states_the_figures_of_the_evaluation(trained):
    card = (trained.model / "card.md").read_text()
    metrics = trained.evaluation["metrics"]
    row = f"| log_loss | lower | {metrics['challenger']['log_loss']:.4f} | - | {metrics['baseline']['log_loss']:.4f} |"
    assert row in card
    # Nobody weighs the naive baseline.
    assert "size_mb" not in card.partition("## Limits")[2]
    assert "of the class" not in card
    assert "no value in any training row" not in card


def test_threads_are_capped_by_affinity_quota_and_announcement(tmp_path):
    from recipe.threads import cap_threads, effective_cpus

    quota = tmp_path / "cpu.max"
    quota.write_text("100000 100000\n")
    assert effective_cpus({}, quota) == 1
    quota.write_text("max 100000\n")
    assert effective_cpus({"SM_NUM_CPUS": "1"}, quota) == 1
    environ = {"OMP_NUM_THREADS": "64"}
    assert cap_threads(environ, most=1) == 1
    assert (environ["OMP_NUM_THREADS"], environ["OMP_WAIT_POLICY"]) == ("1", "PASSIVE")


def test_the_entry_script_caps_openmp_before_numpy_is_loaded(tarball, tmp_path):
    import os
    import tarfile

    with tarfile.open(tarball) as archive:
        archive.extractall(tmp_path, filter="data")
    look = (
        "from recipe.entry import train_as; assert train_as('tabular') == 1;"
        "from threadpoolctl import threadpool_info;"
        "print(max(pool['num_threads'] for pool in threadpool_info()))"
    )
    environ = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    # No parameters are there, so that the job ends as soon as everything is imported.
    environ |= {"SM_NUM_CPUS": "1", "SAGEMAKER_BASE_DIR": str(tmp_path / "empty")}
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "1"


def test_the_baseline_knows_the_training_shares_and_nothing_else(make_job, rows, schema):
    train, test = rows(200, 1), rows(100, 3)
    # A share far from the test side's, so that no other constant gives the same loss.
    train = train[(train["y"] == "yes") | (train.index % 4 == 0)]
    job = make_job(schema, [train, rows(0, 2), test])
    assert job.run() == 0
    shares = train["y"].value_counts(normalize=True)
    expected = -np.log(test["y"].map(shares)).mean()
    assert job.evaluation["metrics"]["baseline"]["log_loss"] == pytest.approx(expected)
    assert job.evaluation["metrics"]["baseline"]["roc_auc"] == pytest.approx(0.5)


def test_the_seed_reaches_the_model(make_job, rows, schema):
    from recipe.serving import load_folder

    job = make_job(schema, [rows(100, 1), rows(0, 2), rows(50, 3)], seed=7)
    assert job.run() == 0
    assert load_folder(job.recipe.family.serving, job.model).pipeline.named_steps["model"].random_state == 7
    assert job.evaluation["bootstrap"]["seed"] == 7


def test_parts_written_by_duckdb_are_read_with_their_values(tmp_path, tools_python):
    """The types ingest's engine writes: enums, huge integers, decimals, zoned times, dates, all-null columns."""
    from recipe.data import read_channel
    from recipe.parameters import Field

    part = tmp_path / "a=b" / "part.parquet"
    part.parent.mkdir()
    query = (
        "SELECT 'x'::ENUM('x', 'y') AS e, 7::HUGEINT AS h, 1.25::DECIMAL(9,2) AS d, true AS b, NULL AS n, "
        "TIMESTAMPTZ '2013-01-01 10:15:00+00' AS z, DATE '2013-01-02' AS t, NULL::TIMESTAMP AS m"
    )
    code = "import duckdb, sys; duckdb.sql(f\"COPY ({sys.argv[1]}) TO '{sys.argv[2]}' (FORMAT parquet)\")"
    subprocess.run([str(tools_python), "-c", code, query, str(part)], check=True)
    kinds = {"e": "string", "h": "integer", "d": "number", "b": "boolean", "n": "string", "z": "datetime"}
    kinds |= {"t": "date", "m": "datetime", "absent": "number"}
    read = read_channel(tmp_path, [Field(name=name, type=kind) for name, kind in kinds.items()])
    assert [read[name][0] for name in ("e", "h", "d", "b", "n")] == ["x", 7.0, 1.25, 1.0, None]
    assert str(read["z"][0]) == "2013-01-01T10:15:00.000000"
    assert str(read["t"][0]) == "2013-01-02T00:00:00.000000"
    assert np.isnat(read["m"][0])
    assert np.isnan(read["absent"][0])


def test_bytes_and_numbers_that_name_rows_teach_nothing(make_job, rows, schema):
    fields = [{"name": name, "type": kind} for name, kind in schema.items()]
    fields += [{"name": "order", "type": "integer", "identifier": True}, {"name": "zip", "type": "string"}]
    fields[-1]["identifier"] = True  # digits kept as text, such as 01234: places, not quantities
    fields.append({"name": "picture", "type": "binary"})
    sides = [rows(n, s).assign(order=range(n), zip="01234") for n, s in ((200, 1), (50, 2), (100, 3))]
    kinds = schema | {"order": "integer", "zip": "string"}
    job = make_job(kinds, sides, schema={"fields": fields})
    assert job.run() == 0
    names = {i["name"] for i in job.read("signature.json")["inputs"]}
    assert names == {*schema, "zip"} - {"y"}


def test_who_sends_nothing_but_numbers_of_rows_is_told_that_these_teach_nothing(make_job, rows):
    fields = [{"name": "order", "type": "integer", "identifier": True}, {"name": "y", "type": "string"}]
    sides = [rows(n, s)[["y"]].assign(order=range(n)) for n, s in ((200, 1), (50, 2), (100, 3))]
    job = make_job({"order": "integer", "y": "string"}, sides, schema={"fields": fields})
    assert job.run() == 1
    assert "dropped columns and whole numbers that name rows are out" in job.failure


def test_many_rows_are_taught_in_fewer_and_larger_steps_by_the_fast_preset_alone():
    few, many = (PRESETS["fast"].for_rows(rows) for rows in (MANY_ROWS - 1, MANY_ROWS))
    assert few is PRESETS["fast"]
    assert many.max_iter < few.max_iter
    assert many.learning_rate > few.learning_rate
    assert PRESETS["good"].for_rows(MANY_ROWS) is PRESETS["good"]


def test_labels_that_are_missing_or_unknown_have_no_code():
    texts = np.array(["b", None, "a", "c", "b"], dtype=object)
    np.testing.assert_array_equal(encode_labels(texts, ("a", "b")), [1, np.nan, 0, np.nan, 1])
    np.testing.assert_array_equal(encode_labels(np.array([1.0, np.nan, 0.0]), (False, True)), [1, np.nan, 0])
