"""What a model costs to serve: how long one record takes, and how many bytes an endpoint loads.

The time is that of the endpoint's own functions (JSON in, JSON out, one record a request) in this process: no
network, no container. On another machine it is another number, but two models timed in turn compare.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from .champion import Contestant
from .evaluate import Judged, Trial, score
from .metrics import Floats, Measure
from .requests import JSON
from .serving import Serving, endpoint_functions

SERVING_FILE = "serving.json"
LATENCY = "latency_p95_ms"
METHOD = "one JSON record a request through the endpoint's own functions, one thread, in the training job"
PERCENTILE = 0.95
REQUESTS = (20, 100)  # at least, whatever it takes, and at most
BUDGET_S = 0.6  # for all models together
_WARM_UP = 3
MEGABYTE = 1e6


def weigh(judged: Judged, contestants: Mapping[str, Contestant]) -> Judged:
    """Return the judged rows measured by `size_mb`, too; the naive baseline weighs nothing."""
    measures = {
        name: {**own, **({"size_mb": _constant(contestants[name].size_bytes)} if name in contestants else {})}
        for name, own in judged.measures.items()
    }
    return replace(judged, measures=measures)


def time_serving(
    serving: Serving,
    contestants: Mapping[str, Contestant],
    records: Sequence[dict[str, Any]],
    seed: int,
) -> dict[str, Any]:
    """Return the document of `serving.json`: times are never twice the same, and so kept out of the evaluation.

    The contestants are timed in turn on the same records; drawn again by the bootstrap are the requests. A model
    that refuses one of the records has no latency.
    """
    times = _time_in_turn(serving, contestants, records)
    requests = max((len(own) for own in times.values()), default=0)
    measures: dict[str, dict[str, Measure]] = {
        name: {LATENCY: percentile_of(own)} for name, own in times.items()
    }
    metrics, differences = score(Trial(measures=measures, units=requests), seed)
    return {
        "format": 1,
        "method": METHOD,
        "requests": requests,
        "metrics": {"champion": None, **metrics},
        "differences": {"champion": None, **differences},
    }


def percentile_of(times: Floats) -> Measure:
    """Prepare the 95th percentile of values of shape (units,): the least that 95 % of the weight do not exceed."""
    order = np.argsort(times, kind="stable")

    def measure(weights: Floats) -> float:
        """Return it, NaN where there are none."""
        passed = np.cumsum(weights[order]) if len(order) else np.zeros(0)
        if not len(passed) or passed[-1] <= 0:
            return float("nan")
        return float(times[order][np.searchsorted(passed, PERCENTILE * passed[-1])])

    return measure


def _constant(size_bytes: int) -> Measure:
    return lambda _weights: size_bytes / MEGABYTE


def _time_in_turn(
    serving: Serving, contestants: Mapping[str, Contestant], records: Sequence[dict[str, Any]]
) -> dict[str, Floats]:
    _, transform_fn = endpoint_functions(serving)
    bodies = {name: _bodies(one, records) for name, one in contestants.items()}
    times: dict[str, list[float]] = {name: [] for name in contestants}
    # An endpoint's worker has one thread; with more, a single record only waits for them.
    with threadpool_limits(limits=1):
        for request in _within_budget(*(REQUESTS if records else (0, 0))):
            for name, one in contestants.items():
                taken = _time_one(transform_fn, one.model, bodies[name][request % len(records)])
                if request >= 0:
                    times[name].append(taken)
    return {name: _all_or_none(taken) for name, taken in times.items()}


def _within_budget(least: int, most: int) -> Iterator[int]:
    """Yield the number of each request until the time for all is over; negative ones only warm up."""
    began = time.perf_counter()
    for request in range(-_WARM_UP, most):
        if request >= least and time.perf_counter() - began > BUDGET_S:
            return
        yield request


def _all_or_none(taken: Sequence[float]) -> Floats:
    # NaN says that a request was refused; then the others say nothing about the model either.
    return np.full(len(taken), np.nan) if np.isnan(taken).any() else np.array(taken)


def _time_one(transform_fn: Any, model: Any, body: str) -> float:
    began = time.perf_counter()
    response = transform_fn(model, body, JSON, JSON)
    taken_ms = (time.perf_counter() - began) * 1000
    return taken_ms if response.status_code == 200 else float("nan")


def _bodies(contestant: Contestant, records: Sequence[dict[str, Any]]) -> list[str]:
    # An older model may take fewer inputs; what it does not know it would refuse.
    names = {taken.name for taken in contestant.model.signature.inputs}
    return [json.dumps({"records": [{k: v for k, v in r.items() if k in names}]}) for r in records]
