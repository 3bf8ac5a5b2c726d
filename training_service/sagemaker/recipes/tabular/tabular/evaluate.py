"""Judge challenger, champion and naive baseline on the same rows: `evaluation.json`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .bootstrap import CONFIDENCE, REPLICATES, compare, draw_weights, replicate
from .columns import Columns
from .labels import Label, encode_labels, find_extra
from .metrics import HIGHER_IS_BETTER, PRIMARY, Floats, measures_of
from .parameters import Parameters
from .predictor import Predictor
from .times import format_time

type Metrics = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The judged rows with everybody's answers.

    `truth` holds codes into `classes` or values; each answer has shape (rows, classes) or (rows,).
    """

    columns: Columns
    truth: Floats
    classes: tuple[Label, ...] | None
    answers: dict[str, Floats]


def answer_rows(
    columns: Columns,
    parameters: Parameters,
    models: Mapping[str, Predictor],
    baseline: Callable[[int], Floats],
) -> Judged:
    """Let every model and the baseline answer the judged rows.

    Parameters
    ----------
    models
        By the name they have in the evaluation; `challenger` must be one of them.
    baseline
        Returns its answers for a number of rows: it knows nothing about any of them.
    """
    values = columns[parameters.target]
    classes = models["challenger"].signature.classes
    if classes is not None:
        # A class that is new in the judged rows counts against every model: none can have scored it.
        classes = classes + find_extra(values, classes, parameters.target_field)
    truth = encode_labels(values, classes) if classes else values.astype(np.float64)
    answers = {name: model.scores_for(columns, classes) for name, model in models.items()}
    answers["baseline"] = _widen(baseline(len(values)), len(classes) if classes else None)
    return Judged(columns=columns, truth=truth, classes=classes, answers=answers)


def naive_baseline(task: str, target: Floats, class_count: int) -> Callable[[int], Floats]:
    """Return what somebody says who saw only the training targets: the class shares, or the mean."""
    if task == "regression":
        mean = float(target.mean())
        return lambda rows: np.full(rows, mean)
    shares = np.bincount(target.astype(np.int64), minlength=class_count) / len(target)
    return lambda rows: np.tile(shares, (rows, 1))


def _widen(answers: Floats, classes: int | None) -> Floats:
    if classes is None or answers.shape[1] == classes:
        return answers
    return np.pad(answers, ((0, 0), (0, classes - answers.shape[1])))


def evaluate(parameters: Parameters, judged: Judged, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document of `evaluation.json`; `facts` adds what training alone knows (row counts, …).

    Differences are challenger minus other; their intervals come from one set of draws for all models.
    """
    rows = len(judged.truth)
    measures = {name: measures_of(parameters.task, judged.truth, a) for name, a in judged.answers.items()}
    metrics = {name: {m: f(np.ones(rows)) for m, f in own.items()} for name, own in measures.items()}
    draws = draw_weights(rows, parameters.seed)
    replicates = {name: replicate(own, draws) for name, own in measures.items()}
    others = [name for name in metrics if name != "challenger"]
    return {
        "format": 1,
        "task": parameters.task,
        "pipeline": parameters.pipeline,
        "target": parameters.target,
        "rows": rows,
        "judged": _bounds(judged.columns, parameters.time),
        "primary": PRIMARY[parameters.task],
        "metrics": {"champion": None, **metrics},
        "higher_is_better": {m: HIGHER_IS_BETTER[parameters.task][m] for m in metrics["challenger"]},
        "differences": {"champion": None, **{o: _differences(metrics, replicates, o) for o in others}},
        "bootstrap": {"replicates": REPLICATES, "confidence": CONFIDENCE, "seed": parameters.seed},
        "champion_version": parameters.champion_version,
        **facts,
    }


def _differences(
    metrics: Mapping[str, Metrics], replicates: Mapping[str, dict[str, Floats]], other: str
) -> Any:
    ours, theirs = metrics["challenger"], metrics[other]
    return {
        name: asdict(
            compare(replicates["challenger"][name], replicates[other][name], ours[name] - theirs[name])
        )
        for name in ours
    }


def _bounds(columns: Columns, time: str | None) -> dict[str, str | None] | None:
    times = columns[time] if time else np.array([], dtype="datetime64[us]")
    times = times[~np.isnat(times)]
    if not len(times):
        return None
    return {"from": format_time(times.min()), "through": format_time(times.max())}


def metric_lines(metrics: Mapping[str, float], asked: Sequence[str]) -> list[str]:
    """Return one line per metric as the job's MetricDefinitions read it, those asked for first."""
    order = sorted(metrics, key=lambda name: (name not in asked, list(metrics).index(name)))
    return [f"metric: {name}={metrics[name]:.6g}" for name in order if np.isfinite(metrics[name])]
