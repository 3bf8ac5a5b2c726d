"""What `model.params` may say to the forecasting recipes, and what the presets may spend."""

from dataclasses import dataclass

from recipe.options import Option

SEASON = {"season": Option(kind=int, low=1, high=100_000)}
OPTIONS: dict[str, dict[str, Option]] = {
    "boosting": {
        "learning_rate": Option(kind=float, low=1e-4, high=1.0),
        "max_iter": Option(kind=int, low=1, high=10_000),
        "max_leaf_nodes": Option(kind=int, low=2, high=4096),
        "min_samples_leaf": Option(kind=int, low=1, high=100_000),
        "l2_regularization": Option(kind=float, low=0.0, high=1e6),
        **SEASON,
    },
    "linear": {"regularization": Option(kind=float, low=1e-6, high=1e6), **SEASON},
}


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much a preset may learn from and try.

    `rows` are pairs of an origin and a step; `candidates` is how many settings are tried, on few rows first in several
    `rounds`. The first of the `strengths` is the usual one.
    """

    rows: int
    max_iter: int
    learning_rate: float
    patience: int
    candidates: int
    strengths: tuple[float, ...]
    rounds: int = 1


PRESETS = {
    "fast": Budget(rows=60_000, max_iter=80, learning_rate=0.05, patience=20, candidates=1, strengths=(1.0,)),
    "good": Budget(
        rows=150_000, max_iter=250, learning_rate=0.03, patience=30, candidates=1, strengths=(1.0, 0.1, 10.0)
    ),
    "best": Budget(
        rows=300_000,
        max_iter=500,
        learning_rate=0.02,
        patience=40,
        candidates=6,
        strengths=(1.0, 0.01, 0.1, 10.0, 100.0),
        rounds=3,
    ),
}


def recipe_of(name: str) -> str:
    """Return the recipe behind a name: `auto` is boosting."""
    return "boosting" if name == "auto" else name
