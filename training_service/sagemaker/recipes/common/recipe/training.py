"""The story of one training job, the same for every family.

read the channels → fit → save → load the champion → judge both and the baseline on rows neither has seen →
write the evaluation, plots, golden rows and card beside the model, with the code that serves it.

A job whose purpose is `evaluate` fits nothing: it loads the challenger as it loads the champion, judges both on
the newest rows and writes the evaluation alone.
"""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .artifact import EVALUATION_FILE, SEEN_FILE, write_json
from .champion import Contestant, load_contestant
from .columns import concatenate, row_count
from .data import Data
from .evaluate import Judged, evaluate, metric_lines
from .failure import ModelRefusedError, UserError
from .fairness import with_fairness
from .family import Family
from .onnx_export import ONNX_FILE, export_onnx
from .packing import pack_model, write_plots
from .parameters import Parameters, load_parameters
from .remarks import find_empty_inputs, find_only_class
from .requests import JSON
from .search import SEARCH_FILE
from .serving import load_folder
from .serving_cost import SERVING_FILE, time_serving, weigh
from .slices import hash_taught, judged_rows, last_time
from .times import format_time
from .worst import find_worst


@dataclass(frozen=True, kw_only=True)
class Paths:
    """Where SageMaker puts what a job reads and writes."""

    data: Path
    model: Path
    output: Path

    @classmethod
    def under(cls, base: Path) -> "Paths":
        """Return the layout of `/opt/ml`, under any folder."""
        return cls(data=base / "input" / "data", model=base / "model", output=base / "output")


