"""The recipe, run as a training job and an endpoint run it, without AWS: `python tests/test_recipe.py [DATA.csv TARGET]`.

It wants pyarrow, numpy, scikit-learn and flask, as the image has them. pytest finds the test, too.
"""

import csv
import json
import os
import random
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

RECIPE = Path(__file__).resolve().parent.parent
WRITTEN = (
    "evaluation.json",
    "serving.json",
    "signature.json",
    "versions.json",
    "golden.jsonl",
    "card.md",
    "code/inference.py",
)
NAMES = {"int64": "integer", "double": "number", "bool": "boolean", "string": "string"}


def write_sample(path: Path) -> Path:
    """Write some deliveries, late where they are far, by day and by bike."""
    draw = random.Random(1)
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["distance_km", "by_bike", "hour", "late"])
        for _ in range(900):
            distance, bike, hour = draw.uniform(1, 30), draw.choice(["yes", "no"]), draw.randrange(24)
            late = distance + (8 if bike == "yes" else 0) + draw.gauss(0, 4) > 20
            writer.writerow(
                [f"{distance:.1f}" if draw.random() > 0.05 else "", bike, hour, str(late).lower()]
            )
    return path


def lay_out(base: Path, data: Path, target: str, purpose: str = "train") -> Path:
    """Fill the folders of `/opt/ml` under *base* as SageMaker would, six rows in ten to train."""
    table = pyarrow.csv.read_csv(data)
    kind = str(table.schema.field(target).type)
    fields = [{"name": f.name, "type": NAMES.get(str(f.type), "string")} for f in table.schema]
    parameters = {
        "format": 1,
        "pipeline": "local",
        "purpose": purpose,
        "task": "regression" if kind == "double" else "classification",
        "target": target,
        "params": {},
        "seed": 42,
        "metrics": [],
        "schema": {"fields": fields},
        "time": None,
        "key": None,
        "drop": [],
        "champion": None if purpose == "train" else {"version": "v1", "trained_through": None},
    }
    sides = {"train": (0, 6), "validation": (6, 8), "test": (8, 10)}
    for side, (first, last) in sides.items():
        rows = table.take([n for n in range(table.num_rows) if first <= n % 10 < last])
        folder = base / "input" / "data" / side
        folder.mkdir(parents=True)
        pa.parquet.write_table(rows, folder / "part-0.parquet")
    (base / "input" / "data" / "parameters").mkdir()
    (base / "input" / "data" / "parameters" / "parameters.json").write_text(json.dumps(parameters))
    return base


def run(base: Path, script: str, *arguments: str) -> str:
    """Run Python in the recipe's folder, as the container does, and return what it prints."""
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(base), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, script, *arguments], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


ASK = """
import json, pathlib, sys
sys.path.insert(0, sys.argv[1] + "/code")
import inference
rows = [json.loads(line) for line in (pathlib.Path(sys.argv[1]) / "golden.jsonl").read_text().splitlines()]
body = json.dumps({"records": [row["record"] for row in rows]})
answer = inference.transform_fn(inference.model_fn(sys.argv[1]), body, "application/json", "application/json")
assert answer.status_code == 200, answer.get_data()
assert json.loads(answer.get_data())["predictions"] == [row["prediction"] for row in rows]
wrong = ["{", "[]", '{"records": [3]}', json.dumps({"records": [{name: 2**70 for name in rows[0]["record"]}]})]
model = inference.model_fn(sys.argv[1])
assert [inference.transform_fn(model, body, "application/json", "").status_code for body in wrong] == [400] * 4
"""


def check(data: Path, target: str, scratch: Path) -> dict[str, object]:
    """Train, ask the model as an endpoint would, and judge it again as a champion; return its evaluation."""
    base = lay_out(scratch / "train", data, target)
    printed = run(base, str(RECIPE / "train.py"))
    lacking = [name for name in WRITTEN if not (base / "model" / name).is_file()]
    assert not lacking, f"train.py did not write {lacking}"
    run(base, "-c", ASK, str(base / "model"))
    again = lay_out(scratch / "again", data, target, purpose="evaluate")
    for channel in ("challenger", "champion"):
        folder = again / "input" / "data" / channel
        folder.mkdir()
        with tarfile.open(folder / "model.tar.gz", "w:gz") as tar:
            tar.add(base / "model", ".")
    run(again, str(RECIPE / "train.py"))
    judged = json.loads((again / "model" / "evaluation.json").read_text())
    assert judged["purpose"] == "evaluate"
    assert judged["champion_error"] is None, judged["champion_error"]
    evaluation: dict[str, object] = json.loads((base / "model" / "evaluation.json").read_text())
    print(printed)
    return evaluation


def test_the_recipe_keeps_the_contract(tmp_path: Path) -> None:
    """It trains, is judged on rows it has not seen, and answers as it did in training."""
    evaluation = check(write_sample(tmp_path / "sample.csv"), "late", tmp_path)
    assert evaluation["rows"], "no row of the test side was left to judge"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        given = sys.argv[1:] or [str(write_sample(Path(folder) / "sample.csv")), "late"]
        print(json.dumps(check(Path(given[0]), given[1], Path(folder)), indent=1))
