"""The tutorial of the image of one's own: its code is the example's, and the example trains where PyTorch is there."""

import base64
import json
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import duckdb
import pytest

from headrace.client.definitions import read_definition
from headrace.client.recipe_drafting import write_recipe
from tests.clouds import ROOT

PAGE = ROOT / "docs" / "tutorials" / "bring-your-own-image.md"
EXAMPLE = ROOT / "examples" / "pytorch"
# An interpreter with torch, pillow, pyarrow, numpy, flask and scikit-learn; PyTorch is too large for our own environments.
PYTHON = "HEADRACE_TORCH_PYTHON"
SIDES = {"train": range(6), "validation": range(6, 7), "test": range(7, 10)}
ASK = """
import base64, json, sys
sys.path.insert(0, sys.argv[1] + "/code")
import inference
model = inference.model_fn(sys.argv[1])
for line in sys.stdin:
    answer = inference.transform_fn(model, line, "application/json", "application/json")
    print(json.dumps([answer.status_code, json.loads(answer.get_data())]))
"""


def test_the_page_shows_the_whole_example() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code == (EXAMPLE / "model.py").read_text(encoding="utf-8")
    assert read_definition(EXAMPLE / "pipeline.yaml")["model"]["recipe"] == "./recipe"


def lay_out(base: Path) -> None:
    """Fill the folders of `/opt/ml` with the pictures of examples/digits."""
    with zipfile.ZipFile(ROOT / "examples" / "digits" / "digits.zip") as archive:
        rows = [(archive.read(name), name.partition("/")[0]) for name in archive.namelist()]
    for side, tenths in SIDES.items():
        folder = base / "input" / "data" / side
        folder.mkdir(parents=True)
        with duckdb.connect() as engine:
            engine.execute("CREATE TABLE pictures (image BLOB, label VARCHAR)")
            chosen = [row for place, row in enumerate(rows) if place % 10 in tenths]
            engine.executemany("INSERT INTO pictures VALUES (?, ?)", chosen)
            engine.execute(f"COPY pictures TO '{folder / 'part-0.parquet'}' (FORMAT parquet)")
    fields = [{"name": "image", "type": "binary"}, {"name": "label", "type": "string"}]
    parameters = {
        "format": 1,
        "pipeline": "digits-torch",
        "task": "image",
        "target": "label",
        "params": {},
        "preset": "fast",
        "seed": 42,
        "metrics": ["accuracy", "log_loss"],
        "schema": {"fields": fields},
        "task_options": {"image": {"size": 8, "channels": 1}},
    }
    (base / "input" / "data" / "parameters").mkdir()
    (base / "input" / "data" / "parameters" / "parameters.json").write_text(json.dumps(parameters))


def test_the_network_is_trained_judged_and_asked(tmp_path: Path) -> None:
    python = os.environ.get(PYTHON)
    if not python:
        pytest.skip(f"{PYTHON} names no Python with PyTorch, which is too large to install here")
    write_recipe(tmp_path / "recipe")
    shutil.copy2(EXAMPLE / "model.py", tmp_path / "recipe")
    lay_out(tmp_path / "ml")
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environ = {**kept, "SAGEMAKER_BASE_DIR": str(tmp_path / "ml"), "OMP_NUM_THREADS": "1"}
    command = [python, str(tmp_path / "recipe" / "train.py")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    model = tmp_path / "ml" / "model"
    evaluation = json.loads((model / "evaluation.json").read_text())
    assert evaluation["metrics"]["challenger"]["accuracy"] > 0.9
    assert evaluation["differences"]["baseline"]["log_loss"]["high"] < -1.5
    rows = [json.loads(line) for line in (model / "golden.jsonl").read_text().splitlines()]
    no_picture = {"image": base64.b64encode(b"no picture").decode()}
    bodies = [json.dumps({"records": records}) for records in ([row["record"] for row in rows], [no_picture])]
    asked = subprocess.run(
        [python, "-c", ASK, str(model)],
        input="\n".join(bodies),
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    answered, refused = (json.loads(line) for line in asked.stdout.splitlines())
    assert answered == [200, {"predictions": [row["prediction"] for row in rows]}]
    assert (refused[0], "a file is no picture" in refused[1]["error"]) == (400, True)