def run(family: Family, paths: Paths) -> int:
    """Train and judge; return the exit code, with the sentence for a person in `output/failure` when it is not 0."""
    try:
        work(family, paths)
    except UserError as error:
        paths.output.mkdir(parents=True, exist_ok=True)
        (paths.output / "failure").write_text(str(error), encoding="utf-8")
        print(f"failure: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def work(family: Family, paths: Paths) -> dict[str, Any]:
    """Do the whole job, whatever its purpose, and return its evaluation.

    Raises
    ------
    UserError
        The data or the parameters cannot be trained on. A champion that cannot be judged is no error: the
        evaluation says so, and the gate decides.
    """
    started = time.monotonic()
    parameters = load_parameters(paths.data / "parameters" / "parameters.json", family.rules)
    _check_metrics(family, parameters)
    data = family.read(paths.data, parameters)
    _say(started, f"{row_count(data.train)} training rows, {row_count(data.validation)} validation rows")
    paths.model.mkdir(parents=True, exist_ok=True)
    do = judge_again if parameters.purpose == "evaluate" else train
    evaluation = do(family, paths, parameters, data)
    _say(started, f"judged on {evaluation['rows']} rows, done")
    return evaluation


def train(family: Family, paths: Paths, parameters: Parameters, data: Data) -> dict[str, Any]:
    """Fit a model, judge it and write everything a model version is made of."""
    started = time.monotonic()
    family.fit(parameters, data, paths.model)
    _say(started, f"fitted {parameters.recipe} ({parameters.preset})")
    taught = [data.train, data.validation]
    challenger = Contestant(
        # What is judged is what will be served: the model as it comes back from disk.
        model=load_folder(family.serving, paths.model),
        trained_through=last_time(taught, parameters.time),
        seen_rows=hash_taught(concatenate(taught), parameters),
        size_bytes=sum(path.stat().st_size for path in family.serving.paths_in(paths.model)),
    )
    np.save(paths.model / SEEN_FILE, challenger.seen_rows, allow_pickle=False)
    judged, samples, evaluation = _judge(family, paths, parameters, data, challenger)
    plots = family.plots(parameters, judged, challenger.model) if judged.rows else {}
    write_plots(paths.model / "plots", plots)
    evaluation |= _export(family, paths.model, parameters, (challenger.model, judged, samples))
    pack_model(paths.model, (family.name, family.serving, challenger.model), parameters, evaluation, samples)
    return evaluation


def judge_again(family: Family, paths: Paths, parameters: Parameters, data: Data) -> dict[str, Any]:
    """Judge the model in the channel `challenger` beside the champion of now, and write the evaluation alone.

    The baseline is one of somebody who knows today's training rows, which may be more than the challenger's.
    """
    try:
        challenger = load_contestant(
            paths.data / "challenger", "challenger", parameters.challenger_trained_through, family.serving
        )
        family.check_champion(challenger.model.signature, parameters)
    except ModelRefusedError as error:
        raise UserError(f"The challenger cannot be judged again: {error}") from error
    _, _, evaluation = _judge(family, paths, parameters, data, challenger)
    write_json(paths.model / EVALUATION_FILE, evaluation)
    return evaluation


def _export(
    family: Family, folder: Path, parameters: Parameters, judged: tuple[Any, Judged, Sequence[dict[str, Any]]]
) -> dict[str, Any]:
    """Write the forms of the model that were asked for, and return what became of them."""
    if "onnx" not in parameters.export:
        return {}
    model, rows, samples = judged
    asked = [rows.columns] if rows.rows else []
    if family.onnx is not None and samples:
        asked.append(family.serving.parse(json.dumps({"records": samples}), JSON, model))
    found = export_onnx(folder, family.onnx, model, asked)
    if found["reason"]:
        print(f"no {ONNX_FILE}: {found['reason']}", flush=True)
    return {"exports": {"onnx": found}}


def _check_metrics(family: Family, parameters: Parameters) -> None:
    known = family.metrics[parameters.task]
    for name in parameters.metrics:
        if name not in known:
            raise UserError(f"The metric '{name}' is not one of {parameters.task}: {', '.join(known)}.")


def _judge(
    family: Family, paths: Paths, parameters: Parameters, data: Data, challenger: Contestant
) -> tuple[Judged, Sequence[dict[str, Any]], dict[str, Any]]:
    """Return the judged rows, records as clients send them, and the evaluation."""
    champion, error = _find_champion(family, paths, parameters)
    contestants = {"challenger": challenger, **({"champion": champion} if champion else {})}
    rows = judged_rows(
        data.test,
        parameters,
        [c.trained_through for c in contestants.values()],
        [c.seen_rows for c in contestants.values()],
    )
    judged = family.judge(parameters, data, rows, {name: c.model for name, c in contestants.items()})
    primary, better = family.primary[parameters.task], family.metrics[parameters.task]
    judged, fairness = with_fairness(judged, parameters, primary)
    samples = family.samples(parameters, data, judged, challenger.model)
    facts = {
        "purpose": parameters.purpose,
        "search": _read_search(paths.model),
        "rows_train": row_count(data.train),
        "rows_validation": row_count(data.validation),
        "rows_without_target": data.without_target,
        "inputs_empty": find_empty_inputs(data.train, challenger.model.signature),
        "only_class": find_only_class(judged, parameters),
        "rows_test_seen": int((~rows).sum()),
        "trained_through": format_time(challenger.trained_through),
        "champion_error": error,
        "slices": find_worst(judged, parameters, primary, better[primary]),
        "fairness": fairness,
    }
    serving = time_serving(family.serving, contestants, samples, parameters.seed)
    write_json(paths.model / SERVING_FILE, serving)
    evaluation = evaluate((better, primary), parameters, weigh(judged, contestants), facts)
    latency = serving["metrics"]["challenger"]
    for line in metric_lines(evaluation["metrics"]["challenger"] | latency, parameters.metrics):
        print(line, flush=True)
    return judged, samples, evaluation


def _read_search(folder: Path) -> dict[str, Any] | None:
    """Return how the model's settings were found, None where there was nothing to choose."""
    path = folder / SEARCH_FILE
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    return found


def _find_champion(
    family: Family, paths: Paths, parameters: Parameters
) -> tuple[Contestant | None, str | None]:
    folder = paths.data / "champion"
    if parameters.champion_version is None and not folder.is_dir():
        return None, None
    try:
        champion = load_contestant(folder, "champion", parameters.champion_trained_through, family.serving)
        family.check_champion(champion.model.signature, parameters)
    except ModelRefusedError as error:
        print(f"champion not judged: {error}", flush=True)
        return None, str(error)
    return champion, None


def _say(started: float, what: str) -> None:
    print(f"[{time.monotonic() - started:6.2f} s] {what}", flush=True)
