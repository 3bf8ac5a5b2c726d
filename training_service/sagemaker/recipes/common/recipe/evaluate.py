"""Judge challenger, champion and naive baseline on the same rows: `evaluation.json`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .bootstrap import CONFIDENCE, REPLICATES, compare, draw_weights, replicate
from .columns import Columns
from .metrics import Floats, Measure
from .parameters import Parameters
from .times import format_time

type Metrics = dict[str, float]


@dataclass(frozen=True, kw_only=True)
class Trial:
    """How everybody is measured on the same units, and which units the bootstrap draws together.

    `measures`, `units` and `blocks` are as `Judged` has them.
    """

    measures: dict[str, dict[str, Measure]]
    units: int
    blocks: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """The judged rows and how everybody is measured on them; a family adds what its plots need.

    Attributes
    ----------
    columns
        The judged rows as they were read; their times are looked at here, and where the model is worst.
    rows
        How many rows were judged, as the gate counts them.
    measures
        By `challenger`, `champion`, `baseline`: per metric a function of weights of shape (units,).
    units
        How many things are drawn by the bootstrap (rows, users, …); None: the rows.
    blocks
        Of shape (units,): units of one block are drawn together, since they are not independent.
    champion_error
        Why the champion is not among the measures although it could be loaded.
    slice_by
        Columns of shape (units,) by which slices are cut; None: the rows' own columns, where units are rows.
    """

    columns: Columns
    rows: int
    measures: dict[str, dict[str, Measure]]
    units: int | None = None
    blocks: npt.NDArray[np.int64] | None = None
    champion_error: str | None = None
    slice_by: Columns | None = None

    @property
    def trial(self) -> Trial:
        """What the metrics and their intervals are made from."""
        units = self.rows if self.units is None else self.units
        return Trial(measures=self.measures, units=units, blocks=self.blocks)


def evaluate(
    tables: tuple[Mapping[str, bool], str], parameters: Parameters, judged: Judged, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the document of `evaluation.json`.

    Differences are challenger minus other; their intervals come from one set of draws for all models.

    Parameters
    ----------
    tables
        Which way each metric of the task is better, and the primary one.
    facts
        What training alone knows (row counts, …).
    """
    higher_is_better, primary = tables
    metrics, differences = score(judged.trial, parameters.seed)
    return {
        "format": 1,
        "task": parameters.task,
        "pipeline": parameters.pipeline,
        "target": parameters.target or None,
        "rows": judged.rows,
        "judged": _bounds(judged.columns, parameters.time),
        "primary": primary,
        "metrics": {"champion": None, **metrics},
        "higher_is_better": {m: higher_is_better[m] for m in metrics["challenger"]},
        "differences": {"champion": None, **differences},
        "bootstrap": {"replicates": REPLICATES, "confidence": CONFIDENCE, "seed": parameters.seed},
        "champion_version": parameters.champion_version,
        **facts,
        "champion_error": facts.get("champion_error") or judged.champion_error,
    }


def score(trial: Trial, seed: int) -> tuple[dict[str, Metrics], dict[str, Any]]:
    """Return everybody's metrics, and per other model the challenger's differences with their intervals."""
    ones = np.ones(trial.units)
    metrics = {name: {m: f(ones) for m, f in own.items()} for name, own in trial.measures.items()}
    draws = draw_weights(trial.units, seed, blocks=trial.blocks)
    replicates = {name: replicate(own, draws) for name, own in trial.measures.items()}
    others = [name for name in metrics if name != "challenger"]
    return metrics, {other: _differences(metrics, replicates, other) for other in others}


def _differences(
    metrics: Mapping[str, Metrics], replicates: Mapping[str, dict[str, Floats]], other: str
) -> Any:
    ours, theirs = metrics["challenger"], metrics[other]
    return {
        name: asdict(
            compare(replicates["challenger"][name], replicates[other][name], ours[name] - theirs[name])
        )
        for name in ours
        if name in theirs  # the naive baseline weighs nothing
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
