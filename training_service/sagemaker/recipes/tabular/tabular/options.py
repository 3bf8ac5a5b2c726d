"""What `model.params` may say to the two tabular recipes."""

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


def family_of(recipe: str) -> str:
    """Return the recipe behind a name: `auto` is boosting."""
    return "boosting" if recipe == "auto" else recipe
