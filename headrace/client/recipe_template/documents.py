"""What goes beside the model, as the service reads it: a document that is missing or wrong ends the job."""

import base64
import json
import math
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from data import Job

PACKAGES = ("numpy", "pyarrow", "scikit-learn")
GOLDEN_ROWS = 20
HERE = Path(__file__).resolve().parent


def write_json(path: Path, document: Any) -> None:
    """Write JSON; NaN, which is none, becomes null."""
    path.write_text(json.dumps(_finite(document), indent=1, allow_nan=False) + "\n", encoding="utf-8")


def write_signature(folder: Path, job: Job, train: pa.Table, classes: list[Any] | None) -> dict[str, Any]:
    """Write, and return, what the model takes and gives: every prediction request is held against it."""
    inputs = [
        {
            "name": f["name"],
            "type": f["type"],
            "required": train[f["name"]].null_count == 0,
            "categories": None,
        }
        for f in job.features
    ]
    target = next({"name": f["name"], "type": f["type"]} for f in job.fields if f["name"] == job.target)
    document = {"format": 1, "task": job.task, "target": target, "inputs": inputs, "classes": classes}
    write_json(folder / "signature.json", document)
    return document


def write_versions(folder: Path, job: Job) -> None:
    """Write what this job ran with: with code and image, enough to do it again."""
    packages = {name: version(name) for name in PACKAGES}
    document = {
        "format": 1,
        "python": platform.python_version(),
        "packages": packages,
        "seed": job.parameters["seed"],
    }
    write_json(folder / "versions.json", document)


def write_card(folder: Path, job: Job, evaluation: dict[str, Any]) -> None:
    """Write the model card: for people, in Markdown."""
    lines = [
        f"# {job.parameters['pipeline']}",
        "",
        f"Predicts `{job.target}`.",
        "",
        "| metric | model | baseline |",
    ]
    metrics = evaluation["metrics"]
    lines += ["|---|---|---|"]
    lines += [
        f"| {name} | {value:.4g} | {metrics['baseline'][name]:.4g} |"
        for name, value in metrics["challenger"].items()
    ]
    lines += ["", f"Judged on {evaluation['rows']} rows that the model was not trained on."]
    (folder / "card.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_golden(folder: Path, job: Job, rows: pa.Table) -> None:
    """Write requests with the model's own answers: an endpoint that answers otherwise does not go live."""
    import inference

    records = sample_records(job, rows)
    model = inference.model_fn(str(folder))
    answered = inference.transform_fn(model, json.dumps({"records": records}), "application/json", "*/*")
    answers = json.loads(answered.get_data())["predictions"]
    lines = [json.dumps({"record": r, "prediction": p}) for r, p in zip(records, answers, strict=True)]
    (folder / "golden.jsonl").write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def sample_records(job: Job, rows: pa.Table) -> list[dict[str, Any]]:
    """Return some of the rows as a client sends them."""
    names = [field["name"] for field in job.features]
    sample = rows.select(names).slice(0, GOLDEN_ROWS).to_pylist()
    return [{name: _as_sent(value) for name, value in row.items()} for row in sample]


def copy_code(folder: Path) -> None:
    """Pack this folder with the model, so that a model serves itself whatever becomes of the recipe."""
    ignored = shutil.ignore_patterns("__pycache__", "tests", "README.md", ".*")
    shutil.copytree(HERE, folder / "code", ignore=ignored, dirs_exist_ok=True)


def last_time(job: Job, *tables: pa.Table) -> str | None:
    """Return the newest time among rows, None for data without times."""
    name = job.parameters.get("time")
    times = (
        [pc.max(table[name].cast(pa.timestamp("us", tz="UTC"))).as_py() for table in tables] if name else []
    )
    known = [time for time in times if time is not None]
    return max(known).isoformat().replace("+00:00", "Z") if known else None


def _as_sent(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
