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
    ours, theirs = _told(live), _told(other)
    return len(ours) != len(theirs) or any(map(_unlike, ours, theirs))


def _told(answer: Answer) -> list[object]:
    """Return the values of an answer, one or many, in their order."""
    if answer.points is not None:
        return [point.value for point in answer.points]
    if answer.items is not None:
        return [item.item for item in answer.items]
    return [answer.value]


def _unlike(one: object, two: object) -> bool:
    if _is_number(one) and _is_number(two):
        return not math.isclose(float(str(one)), float(str(two)), rel_tol=RELATIVE)
    return one != two


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
