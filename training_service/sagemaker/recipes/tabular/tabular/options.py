"""What a pipeline's `model.params` may say: names, kinds and ranges per recipe."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .failure import UserError

type Value = int | float


@dataclass(frozen=True, kw_only=True)
class Option:
    """A parameter a person may set, with its inclusive range."""

    kind: type[int] | type[float]
    low: float
    high: float


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


def check_options(recipe: str, params: Mapping[str, object]) -> dict[str, Value]:
    """Return the parameters as numbers of the right kind; raise `UserError` for the first that is not allowed."""
    options = OPTIONS[family_of(recipe)]
    for name in params:
        if name not in options:
            raise UserError(
                f"The recipe {recipe} has no parameter '{name}'; allowed are {', '.join(sorted(options))}."
            )
    return {name: _check_value(name, value, options[name]) for name, value in params.items()}


def _check_value(name: str, value: Any, option: Option) -> Value:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and option.low <= value <= option.high and value == option.kind(value):
        return option.kind(value)
    kind = "a whole number" if option.kind is int else "a number"
    raise UserError(
        f"The parameter '{name}' is {value!r}; it must be {kind} from {option.low:g} to {option.high:g}."
    )
