"""Jobs for the recipe tests: the code under test is the unpacked tarball, exactly as SageMaker gets it.

    PYTHONPATH=.venv/runtimes/pytest .venv/runtimes/sagemaker-scikit-learn-1.9-0/bin/python \
        -m pytest tests/recipes -c tests/recipes/pytest.ini
"""

import functools
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The machine is shared, and the data is small.
os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS_PYTHON = ROOT / ".venv" / "bin" / "python"


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A family's tarball, and where it is unpacked; its package and the shared one can be imported."""

    name: str
    tarball: Path
    folder: Path

    @property
    def family(self) -> Any:
        """The family's value, by the name its module gives it."""
        return getattr(importlib.import_module(f"{self.name}.family"), self.name.upper())

    @property
    def endpoint(self) -> Any:
        """The entry script of an endpoint; every family's has the same name."""
        spec = importlib.util.spec_from_file_location(f"inference_{self.name}", self.folder / "inference.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module


_SCRATCH = tempfile.TemporaryDirectory(prefix="recipe-tests-")


@functools.cache
def load_recipe(name: str) -> Recipe:
    """Build a family's tarball and unpack it, once."""
    command = [str(TOOLS_PYTHON), "-m", "infra.recipes", name, str(ROOT / ".headrace" / "recipes")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    tarball, folder = Path(done.stdout.strip()), Path(_SCRATCH.name) / name
    with tarfile.open(tarball) as archive:
        archive.extractall(folder, filter="data")
    # The first family's copies of the shared package and of skops serve all: they are the same bytes.
    sys.path.append(str(folder))
    return Recipe(name=name, tarball=tarball, folder=folder)


TABULAR = load_recipe("tabular")

ARROW = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "datetime": pa.timestamp("us"),
    "date": pa.date32(),
    "binary": pa.binary(),
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job's folder, laid out as /opt/ml, and the family that runs it."""

    base: Path
    recipe: Recipe = TABULAR

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def failure(self) -> str:
        return (self.base / "output" / "failure").read_text()

    def read(self, name: str) -> Any:
        return json.loads((self.model / name).read_text())

    @property
    def evaluation(self) -> Any:
        return self.read("evaluation.json")

    def run(self) -> int:
        from recipe.training import Paths, run

        return run(self.recipe.family, Paths.under(self.base))

    def answers_its_golden_rows(self) -> bool:
        """Say whether the model, loaded as an endpoint loads it, gives the answers that were packed with it."""
        lines = (self.model / "golden.jsonl").read_text(encoding="utf-8").splitlines()
        golden = [json.loads(line) for line in lines]
        body = json.dumps({"records": [row["record"] for row in golden]})
        endpoint = self.recipe.endpoint
        answer = endpoint.transform_fn(endpoint.model_fn(str(self.model)), body, "application/json", "*/*")
        return bool(golden) and answer.get_json()["predictions"] == [row["prediction"] for row in golden]

    def again(self, base: Path, hash_seed: str) -> "Job":
        """Run the same inputs in a process of its own, where sets and addresses are ordered otherwise."""
        shutil.copytree(self.base / "input", base / "input")
        environment = {"PYTHONHASHSEED": hash_seed, "SAGEMAKER_BASE_DIR": str(base), "OMP_NUM_THREADS": "1"}
        command = [sys.executable, str(self.recipe.folder / "train.py")]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return Job(base=base, recipe=self.recipe)

    def hashes(self) -> dict[str, str]:
        """Return the SHA-256 of every file of the model by its path, but for the one that holds measured times."""
        files = sorted(
            path for path in self.model.rglob("*") if path.is_file() and path.name != "serving.json"
        )
        return {
            path.relative_to(self.model).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in files
        }

    def pack(self, target: Path) -> Path:
        """Make the model.tar.gz SageMaker makes of /opt/ml/model."""
        with tarfile.open(target, "w:gz") as archive:
            archive.add(self.model, arcname=".")
        return target


@pytest.fixture(scope="session")
def tarball() -> Path:
    return TABULAR.tarball


@pytest.fixture(scope="session")
def recipe_of() -> Callable[[str], Recipe]:
    """A family by its name."""
    return load_recipe


@pytest.fixture(scope="session")
def tools_python() -> Path:
    """The interpreter with the project's tools, for what the image does not have."""
    return TOOLS_PYTHON


@pytest.fixture(scope="session")
def make_job(tmp_path_factory) -> Callable[..., Job]:
    """Write channels and parameters; `sides` holds the frames of train, validation and test.

    `again` is the model that an evaluation-only job judges once more.
    """

    def make(
        schema: dict[str, str],
        sides: list[pd.DataFrame],
        champion: Path | None = None,
        /,
        recipe: str = "auto",
        family: str = "tabular",
        again: Path | None = None,
        **parameters,
    ) -> Job:
        base = tmp_path_factory.mktemp("job")
        data = base / "input" / "data"
        arrow = pa.schema([(name, ARROW[kind]) for name, kind in schema.items()])
        for side, frame in zip(("train", "validation", "test"), sides, strict=True):
            part = data / side / "flights" / "v1" / "part-0.parquet"
            part.parent.mkdir(parents=True)
            pq.write_table(pa.Table.from_pandas(frame, schema=arrow, preserve_index=False), part)
        document = {
            "format": 1,
            "pipeline": "test",
            "task": "classification",
            "target": "y",
            "recipe": recipe,
            "preset": "fast",
            "params": {"max_iter": 20} if family == "tabular" and recipe != "linear" else {},
            "seed": 42,
            "metrics": [],
            "schema": {"fields": [{"name": name, "type": kind} for name, kind in schema.items()]},
            "time": None,
            "key": None,
            "drop": [],
            "split": {"by": "hash"},
            "champion": None,
            "min_rows": 200,
            **parameters,
        }
        (data / "parameters").mkdir()
        (data / "parameters" / "parameters.json").write_text(json.dumps(document))
        for name, archive in (("champion", champion), ("challenger", again)):
            if archive:
                (data / name).mkdir()
                (data / name / "model.tar.gz").write_bytes(archive.read_bytes())
        return Job(base=base, recipe=load_recipe(family))

    return make


SCHEMA = {
    "at": "datetime",
    "size": "number",
    "count": "integer",
    "colour": "string",
    "new": "boolean",
    "y": "string",
}


def make_rows(
    rows: int, seed: int, start: str = "2024-01-01", labels: tuple[Any, Any] = ("no", "yes")
) -> pd.DataFrame:
    """Rows of mixed types with missing values everywhere but in the target, whose label can be learnt."""
    random = np.random.default_rng(seed)
    size, colour = random.normal(size=rows), random.choice(["red", "green", "blue"], rows)
    truth = size + (colour == "red") + random.normal(scale=0.5, size=rows) > 0.3
    frame = pd.DataFrame(
        {
            "at": pd.date_range(start, periods=rows, freq="h"),
            "size": np.where(random.random(rows) < 0.1, np.nan, size),
            "count": pd.array(random.integers(0, 9, rows), dtype="Int64"),
            "colour": np.where(random.random(rows) < 0.1, None, colour),
            "new": pd.array(random.random(rows) < 0.5, dtype="boolean"),
            "y": [labels[int(t)] for t in truth],
        }
    )
    frame.loc[frame.index % 13 == 0, ["count", "new", "at"]] = [pd.NA, pd.NA, pd.NaT]
    return frame


@pytest.fixture(scope="session")
def rows() -> Callable[..., pd.DataFrame]:
    return make_rows


@pytest.fixture(scope="session")
def schema() -> dict[str, str]:
    return dict(SCHEMA)


@pytest.fixture(scope="session")
def trained(make_job) -> Job:
    """One finished binary job with string labels, shared by the tests that only read it."""
    job = make_job(SCHEMA, [make_rows(400, 1), make_rows(100, 2), make_rows(300, 3)])
    assert job.run() == 0
    return job


@pytest.fixture(scope="session")
def model(trained):
    """The trained model as an endpoint loads it."""
    return TABULAR.endpoint.model_fn(str(trained.model))


@pytest.fixture(scope="session")
def ask(model) -> Callable[..., Any]:
    """Send one request; return the Flask response."""
    transform_fn = TABULAR.endpoint.transform_fn

    def ask(body: Any, content_type: str = "application/json", accept: str = "application/json") -> Any:
        return transform_fn(
            model, body if isinstance(body, (str, bytes)) else json.dumps(body), content_type, accept
        )

    return ask
