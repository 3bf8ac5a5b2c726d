"""``evaluation.json``, as the recipe writes it: challenger, champion and baseline on the same rows."""

from typing import Any

import msgspec

Metrics = dict[str, float | None]


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """Challenger minus other: the estimate and the ends of its 90 % paired bootstrap interval; None is NaN."""

    estimate: float | None = None
    low: float | None = None
    high: float | None = None


class Scores(msgspec.Struct, frozen=True, kw_only=True):
    """The metrics of everyone who was judged."""

    challenger: Metrics
    champion: Metrics | None = None
    baseline: Metrics


class Differences(msgspec.Struct, frozen=True, kw_only=True):
    """Per metric, challenger minus champion and challenger minus baseline."""

    champion: dict[str, Interval] | None = None
    baseline: dict[str, Interval] = {}


class ServedScores(msgspec.Struct, frozen=True, kw_only=True):
    """What challenger and champion cost to serve; the naive baseline is not served."""

    challenger: Metrics
    champion: Metrics | None = None


class ServedDifferences(msgspec.Struct, frozen=True, kw_only=True):
    """Per metric, challenger minus champion."""

    champion: dict[str, Interval] | None = None


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """``serving.json``: latencies of so many requests, and by what method they were measured."""

    requests: int
    method: str
    metrics: ServedScores
    differences: ServedDifferences


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """Some judged rows: the model's primary metric on them, beside champion and baseline; None is NaN."""

    column: str
    slice: str
    rows: int
    value: float | None = None
    champion: float | None = None
    baseline: float | None = None


class Slices(msgspec.Struct, frozen=True, kw_only=True):
    """Of each column the slice of at least so many rows on which the model is worst, the worst column first."""

    metric: str
    least_rows: int
    columns: tuple[Slice, ...] = ()


class Fairness(msgspec.Struct, frozen=True, kw_only=True):
    """Per column that ``model.fairness`` names, its groups with their rates and the primary metric."""

    metric: str
    columns: dict[str, tuple[dict[str, str | float | None], ...]] = {}


class Export(msgspec.Struct, frozen=True, kw_only=True):
    """What became of another form of the model: its parity with the model, or why there is no such file."""

    written: bool
    reason: str | None = None
    rows: int = 0
    flips: int | None = None
    largest_difference: float | None = None
    tolerance: float | None = None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate reads; ``rows`` are those no model was trained on, ``champion_error`` why none was judged.

    ``only_class`` is the class that all judged rows have, if they do: ranking metrics are null then.
    ``search`` says which settings were chosen, of how many; null where there was nothing to choose. ``serving`` is a file of its own, because times are never twice the same.
    """

    format: int
    purpose: str = "train"
    task: str
    rows: int
    primary: str
    metrics: Scores
    higher_is_better: dict[str, bool]
    differences: Differences
    trained_through: str | None = None
    champion_version: str | None = None
    champion_error: str | None = None
    slices: Slices | None = None
    fairness: Fairness | None = None
    search: dict[str, Any] | None = None
    serving: Serving | None = None
    exports: dict[str, Export] = {}
    only_class: str | None = None

    def value(self, metric: str) -> float | None:
        """Return the challenger's *metric*, None where it is missing or NaN."""
        served = self.serving.metrics.challenger if self.serving else {}
        return {**served, **self.metrics.challenger}.get(metric)

    def difference(self, metric: str, reference: str) -> Interval:
        """Return how the challenger's *metric* differs from the *reference*'s; empty where it is not known."""
        if reference == "baseline":
            return self.differences.baseline.get(metric, Interval())
        # A champion that could not be judged is compared in nothing, not even in its latency.
        known = self.differences.champion or {}
        served = (self.serving.differences.champion or {}) if self.serving and known else {}
        return {**served, **known}.get(metric, Interval())


def decode_evaluation(body: bytes, serving: bytes | None) -> Evaluation:
    """Return the two files as one value; raise ``msgspec.DecodeError`` where one is not what it should be."""
    evaluation = msgspec.json.decode(body, type=Evaluation)
    if serving is None:
        return evaluation
    return msgspec.structs.replace(evaluation, serving=msgspec.json.decode(serving, type=Serving))
