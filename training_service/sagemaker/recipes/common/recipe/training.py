"""The story of one training job, the same for every family.

read the channels → fit → save → load the champion → judge both and the baseline on rows neither has seen →
write the evaluation, plots, golden rows and card beside the model, with the code that serves it.
"""

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .artifact import SEEN_FILE
from .champion import Champion, load_champion
from .columns import concatenate, row_count
from .data import Data
from .evaluate import Judged, evaluate, metric_lines
from .failure import ModelRefusedError, UserError
from .family import Family, Model
from .packing import pack_model, write_plots
from .parameters import Parameters, load_parameters
from .serving import load_folder
from .slices import hash_taught, judged_rows, last_time
from .times import format_time


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
        train(family, paths)
    except UserError as error:
        paths.output.mkdir(parents=True, exist_ok=True)
        (paths.output / "failure").write_text(str(error), encoding="utf-8")
        print(f"failure: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def train(family: Family, paths: Paths) -> dict[str, Any]:
    """Do the whole job and return its evaluation.

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
    family.fit(parameters, data, paths.model)
    # What is judged is what will be served: the model as it comes back from disk.
    challenger = load_folder(family.serving, paths.model)
    _say(started, f"fitted {parameters.recipe} ({parameters.preset})")
    judged, facts = _judge(family, paths, parameters, data, challenger)
    tables = (family.metrics[parameters.task], family.primary[parameters.task])
    evaluation = evaluate(tables, parameters, judged, facts)
    _say(started, f"judged on {evaluation['rows']} rows")
    write_plots(paths.model / "plots", family.plots(parameters, judged, challenger) if judged.rows else {})
    samples = family.samples(parameters, data, judged, challenger)
    pack_model(paths.model, (family.name, family.serving), parameters, evaluation, samples)
    for line in metric_lines(evaluation["metrics"]["challenger"], parameters.metrics):
        print(line, flush=True)
    _say(started, "done")
    return evaluation


def _check_metrics(family: Family, parameters: Parameters) -> None:
    known = family.metrics[parameters.task]
    for name in parameters.metrics:
        if name not in known:
            raise UserError(f"The metric '{name}' is not one of {parameters.task}: {', '.join(known)}.")


def _judge(
    family: Family, paths: Paths, parameters: Parameters, data: Data, challenger: Model
) -> tuple[Judged, dict[str, Any]]:
    champion, error = _find_champion(family, paths, parameters)
    taught = [data.train, data.validation]
    through = last_time(taught, parameters.time)
    seen = hash_taught(concatenate(taught), parameters)
    np.save(paths.model / SEEN_FILE, seen, allow_pickle=False)
    others = [champion] if champion else []
    rows = judged_rows(
        data.test,
        parameters,
        [through, *(c.trained_through for c in others)],
        [seen, *(c.seen_rows for c in others)],
    )
    models = {"challenger": challenger, **({"champion": champion.model} if champion else {})}
    facts = {
        "rows_train": row_count(data.train),
        "rows_validation": row_count(data.validation),
        "rows_without_target": data.without_target,
        "rows_test_seen": int((~rows).sum()),
        "trained_through": format_time(through),
        "champion_error": error,
    }
    return family.judge(parameters, data, rows, models), facts


def _find_champion(
    family: Family, paths: Paths, parameters: Parameters
) -> tuple[Champion | None, str | None]:
    folder = paths.data / "champion"
    if parameters.champion_version is None and not folder.is_dir():
        return None, None
    try:
        champion = load_champion(folder, parameters, family.serving)
        family.check_champion(champion.model.signature, parameters)
    except ModelRefusedError as error:
        print(f"champion not judged: {error}", flush=True)
        return None, str(error)
    return champion, None


def _say(started: float, what: str) -> None:
    print(f"[{time.monotonic() - started:6.2f} s] {what}", flush=True)
