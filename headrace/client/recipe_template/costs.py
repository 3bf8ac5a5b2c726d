"""What a model costs to serve: how long one record takes, and how many bytes an endpoint loads.

The time is that of `transform_fn` in this process: no network, no container. On another machine it is another number, but
two models that are asked in turn compare.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from inference import JSON, Model, transform_fn
from judging import Floats, draw_rows, interval

LATENCY, SIZE = "latency_p95_ms", "size_mb"
METRICS = (LATENCY, SIZE)
METHOD = "one JSON record a request through transform_fn, in the training job"
LEAST, MOST = 20, 100  # requests: at least, whatever they take, and at most
BUDGET_S = 0.6
WARM_UP = 3
# What only people and the gate read.
NOT_LOADED = (
    "card.md",
    "evaluation.json",
    "golden.jsonl",
    "seen_rows.npy",
    "serving.json",
    "versions.json",
    "plots/",
)


@dataclass(frozen=True)
class Served:
    """A model as an endpoint has it, and the bytes it loads for it."""

    model: Model
    size_bytes: int


def loaded_bytes(sizes: Mapping[str, int]) -> int:
    """Return how many bytes an endpoint loads, of the files by their names in the model's folder."""
    return sum(size for name, size in sizes.items() if not name.startswith(NOT_LOADED))


def measure(served: Mapping[str, Served], records: Sequence[dict[str, Any]], seed: int) -> dict[str, Any]:
    """Return the document of `serving.json`: of `challenger` and perhaps `champion`, asked in turn about the same records."""
    times = _ask_in_turn({name: one.model for name, one in served.items()}, records)
    requests = len(times["challenger"])
    draws = draw_rows(requests, seed)
    metrics = {
        name: {LATENCY: _percentile(times[name]), SIZE: one.size_bytes / 1e6} for name, one in served.items()
    }
    document = {"format": 1, "method": METHOD, "requests": requests, "metrics": {"champion": None, **metrics}}
    if "champion" not in served:
        return {**document, "differences": {"champion": None}}
    own, other = (
        np.array([_percentile(times[name][draw]) for draw in draws]) for name in ("challenger", "champion")
    )
    latency, size = (metrics["challenger"][name] - metrics["champion"][name] for name in METRICS)
    # Of files there is no other draw.
    differences = {LATENCY: interval(latency, own - other), SIZE: interval(size, np.array([size]))}
    return {**document, "differences": {"champion": differences}}


def _percentile(times: Floats) -> float:
    """Return the least time that 95 % do not exceed; NaN where there are none."""
    return float(np.quantile(times, 0.95, method="inverted_cdf")) if len(times) else float("nan")


def _ask_in_turn(models: Mapping[str, Model], records: Sequence[dict[str, Any]]) -> dict[str, Floats]:
    times: dict[str, list[float]] = {name: [] for name in models}
    for request in _within_budget(MOST if records else 0):
        for name, model in models.items():
            taken_ms = _ask(model, records[request % len(records)])
            if request >= 0:
                times[name].append(taken_ms)
    # Who refuses one of the records has no latency.
    return {
        name: np.array(own) if np.isfinite(own).all() else np.full(len(own), np.nan)
        for name, own in times.items()
    }


def _within_budget(most: int) -> Iterator[int]:
    """Yield the number of each request until the time for all is over; negative ones only warm up."""
    began = time.perf_counter()
    for request in range(-WARM_UP if most else 0, most):
        if request >= LEAST and time.perf_counter() - began > BUDGET_S:
            return
        yield request


def _ask(model: Model, record: dict[str, Any]) -> float:
    # An older model may take fewer columns.
    names = {taken["name"] for taken in model[1]["inputs"]}
    body = json.dumps({"records": [{name: value for name, value in record.items() if name in names}]})
    began = time.perf_counter()
    answer = transform_fn(model, body, JSON, JSON)
    taken_ms = (time.perf_counter() - began) * 1000
    return taken_ms if answer.status_code == 200 else float("nan")
