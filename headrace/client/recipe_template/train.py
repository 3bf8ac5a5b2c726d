"""Entry script of a training job: read the rows, fit, judge on rows that no model has seen, write what a model version is."""

import hashlib
import io
import json
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from costs import METRICS as SERVING_METRICS
from costs import Served, loaded_bytes, measure
from data import Job
from documents import (
    copy_code,
    last_time,
    sample_records,
    write_card,
    write_golden,
    write_json,
    write_signature,
    write_versions,
)
from judging import HIGHER_IS_BETTER, METRICS, judge
from model import State, fit, fit_baseline, predict

MODEL, SEEN = "model.json", "seen_rows.npy"
KEPT = (MODEL, "signature.json", SEEN)
Hashes: TypeAlias = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Contestant:
    """A model, what it takes, the rows it was taught, by their hashes, and the bytes an endpoint loads."""

    state: State
    signature: dict[str, Any]
    seen: Hashes
    size_bytes: int


def main(job: Job) -> None:
    """Do what the job is for: `evaluate` judges a model there is beside the champion of now, all else trains one."""
    measured = (*METRICS[job.kind], *SERVING_METRICS)
    unknown = [name for name in job.parameters["metrics"] if name not in measured]
    if unknown:
        raise SystemExit(f"the gate asks for {unknown[0]}, which this recipe does not measure")
    if not job.features:
        raise SystemExit("no column is left to learn from: all are the target, the key or dropped")
    train = pa.concat_tables([job.read("train"), job.read("validation")])
    folder = job.base / "model"
    folder.mkdir(parents=True, exist_ok=True)
    if job.parameters.get("purpose") == "evaluate":
        challenger = load(job, "challenger")
        if challenger is None:
            raise SystemExit("the challenger is no model of this recipe")
    else:
        challenger = teach(job, folder, train)
    champion = load(job, "champion")
    evaluation = evaluate(job, train, challenger, champion)
    write_json(folder / "evaluation.json", evaluation)
    write_json(folder / "serving.json", evaluate_serving(job, challenger, champion))
    if job.parameters.get("purpose") != "evaluate":
        write_versions(folder, job)
        write_card(folder, job, evaluation)
        write_golden(folder, job, job.read("test"))


def teach(job: Job, folder: Path, train: pa.Table) -> Contestant:
    """Fit a model and write all that an endpoint loads."""
    state, seen = fit(job, train), hash_rows(job, train)
    write_json(folder / MODEL, state)
    np.save(folder / SEEN, seen, allow_pickle=False)
    signature = write_signature(folder, job, train, state["classes"])
    copy_code(folder)
    files = {p.relative_to(folder).as_posix(): p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    return Contestant(state, signature, seen, loaded_bytes(files))


def evaluate(
    job: Job, train: pa.Table, challenger: Contestant, champion: Contestant | None
) -> dict[str, Any]:
    """Judge challenger, champion and baseline on the newest rows, and print the challenger's metrics."""
    rows = unseen_rows(job, challenger, champion or challenger)
    models = {"challenger": challenger.state, "baseline": fit_baseline(job, train)}
    models |= {"champion": champion.state} if champion else {}
    classes = classes_in(job, rows, challenger.state["classes"])
    answers = {name: align(predict(state, rows), state["classes"], classes) for name, state in models.items()}
    metrics, differences = judge(job.kind, truth_of(job, rows, classes), answers, job.parameters["seed"])
    for name, value in (metrics["challenger"] or {}).items():
        print(f"metric: {name}={value}", flush=True)
    return {
        "format": 1,
        "purpose": job.parameters.get("purpose", "train"),
        "task": job.task,
        "rows": rows.num_rows,
        "primary": next(iter(METRICS[job.kind])),
        "higher_is_better": HIGHER_IS_BETTER,
        "metrics": metrics,
        "differences": differences,
        "trained_through": last_time(job, train),
        **told_of_champion(job.parameters.get("champion"), champion),
    }


def evaluate_serving(job: Job, challenger: Contestant, champion: Contestant | None) -> dict[str, Any]:
    """Measure what challenger and champion cost to serve, and print the challenger's figures."""
    contestants = {"challenger": challenger, **({"champion": champion} if champion else {})}
    served = {name: Served((one.state, one.signature), one.size_bytes) for name, one in contestants.items()}
    found = measure(served, sample_records(job, job.read("test")), job.parameters["seed"])
    for name, value in found["metrics"]["challenger"].items():
        print(f"metric: {name}={value}", flush=True)
    return found


def unseen_rows(job: Job, *contestants: Contestant) -> pa.Table:
    """Return the newest rows without those that any of the contestants was taught."""
    test = job.read("test")
    taught = np.concatenate([one.seen for one in contestants])
    return test.filter(pa.array(~np.isin(hash_rows(job, test), taught)))


def told_of_champion(stated: dict[str, Any] | None, champion: Contestant | None) -> dict[str, str | None]:
    """Return which version is live, if any is, and why it could not be judged, if it could not."""
    return {
        "champion_version": stated["version"] if stated else None,
        "champion_error": "the champion is no model of this recipe" if stated and not champion else None,
    }


def load(job: Job, channel: str) -> Contestant | None:
    """Return the model in a channel's model.tar.gz, None where it is none of this recipe; nothing in there is run."""
    archive = job.base / "input" / "data" / channel / "model.tar.gz"
    if not archive.is_file():
        return None
    with tarfile.open(archive) as tar:
        members = {member.name.removeprefix("./"): member for member in tar if member.isfile()}
        found = {name: tar.extractfile(members[name]) for name in KEPT if name in members}
        contents = {name: file.read() for name, file in found.items() if file}
    if len(contents) < len(KEPT):
        return None
    state, signature, seen = (contents[name] for name in KEPT)
    return Contestant(
        json.loads(state),
        json.loads(signature),
        np.load(io.BytesIO(seen), allow_pickle=False),
        loaded_bytes({name: member.size for name, member in members.items()}),
    )


def hash_rows(job: Job, table: pa.Table) -> Hashes:
    """Return a number per row by which it is known again: of its key, or without one of all its values."""
    key = job.parameters.get("key")
    rows = table.select([key] if key else table.column_names).to_pylist()
    digests = [hashlib.sha256(repr(tuple(row.values())).encode()).digest()[:8] for row in rows]
    return np.frombuffer(b"".join(digests), dtype="<u8")


def classes_in(job: Job, rows: pa.Table, known: list[Any] | None) -> list[Any] | None:
    """Return the challenger's classes, then those among the rows that it has never heard of; None for numbers."""
    return known and known + sorted(set(rows[job.target].to_pylist()) - set(known))


def truth_of(job: Job, rows: pa.Table, classes: list[Any] | None) -> npt.NDArray[Any]:
    """Return the true numbers, or the places of the true classes."""
    if classes is None:
        return rows[job.target].cast(pa.float64()).to_numpy()
    return np.array([classes.index(value) for value in rows[job.target].to_pylist()], dtype=np.int64)


def align(
    answers: npt.NDArray[np.float64], own: list[Any] | None, classes: list[Any] | None
) -> npt.NDArray[np.float64]:
    """Return one column per class: 0 for a class that the model does not know."""
    if own is None or classes is None:
        return answers
    none = np.zeros(len(answers))
    return np.column_stack([answers[:, own.index(c)] if c in own else none for c in classes])


if __name__ == "__main__":
    main(Job.from_environment())
