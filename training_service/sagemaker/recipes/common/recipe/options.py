"""What a pipeline's `model.params` may say: names, kinds and ranges, as a family's tables of `Option` have them."""

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


def check_options(
    recipe: str, options: Mapping[str, Option], params: Mapping[str, object]
) -> dict[str, Value]:
    """Return the parameters as numbers of the right kind; raise `UserError` for the first that is not allowed."""
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
