"""What `model.params` may say to the two tabular recipes, and what the presets may spend."""

from dataclasses import dataclass, replace
from typing import Any

from recipe.options import Option

OPTIONS: dict[str, dict[str, Option]] = {
    "boosting": {
        "learning_rate": Option(kind=float, low=1e-4, high=1.0),
        "max_iter": Option(kind=int, low=1, high=10_000),
        "max_leaf_nodes": Option(kind=int, low=2, high=4096),
        "max_depth": Option(kind=int, low=1, high=64),
        "min_samples_leaf": Option(kind=int, low=1, high=100_000),
        "l2_regularization": Option(kind=float, low=0.0, high=1e6),
        "max_categories": Option(kind=int, low=2, high=250),
    },
    "linear": {
        "regularization": Option(kind=float, low=1e-6, high=1e6),
        "max_categories": Option(kind=int, low=2, high=1000),
    },
}
# What a search draws its settings from; the first candidate is always scikit-learn's own.
CHOICES: dict[str, tuple[Any, ...]] = {
    "max_leaf_nodes": (8, 15, 31, 63),
    "min_samples_leaf": (5, 20, 60, 200),
    "l2_regularization": (0.0, 1.0, 10.0),
    "max_features": (0.3, 0.6, 1.0),
}


MANY_ROWS = 50_000


@dataclass(frozen=True, kw_only=True)
class Budget:
    """How long a preset may search; boosting has `candidates`, of which few rows find the good ones in `rounds`.

    The first of the `strengths` is the usual one. `of_many` is the trees and the learning rate for MANY_ROWS and more, where each
    tree learns so much that fewer, larger steps come as far.
    """

    max_iter: int
    learning_rate: float
    patience: int
    strengths: tuple[float, ...]
    candidates: int = 1
    rounds: int = 1
    of_many: tuple[int, float] | None = None

    def for_rows(self, rows: int) -> "Budget":
        """Return what so many training rows need."""
        if self.of_many is None or rows < MANY_ROWS:
            return self
        max_iter, learning_rate = self.of_many
        return replace(self, max_iter=max_iter, learning_rate=learning_rate)


PRESETS = {
    "fast": Budget(max_iter=100, learning_rate=0.1, patience=10, strengths=(1.0,), of_many=(80, 0.12)),
    "good": Budget(max_iter=400, learning_rate=0.05, patience=20, strengths=(1.0, 0.1, 10.0)),
    "best": Budget(
        max_iter=1500,
        learning_rate=0.02,
        patience=40,
        strengths=(1.0, 0.01, 0.1, 10.0, 100.0),
        candidates=12,
        rounds=3,
    ),
}


def family_of(recipe: str) -> str:
    """Return the recipe behind a name: `auto` is boosting."""
    return "boosting" if recipe == "auto" else recipe
