"""The template of a user's recipe, by the test that comes with it, and the model of examples/constant in its place."""

import csv
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = ROOT / "headrace" / "client" / "recipe_template"


def load_test(recipe):
    """Return the recipe's own test as a module that works on that folder."""
    spec = importlib.util.spec_from_file_location("own_test", recipe / "tests" / "test_recipe.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def constant(folder):
    shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "examples" / "constant" / "model.py", folder)
    return folder


def write_prices(path):
    draw = random.Random(2)
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["area", "garden", "price"])
        for _ in range(600):
            area, garden = draw.uniform(20, 200), draw.choice(["true", "false"])
            writer.writerow(
                [
                    f"{area:.2f}",
                    garden,
                    f"{area * 3 + (40 if garden == 'true' else 0) + draw.gauss(0, 9):.3f}",
                ]
            )
    return path


def test_the_template_trains_at_once_and_keeps_the_contract(tmp_path):
    own = load_test(TEMPLATE)
    evaluation = own.check(own.write_sample(tmp_path / "sample.csv"), "late", tmp_path)
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < -0.2


def test_the_template_predicts_numbers_too(tmp_path):
    evaluation = load_test(TEMPLATE).check(write_prices(tmp_path / "prices.csv"), "price", tmp_path)
    assert evaluation["primary"] == "rmse"
    assert evaluation["metrics"]["challenger"]["rmse"] < 12 < evaluation["metrics"]["baseline"]["rmse"]


def test_the_constant_model_beats_who_has_not_counted(tmp_path):
    own = load_test(constant(tmp_path / "recipe"))
    evaluation = own.check(own.write_sample(tmp_path / "sample.csv"), "late", tmp_path)
    metrics = evaluation["metrics"]
    assert metrics["challenger"]["log_loss"] < metrics["baseline"]["log_loss"]


def test_rows_that_a_model_was_taught_do_not_judge_it(tmp_path):
    own = load_test(TEMPLATE)
    lines = own.write_sample(tmp_path / "sample.csv").read_text().splitlines()
    doubled = tmp_path / "doubled.csv"
    doubled.write_text("\n".join([lines[0], *(line for line in lines[1:] for _ in range(10))]) + "\n")
    # Of every row ten copies follow each other, so each side has all rows: none is left to judge.
    base = own.lay_out(tmp_path / "ml", doubled, "late")
    own.run(base, str(TEMPLATE / "train.py"))
    evaluation = json.loads((base / "model" / "evaluation.json").read_text())
    assert (evaluation["rows"], evaluation["metrics"]["challenger"]["log_loss"]) == (0, None)


def test_what_the_template_costs_to_serve_is_measured_for_the_gate_and_compared_with_the_champion(tmp_path):
    own = load_test(TEMPLATE)
    own.check(own.write_sample(tmp_path / "sample.csv"), "late", tmp_path)
    model, again = tmp_path / "train" / "model", tmp_path / "again" / "model"
    served = json.loads((model / "serving.json").read_text())
    challenger = served["metrics"]["challenger"]
    assert (served["requests"] >= 20, 0 < challenger["latency_p95_ms"] < 1000) == (True, True)
    # Without the documents and the hashes of the rows, which no endpoint loads.
    loaded = [model / "model.json", model / "signature.json", *(model / "code").rglob("*")]
    assert challenger["size_mb"] == sum(path.stat().st_size for path in loaded if path.is_file()) / 1e6
    judged = json.loads((again / "serving.json").read_text())
    same, latency = (judged["differences"]["champion"][name] for name in ("size_mb", "latency_p95_ms"))
    assert same == {"estimate": 0.0, "low": 0.0, "high": 0.0}
    assert latency["low"] <= latency["high"]


def test_a_model_that_refuses_a_record_has_no_latency(tmp_path):
    recipe = tmp_path / "recipe"
    shutil.copytree(TEMPLATE, recipe, ignore=shutil.ignore_patterns("__pycache__"))
    costs = recipe / "costs.py"
    text = costs.read_text()
    assert "body = json.dumps" in text
    costs.write_text(text.replace("body = json.dumps(", "body = '{' + json.dumps("))
    own = load_test(recipe)
    own.check(own.write_sample(tmp_path / "sample.csv"), "late", tmp_path)
    served = json.loads((tmp_path / "train" / "model" / "serving.json").read_text())
    assert served["metrics"]["challenger"]["latency_p95_ms"] is None


def test_a_gate_that_asks_for_what_is_not_measured_is_told_at_once(tmp_path):
    own = load_test(TEMPLATE)
    base = own.lay_out(tmp_path, own.write_sample(tmp_path / "sample.csv"), "late")
    told = base / "input" / "data" / "parameters" / "parameters.json"
    told.write_text(json.dumps({**json.loads(told.read_text()), "metrics": ["latency_p95_ms", "f1"]}))
    environ = {**os.environ, "SAGEMAKER_BASE_DIR": str(base)}
    done = subprocess.run(
        [sys.executable, TEMPLATE / "train.py"], env=environ, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "the gate asks for f1" in done.stderr) == (1, True)
