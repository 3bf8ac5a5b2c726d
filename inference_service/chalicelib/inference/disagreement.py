"""Whether a shadow would have answered otherwise than what is live."""

import math

from chalicelib.inference.answers import Answer

# Two models never agree on a number to its last digit; what differs by less than a hundredth is the same answer.
RELATIVE = 0.01


def count_disagreements(live: list[Answer], other: list[Answer]) -> int:
    """Return how many rows *other* answered otherwise; a row that it did not answer is one of them."""
    missing = abs(len(live) - len(other))
    return missing + sum(_differ(one, two) for one, two in zip(live, other, strict=False))


def _differ(live: Answer, other: Answer) -> bool:
    """Compare what a caller acts on: the value, the points or the order of the items, not the scores."""
    if live.points is not None or other.points is not None:
        ours, theirs = ([point.value for point in answer.points or ()] for answer in (live, other))
        return len(ours) != len(theirs) or any(map(_unlike, ours, theirs))
    if live.items is not None or other.items is not None:
        first, second = ([item.item for item in answer.items or ()] for answer in (live, other))
        return first != second
    return _unlike(live.value, other.value)


def _unlike(one: object, two: object) -> bool:
    if _is_number(one) and _is_number(two):
        return not math.isclose(float(str(one)), float(str(two)), rel_tol=RELATIVE)
    return one != two


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
