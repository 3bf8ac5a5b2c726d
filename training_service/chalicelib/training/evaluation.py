"""``evaluation.json``, as the recipe writes it: challenger, champion and baseline on the same rows."""

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


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate reads; ``rows`` are those no model was trained on, ``champion_error`` why none was judged."""

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
