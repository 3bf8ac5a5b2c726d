"""The story of one training job.

read the channels → fit → save → load the champion → judge both and the baseline on rows neither has seen →
write the evaluation, plots, golden rows and card beside the model, with the code that serves it.
"""

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .artifact import SEEN_FILE, SIGNATURE_FILE, save_pipeline, write_json
from .champion import Champion, load_champion
from .columns import Columns, concatenate, is_missing, row_count, take_rows
from .data import read_channel
from .evaluate import Judged, answer_rows, evaluate, metric_lines, naive_baseline
from .failure import ModelRefusedError, UserError
from .features import known_categories, to_matrix
from .labels import Label, encode_labels, find_classes
from .metrics import HIGHER_IS_BETTER
from .models import Plan, Side, fit_pipeline
from .packing import pack_model
from .parameters import Parameters, load_parameters
from .predictor import Predictor, load_predictor
from .signature import make_signature
from .slices import hash_taught, judged_rows, last_time
from .times import format_time

SIDES = ("train", "validation", "test")


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


@dataclass(frozen=True, kw_only=True)
class Data:
    """The three sides with a target in every row, and how many rows had none."""

    train: Columns
    validation: Columns
    test: Columns
    without_target: int


def run(paths: Paths) -> int:
    """Train and judge; return the exit code, with the sentence for a person in `output/failure` when it is not 0."""
    try:
        train(paths)
    except UserError as error:
        paths.output.mkdir(parents=True, exist_ok=True)
        (paths.output / "failure").write_text(str(error), encoding="utf-8")
        print(f"failure: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def train(paths: Paths) -> dict[str, Any]:
    """Do the whole job and return its evaluation.

    Raises
    ------
    UserError
        The data or the parameters cannot be trained on. A champion that cannot be judged is no error: the
        evaluation says so, and the gate decides.
    """
    started = time.monotonic()
    parameters = load_parameters(paths.data / "parameters" / "parameters.json")
    _check_metrics(parameters)
    data = read_sides(paths.data, parameters)
    _say(started, f"{row_count(data.train)} training rows, {row_count(data.validation)} validation rows")
    classes, targets = _targets(data, parameters)
    challenger = _fit(parameters, data, classes, targets)
    paths.model.mkdir(parents=True, exist_ok=True)
    save_pipeline(challenger.pipeline, paths.model)
    write_json(paths.model / SIGNATURE_FILE, challenger.signature.to_document())
    # What is judged is what will be served: the model as it comes back from disk.
    challenger = load_predictor(paths.model)
    _say(started, f"fitted {parameters.recipe} ({parameters.preset})")
    judged, facts = _judge(paths, parameters, data, challenger, targets)
    evaluation = evaluate(parameters, judged, facts)
    _say(started, f"judged on {evaluation['rows']} rows")
    samples = judged.columns if len(judged.truth) else data.train
    pack_model(paths.model, parameters, judged, evaluation, samples)
    for line in metric_lines(evaluation["metrics"]["challenger"], parameters.metrics):
        print(line, flush=True)
    _say(started, "done")
    return evaluation


def read_sides(folder: Path, parameters: Parameters) -> Data:
    """Read the three channels, leaving out rows without a target."""
    # A key is an identity, not a quantity: as text, large integers keep their last digits.
    as_text = {parameters.key} - {parameters.time}
    fields = [replace(f, type="string") if f.name in as_text else f for f in parameters.fields]
    sides = [read_channel(folder / side, fields) for side in SIDES]
    missing = [is_missing(side[parameters.target]) for side in sides]
    train_side, validation, test = (take_rows(s, ~gone) for s, gone in zip(sides, missing, strict=True))
    if not row_count(train_side):
        raise UserError(f"There are no training rows with a value in the target '{parameters.target}'.")
    without = int(sum(gone.sum() for gone in missing))
    return Data(train=train_side, validation=validation, test=test, without_target=without)


def _check_metrics(parameters: Parameters) -> None:
    known = HIGHER_IS_BETTER[parameters.task]
    for name in parameters.metrics:
        if name not in known:
            raise UserError(f"The metric '{name}' is not one of {parameters.task}: {', '.join(known)}.")


def _targets(data: Data, parameters: Parameters) -> tuple[tuple[Label, ...] | None, list[Any]]:
    target = parameters.target_field
    sides = [data.train[target.name], data.validation[target.name]]
    if parameters.task == "classification":
        classes = find_classes(sides[0], target)
        return classes, [encode_labels(values, classes) for values in sides]
    if target.type not in ("integer", "number"):
        raise UserError(
            f"The target '{target.name}' is {target.type}; regression needs an integer or a number."
        )
    return None, sides


def _fit(
    parameters: Parameters, data: Data, classes: tuple[Label, ...] | None, targets: list[Any]
) -> Predictor:
    fields = parameters.features
    # A class that only validation has cannot be scored by a model that never met it.
    known = ~np.isnan(targets[1])
    validation = Side(matrix=to_matrix(data.validation, fields)[known], target=targets[1][known])
    plan = Plan(
        task=parameters.task,
        recipe=parameters.recipe,
        preset=parameters.preset,
        params=parameters.params,
        seed=parameters.seed,
    )
    pipeline = fit_pipeline(
        plan, fields, Side(matrix=to_matrix(data.train, fields), target=targets[0]), validation
    )
    seen = known_categories(pipeline.named_steps["preprocessing"], fields)
    return Predictor(pipeline=pipeline, signature=make_signature(parameters, data.train, seen, classes))


def _judge(
    paths: Paths, parameters: Parameters, data: Data, challenger: Predictor, targets: list[Any]
) -> tuple[Judged, dict[str, Any]]:
    champion, error = _find_champion(paths, parameters)
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
    models = {"challenger": challenger, **({"champion": champion.predictor} if champion else {})}
    class_count = len(challenger.signature.classes or ())
    baseline = naive_baseline(parameters.task, targets[0], class_count)
    facts = {
        "rows_train": row_count(data.train),
        "rows_validation": row_count(data.validation),
        "rows_without_target": data.without_target,
        "rows_test_seen": int((~rows).sum()),
        "trained_through": format_time(through),
        "champion_error": error,
    }
    return answer_rows(take_rows(data.test, rows), parameters, models, baseline), facts


def _find_champion(paths: Paths, parameters: Parameters) -> tuple[Champion | None, str | None]:
    folder = paths.data / "champion"
    if parameters.champion_version is None and not folder.is_dir():
        return None, None
    try:
        return load_champion(folder, parameters), None
    except ModelRefusedError as error:
        print(f"champion not judged: {error}", flush=True)
        return None, str(error)


def _say(started: float, what: str) -> None:
    print(f"[{time.monotonic() - started:6.2f} s] {what}", flush=True)
