"""How good an answer was, once the truth is known: counts and sums, which add up to accuracy, log loss, MAE and RMSE."""

import math
from collections.abc import Sequence

import msgspec
from chalicelib.inference.answers import Answer, Value
from chalicelib.inference.tally import Tally

Truth = bool | int | float | str | tuple[Value, ...]
# A model that was sure of the wrong class would else be infinitely bad. scikit-learn clips there too.
_LEAST = 2.220446049250313e-16


class Misfit(ValueError):
    """The truth is not of the kind of the answer; the text says what it must be."""


def judge(answer: Answer, truth: Truth) -> Tally:
    """Return what *truth* says of *answer*: right or wrong, or how far off.

    A forecast's truth is a list of numbers, one for each point, null where unknown; a recommendation's an item or a
    list of the items that were taken.

    Raises
    ------
    Misfit
        The truth is not of the kind of the answer.
    """
    if answer.points is not None:
        return _far_off([point.value for point in answer.points], _list_of(truth))
    if answer.items is not None:
        return _hit({spelled(item.item) for item in answer.items}, truth)
    if isinstance(truth, tuple):
        raise Misfit("must be a single value")
    if _is_number(answer.value) and answer.scores is None:
        return _far_off([answer.value], (truth,))
    return _right_or_wrong(answer, truth)


def spelled(value: object) -> str:
    """Return a class as the names of scores spell it."""
    if isinstance(value, str):
        return value
    # 3 and 3.0 are one class: which of them was written is lost in a table.
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 2**53
    return msgspec.json.encode(int(value) if whole else value).decode()  # type: ignore[call-overload]


def _right_or_wrong(answer: Answer, truth: Value) -> Tally:
    name = spelled(truth)
    correct = int(spelled(answer.value) == name)
    if answer.scores is None:
        return Tally(labelled=1, correct=correct)
    share = min(max(answer.scores.get(name, 0.0), _LEAST), 1.0)
    return Tally(labelled=1, correct=correct, scored=1, log_loss=-math.log(share))


def _hit(items: set[str], truth: Truth) -> Tally:
    taken = truth if isinstance(truth, tuple) else (truth,)
    if not taken or None in taken:
        raise Misfit("must be the item that was taken, or a list of items")
    return Tally(labelled=1, correct=int(any(spelled(one) in items for one in taken)))


def _far_off(answered: Sequence[object], truths: Sequence[Value]) -> Tally:
    if len(truths) > len(answered):
        raise Misfit(f"has {len(truths)} numbers; {len(answered)} were predicted")
    pairs = [(a, t) for a, t in zip(answered, truths, strict=False) if t is not None]
    if not pairs or not all(_is_number(t) for _, t in pairs):
        raise Misfit("must be a number, of a forecast a list of numbers")
    errors = [abs(float(a) - float(t)) for a, t in pairs]  # type: ignore[arg-type]
    squares = sum(min(e, 1e18) ** 2 for e in errors)
    return Tally(labelled=1, measured=len(pairs), absolute_error=sum(errors), squared_error=squares)


def _list_of(truth: Truth) -> tuple[Value, ...]:
    if not isinstance(truth, tuple):
        raise Misfit("must be a list of numbers, one for each predicted point")
    return truth


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
