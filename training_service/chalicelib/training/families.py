"""Which recipe family serves a task, and what its jobs print."""

import msgspec

from shared.entities.pipeline import METRICS


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe family as one task uses it; ``metrics`` are the names in its ``metric: <name>=`` lines."""

    name: str
    metrics: tuple[str, ...]


FAMILIES = {
    "classification": Family(name="tabular", metrics=METRICS["classification"]),
    "regression": Family(name="tabular", metrics=METRICS["regression"]),
}
