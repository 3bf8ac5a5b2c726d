"""Which recipe family serves a task, and what its jobs print."""

import msgspec


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe family as one task uses it; ``metrics`` are the names in its ``metric: <name>=`` lines."""

    name: str
    metrics: tuple[str, ...]


FAMILIES = {
    "classification": Family(
        name="tabular", metrics=("log_loss", "roc_auc", "accuracy", "f1", "brier", "average_precision")
    ),
    "regression": Family(name="tabular", metrics=("rmse", "mae", "r2", "mape")),
}
